// What the runtime's TLS does to whoever relies on it, measured on the pinned Node: why chains are validated by us, and why every server side
// needs a session context of its own. A row that changes with a new Node is news, not a nuisance.
import { randomBytes } from 'node:crypto'
import { certificateFor, type CertificateSpec } from '@dialtone/zoo'
import { describe, expect, it } from 'vitest'
import { handshake } from './test-support/platform.ts'

const names = { dns: ['partner.example'] }
const self = { names, issuer: 'self', commonName: 'partner.example' } as const
const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

describe.each(VERSIONS)('%s: the purpose of a client certificate masks every other error', version => {
  it.each<[string, CertificateSpec, string]>([
    ['trusted, for both purposes', { names }, 'none'],
    ['trusted, for servers only', { names, usages: ['serverAuth'] }, 'INVALID_PURPOSE'],
    ['self-signed, for servers only', { ...self, usages: ['serverAuth'] }, 'INVALID_PURPOSE'],
    ['self-signed, for both purposes', self, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['self-signed, without any purpose', { ...self, usages: [] }, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['of an unknown authority', { names, issuer: 'unknown', usages: ['serverAuth'] }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['expired, for servers only', { names, validDays: { from: -90, to: -2 }, usages: ['serverAuth'] }, 'CERT_HAS_EXPIRED'],
  ])('%s', async (_, shows, error) => expect(await handshake({ version }, { shows })).toMatchObject({ error }))
})

describe.each(VERSIONS)('%s: a session that is resumed brings the old certificate', version => {
  it('fails where the server side has no session context, and the other side offers to resume', async () => {
    const server = { version, ticketKeys: randomBytes(48) }
    const { session } = await handshake(server, { shows: { names } })
    expect(await handshake(server, offering(session))).toMatchObject({ error: 'ERR_SSL_SESSION_ID_CONTEXT_UNINITIALIZED' })
  })

  it('lets in whoever offers it, without a certificate, at a server that trusts another authority, where both have one context', async () => {
    const ticketKeys = randomBytes(48)
    const { session } = await handshake({ version, ticketKeys, sessionIdContext: 'one' }, { shows: { names } })
    const another = { version, ticketKeys, sessionIdContext: 'one', trusts: (await certificateFor(self)).chain }
    expect(await handshake(another, offering(session))).toMatchObject({ error: 'none', resumed: true, subjectAltName: 'DNS:partner.example' })
  })

  it('does neither where the contexts differ', async () => {
    const ticketKeys = randomBytes(48)
    const { session } = await handshake({ version, ticketKeys, sessionIdContext: 'one' }, { shows: { names } })
    expect(await handshake({ version, ticketKeys, sessionIdContext: 'two' }, offering(session))).toMatchObject({ resumed: false, subjectAltName: undefined })
  })
})

it('writes other names as text, so that only the DER tells a name from what looks like one', async () => {
  const { subjectAltName } = await handshake({}, { shows: { names: { srvName: ['_xmpp-server.partner.example'], xmppAddr: ['partner.example'] } } })
  expect(subjectAltName?.split(', ').toSorted()).toEqual(['othername:SRVName:_xmpp-server.partner.example', 'othername:XmppAddr:partner.example'])
})

function offering (session: Buffer | undefined): { offers: Buffer } {
  if (session === undefined) throw new Error('the server gave no session')
  return { offers: session }
}
