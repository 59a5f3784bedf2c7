/**
 * The security table (gateways.md 7), as far as streams that we open are concerned. Each attack is played twice: with the guard it fails, without it, which only a
 * test can have, it succeeds, so that the attack is known to be one.
 */
import { afterEach, describe, expect, it } from 'vitest'
import { afterTls, certificateFor, clearServer, type CertificateSpec, type Script } from '@dialtone/zoo'
import type { Weakened } from './limits.ts'
import { KEYS, OURS, PEER, peer, rig, srv, type About, type Rig } from './test-support/rig.ts'
import { startServer } from './test-support/server.ts'

const cleanUp: (() => Promise<void>)[] = []
afterEach(async () => { for (const clean of cleanUp.splice(0).toReversed()) await clean() })

const GOOD: CertificateSpec = { names: { dns: [PEER] } }

describe('C2: STARTTLS that somebody took out of the features', () => {
  const stripped: Script = [...clearServer().slice(0, 3), { do: 'dialback', callback: 'none' }]
  it('is asked for all the same, and nothing goes on in clear', async () => {
    const { result, it } = await attack(stripped)
    expect(result).toMatchObject({ failed: { reason: 'tls-failed' } })
    expect(it.steps.map(({ step }) => step)).toContain('starttls')
    expect(it.steps.map(({ step }) => step)).not.toContain('dialback')
  })
  it('would lead to a key in clear', async () => { expect((await attack(stripped, { weakened: { stripped: true } })).result).toMatchObject({ stream: { by: 'dialback' } }) })
})

describe('C3: EXTERNAL offered in clear', () => {
  const clear: Script = [{ do: 'await', what: 'header' }, { do: 'header' }, { do: 'features', external: true }, { do: 'dialback' }]
  const leg = { tls: 'optional', dialback: 'never' } as const
  it('is not used', async () => { expect((await attack(clear, { leg })).result).toMatchObject({ failed: { reason: 'authentication-refused' } }) })
  it('would be accepted', async () => { expect((await attack(clear, { leg, weakened: { externalInClear: true } })).result).toMatchObject({ stream: { by: 'external' } }) })
})

describe('C5, C6, C7, D15: a certificate that is not good for the peer', () => {
  const cases: [name: string, certificate: CertificateSpec][] = [
    ['signed by its own key', { ...GOOD, issuer: 'self' }],
    ['of an authority that nobody trusts', { ...GOOD, issuer: 'unknown' }],
    ['whose intermediate nobody sent', { ...GOOD, issuer: 'intermediate', withoutIntermediate: true }],
    ['that has expired', { ...GOOD, validDays: { from: -30, to: -1 } }],
    ['that is not valid yet', { ...GOOD, validDays: { from: 2, to: 30 } }],
    ['for clients alone', { ...GOOD, usages: ['clientAuth'] }],
    ['of another domain', { names: { dns: ['evil.example'] } }],
    ['of a domain that ends in the same letters', { names: { dns: [`evil${PEER}`] } }],
    ['of the target of the record', { names: { dns: ['p.partner.example'] } }],
    ['with a wildcard over the whole top', { names: { dns: ['*.example'] } }],
    ['with half a label as a wildcard', { names: { dns: ['part*.example'] } }],
    ['with the domain as common name alone', { names: { dns: ['evil.example'] }, commonName: PEER }],
    ['with a list in one name', { names: { dns: [`evil.example, DNS:${PEER}`] } }],
    ['with a list in an XMPP address', { names: { xmppAddr: [`evil.example, DNS:${PEER}`] } }],
    ['with a NUL in its name', { names: { dns: [`${PEER}\0.evil.example`] } }],
  ]
  for (const [name, certificate] of cases) {
    it(name, async () => {
      const refused = await attack(server(certificate), { leg: { certificate: 'valid' } })
      expect(refused.result).toMatchObject({ failed: { reason: 'certificate-refused', temporary: false } })
      expect(refused.it.steps.find(({ step }) => step === 'certificate')?.outcome).toBe('failed')
      expect((await attack(server(certificate), { leg: { certificate: 'valid' }, weakened: { anyCertificate: true } })).result).toHaveProperty('stream')
    })
  }
  const good: [name: string, certificate: CertificateSpec][] = [
    ['by its name', GOOD], ['by SRVName', { names: { srvName: [`_xmpp-server.${PEER}`] } }], ['below an intermediate', { ...GOOD, issuer: 'intermediate' }], ['for servers alone', { ...GOOD, usages: ['serverAuth'] }], ['for whatever', { ...GOOD, usages: [] }],
  ]
  for (const [name, certificate] of good) it(`is not one that is good ${name}`, async () => { expect((await attack(server(certificate), { leg: { certificate: 'valid' } })).result).toHaveProperty('stream') })
})

describe('C11: a certificate of a good authority that is not the one we know', () => {
  it('is refused where the key is pinned', async () => {
    const pins = [Buffer.from((await certificateFor(GOOD)).spkiSha256).toString('hex')]
    const leg = { certificate: 'pinned', pins } as const
    const other = { ...GOOD, validDays: { from: -1, to: 91 } }
    expect((await attack(server(GOOD), { leg })).result).toMatchObject({ stream: { certificate: { key: pins[0], pinned: true, matches: true } } })
    expect((await attack(server(other), { leg })).result).toMatchObject({ failed: { reason: 'certificate-refused', certificate: { pinned: true, matches: false } } })
    expect((await attack(server(other), { leg, weakened: { anyCertificate: true } })).result).toHaveProperty('stream')
    expect((await attack(server(other), { leg: { certificate: 'valid' } })).result).toHaveProperty('stream')
  })
})

