import { once } from 'node:events'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { certificateFor, trustedRoot, type CertificateSpec } from '@dialtone/zoo'
import { anchorsOf, validateChain, type Anchors } from './chain.ts'

const names = { dns: ['partner.example'] }

describe('trust is told apart from dates, names and purposes', () => {
  for (const [name, spec, trust] of [
    ['a chain to a given anchor', { names }, 'trusted'],
    ['through an intermediate', { names, issuer: 'intermediate' }, 'trusted'],
    ['one whose intermediate was not sent', { names, issuer: 'intermediate', withoutIntermediate: true }, 'incomplete'],
    ['an expired one is still a trusted chain', { names, validDays: { from: -90, to: -2 } }, 'trusted'],
    ['one for another name is still a trusted chain', { names: { dns: ['other.example'] } }, 'trusted'],
    ['signed by itself', { names, issuer: 'self', commonName: 'partner.example' }, 'self-signed'],
  ] as const satisfies readonly (readonly [string, CertificateSpec, string])[]) {
    it(name, async () => expect(await trustOf(spec)).toBe(trust))
  }

  it('another root is not trusted, whether it is sent or not', async () => {
    expect(['unknown-ca', 'incomplete']).toContain(await trustOf({ names, issuer: 'unknown' }))
  })

  it('a signature that does not verify breaks the path', async () => {
    const sent = await derOf({ names })
    const [leaf] = sent
    if (leaf === undefined) throw new Error('no leaf')
    leaf[leaf.length - 5] = (leaf[leaf.length - 5] ?? 0) ^ 1
    expect(validateChain(sent, await anchors()).chain.trust).not.toBe('trusted')
  })

  it('what is no certificate is invalid, and any order of what was sent will do', async () => {
    expect(validateChain([Uint8Array.from([0x30, 1, 2])], await anchors()).chain.trust).toBe('invalid')
    const [leaf, ...rest] = await derOf({ names, issuer: 'intermediate' })
    const other = await derOf({ names: { dns: ['other.example'] } })
    expect(validateChain([leaf as Uint8Array, ...other, ...rest.toReversed()], await anchors()).chain.trust).toBe('trusted')
  })
})

describe('purposes (the platform asks a client certificate for clientAuth first, and says nothing else then)', () => {
  it('C4: a certificate for servers only, from a trusted authority, is trusted', async () => {
    expect(await platformSays({ names, usages: ['serverAuth'] })).toBe('INVALID_PURPOSE')
    expect(await trustOf({ names, usages: ['serverAuth'] })).toBe('trusted')
  })

  for (const [name, spec] of [
    ['self-signed', { names, issuer: 'self', commonName: 'partner.example', usages: ['serverAuth'] }],
    ['from an unknown authority', { names, issuer: 'unknown', usages: ['serverAuth'] }],
  ] as const satisfies readonly (readonly [string, CertificateSpec])[]) {
    it(`C5: but one that is ${name} is not, although forgiving the purpose would accept it`, async () => {
      const forgiving = (error: string) => error === 'none' || error === 'INVALID_PURPOSE' || error === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
      expect(forgiving(await platformSays(spec))).toBe(true)
      expect(await trustOf(spec)).not.toBe('trusted')
    })
  }
})

async function trustOf (spec: CertificateSpec): Promise<string> {
  return validateChain(await derOf(spec), await anchors()).chain.trust
}

async function anchors (): Promise<Anchors> {
  return anchorsOf({ system: false, given: [await trustedRoot()] })
}

async function derOf (spec: CertificateSpec): Promise<Uint8Array[]> {
  const { chain } = await certificateFor(spec)
  return (chain.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g) ?? []).map(pem => Uint8Array.from(new X509Certificate(pem).raw))
}

/** What the runtime's own verification says about a client that shows this certificate. */
async function platformSays (spec: CertificateSpec): Promise<string> {
  const server = await certificateFor({ names })
  const client = await certificateFor(spec)
  const listener = createServer({ cert: server.chain, key: server.key, requestCert: true, rejectUnauthorized: false, ca: [await trustedRoot()], maxVersion: 'TLSv1.2' })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>
  const socket = connect({ port: (listener.address() as { port: number }).port, host: '127.0.0.1', cert: client.chain, key: client.key, rejectUnauthorized: false })
  socket.on('error', () => undefined)
  const [seen] = await accepted
  const error = seen.authorizationError as unknown
  socket.destroy()
  seen.destroy()
  listener.close()
  if (error instanceof Error && 'code' in error) return String(error.code)
  return typeof error === 'string' ? error : 'none'
}
