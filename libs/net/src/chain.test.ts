import { describe, expect, it } from 'vitest'
import { trustedRoot, type CertificateSpec } from '@dialtone/zoo'
import { CERTIFICATE_BYTES, anchorsOf, keptBytes, validateChain, type Anchors } from './chain.ts'
import { derOf, handshake } from './test-support/platform.ts'

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
    expect((await handshake({}, { shows: { names, usages: ['serverAuth'] } })).error).toBe('INVALID_PURPOSE')
    expect(await trustOf({ names, usages: ['serverAuth'] })).toBe('trusted')
  })

  for (const [name, spec] of [
    ['self-signed', { names, issuer: 'self', commonName: 'partner.example', usages: ['serverAuth'] }],
    ['from an unknown authority', { names, issuer: 'unknown', usages: ['serverAuth'] }],
  ] as const satisfies readonly (readonly [string, CertificateSpec])[]) {
    it(`C5: but one that is ${name} is not, although forgiving the purpose would accept it`, async () => {
      const forgiving = (error: string) => error === 'none' || error === 'INVALID_PURPOSE' || error === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'
      expect(forgiving((await handshake({}, { shows: spec })).error)).toBe(true)
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

describe('what strangers show', () => {
  /** Whoever ends a handshake need not sign its certificate truly: any number of certificates out of one. */
  const changed = (der: Uint8Array, n: number) => {
    const one = Buffer.from(der)
    one.writeUInt32BE(n, one.length - 8)
    return Uint8Array.from(one)
  }
  it('a certificate of more than 16 KiB is not looked at', async () => {
    const [small] = await derOf({ names: { dns: Array.from({ length: 500 }, (_, n) => `host-${n}.partner.example`) } })
    const [large] = await derOf({ names: { dns: Array.from({ length: 1000 }, (_, n) => `host-${n}.partner.example`) } })
    expect([(small?.length ?? 0) < CERTIFICATE_BYTES, (large?.length ?? 0) > CERTIFICATE_BYTES]).toEqual([true, true])
    const { chain } = validateChain([large as Uint8Array], await anchors())
    expect(chain).toMatchObject({ trust: 'invalid', detail: `the first certificate has ${large?.length} bytes, and no more than 16384 are looked at` })
    expect(validateChain([small as Uint8Array], await anchors()).chain.trust).toBe('trusted')
    // Nor as what stands between.
    const leaf = await derOf({ names })
    expect(validateChain([leaf[0] as Uint8Array, large as Uint8Array], await anchors()).chain.trust).toBe('trusted')
  })
  it('leaves nothing behind, and does not push out those who are trusted', async () => {
    const [stranger] = await derOf({ names: { dns: Array.from({ length: 500 }, (_, n) => `host-${n}.partner.example`) }, issuer: 'self' })
    const honest = await derOf({ names })
    const first = validateChain(honest, await anchors()).chain
    const run = async (from: number, to: number) => {
      for (let n = from; n < to; n++) expect(validateChain([changed(stranger as Uint8Array, n)], await anchors()).chain.trust).not.toBe('trusted')
      return keptBytes()
    }
    const before = await run(0, 1)
    expect(await run(1, 300)).toBe(before)
    // The very same answer: it was kept.
    expect(validateChain(honest, await anchors()).chain).toBe(first)
  })
})