describe('D1, D9: an answer that is not the answer to what was asked', () => {
  const says = (text: string): Script => afterTls([{ do: 'header' }, { do: 'features', dialback: 'errors' }, { do: 'send', text }, { do: 'silence' }])
  for (const [name, from, to] of [
    ['for another domain of ours', PEER, 'other.example'], ['of another peer', 'somebody.example', OURS], ['of a domain that ends in the same letters', `evil${PEER}`, OURS], ['the wrong way round', OURS, PEER],
  ] as const) {
    it(`a result ${name}`, async () => {
      const script = says(`<db:result from='${from}' to='${to}' type='valid'/>`)
      expect((await attack(script)).result).toMatchObject({ failed: { reason: 'stream-failed', condition: 'invalid-from' } })
      expect((await attack(script, { weakened: { anyAnswer: true } })).result).toHaveProperty('stream')
    })
  }
  it('a result before anything was asked', async () => {
    const early = afterTls([{ do: 'header' }, { do: 'send', text: `<db:result from='${PEER}' to='${OURS}' type='valid'/>` }, { do: 'silence' }])
    expect((await attack(early)).result).toMatchObject({ failed: { reason: 'stream-failed' } })
  })
  it('the answer to a question (db:verify) for a result', async () => {
    expect((await attack(says(`<db:verify from='${PEER}' to='${OURS}' id='x' type='valid'/>`))).result).toMatchObject({ failed: { reason: 'stream-failed' } })
  })
})

describe('a peer whose certificate nobody knows, where any will do', () => {
  const self: CertificateSpec = { ...GOOD, issuer: 'self' }
  it('is given the proof that is of this connection alone, and no key', async () => {
    const { result, it } = await attack(afterTls([{ do: 'header' }, { do: 'features', dialback: 'errors', external: true }, { do: 'dialback', callback: 'none' }], { certificate: self }))
    expect(result).toMatchObject({ stream: { by: 'external' } })
    expect(it.steps.find(({ step }) => step === 'certificate')?.says).toContain('signed by its own key')
    expect(it.steps.map(({ step }) => step)).not.toContain('dialback')
  })
  it('could hand a key on to the peer itself, which would take it for us', async () => {
    const server = await startServer({ certificate: self })
    const it = await rig()
    cleanUp.push(server.close, it.stop)
    it.records.push(...srv(server))
    const serving = server.next()
    expect(await it.open()).toMatchObject({ stream: { by: 'dialback' } })
    // The id of the second header is what the one in the middle was given by the peer, to which it had connected as us.
    expect(KEYS.isOurs((await serving).key, { receiving: PEER, originating: OURS, streamId: 'id2' })).toBe(true)
  })
})

it('D16: a resolver that lies leads to whoever it wants, which shows as dialback without a good certificate, and ends where the leg wants one', async () => {
  const liar = server({ ...GOOD, issuer: 'self' })
  const weak = await attack(liar)
  if ('failed' in weak.result) throw new Error(weak.result.failed.says)
  expect(weak.result.stream.view()).toMatchObject({ pairs: [{ by: 'dialback' }], certificate: 'self-signed' })
  expect(weak.it.told[0]?.says).toContain('certificate self-signed')
  expect((await attack(liar, { leg: { certificate: 'valid' } })).result).toMatchObject({ failed: { reason: 'certificate-refused' } })
})

describe('S1: records that lead where they may not', () => {
  it('is refused for addresses that are not public, unless they are allowed', async () => {
    const script = server(GOOD)
    expect((await attack(script, { allowNets: [] })).result).toMatchObject({ failed: { reason: 'address-refused', temporary: false } })
    expect((await attack(script, { allowNets: ['127.0.0.1/32'] })).result).toHaveProperty('stream')
  })
  for (const address of ['169.254.169.254', '10.0.0.1', '::1', '::ffff:127.0.0.1', 'fd00::1']) {
    it(`${address}: nothing is sent`, async () => {
      const made = await given({ allowNets: [] })
      made.records.push(...srv({ address, port: 5269 }))
      expect(await made.open()).toMatchObject({ failed: { reason: 'address-refused' } })
      expect(made.steps.map(({ step }) => step)).not.toContain('tcp')
    })
  }
  it('is refused for ports of other services', async () => {
    for (const weakened of [{}, { anyPort: true }] as const) {
      const made = await given({ weakened })
      made.records.push(...srv({ address: '127.0.0.1', port: 1 }))
      await made.open()
      expect(made.steps.some(({ step }) => step === 'tcp')).toBe('anyPort' in weakened)
    }
  })
})

/** A server with this certificate that accepts us by dialback. */
function server (certificate: CertificateSpec): Script {
  return afterTls([{ do: 'header' }, { do: 'features', dialback: 'errors' }, { do: 'dialback', callback: 'none' }], { certificate })
}

type Attack = { leg?: About['leg'], weakened?: Weakened, allowNets?: readonly string[] }

async function given ({ weakened = {}, allowNets }: Attack): Promise<Rig> {
  const made = await rig({ options: { weakened }, ...(allowNets === undefined ? {} : { allowNets }) })
  cleanUp.push(made.stop)
  return made
}

async function attack (script: Script, about: Attack = {}): Promise<{ result: Awaited<ReturnType<Rig['open']>>, it: Rig }> {
  const attacker = await peer(script)
  cleanUp.push(attacker.close)
  const made = await given(about)
  made.records.push(...srv(attacker))
  return { result: await made.open(about.leg === undefined ? {} : { leg: about.leg }), it: made }
}
