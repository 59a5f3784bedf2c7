import { X509Certificate, createPrivateKey } from 'node:crypto'
import { readCertificate } from '@dialtone/stream'
import { expect, it } from 'vitest'
import { certificateFor, trustedRoot, type CertificateSpec } from './certificates.ts'

const NAMES = { dns: ['partner.example'] }

it('gives the same certificate for the same description, and its own key with it', async () => {
  const [first, second] = [await certificateFor({ names: NAMES }), await certificateFor({ names: NAMES })]
  expect(first).toBe(second)
  expect(new X509Certificate(first.chain).checkPrivateKey(createPrivateKey(first.key))).toBe(true)
})

it('signs leaves by the root that scenarios trust, through an intermediate where asked', async () => {
  const root = new X509Certificate(await trustedRoot())
  expect(leafOf(await certificateFor({ names: NAMES })).verify(root.publicKey)).toBe(true)
  const chain = await chainOf({ names: NAMES, issuer: 'intermediate' })
  expect(chain).toHaveLength(2)
  expect(chain[0]?.verify(chain[1]?.publicKey ?? root.publicKey)).toBe(true)
  expect(chain[1]?.verify(root.publicKey)).toBe(true)
  expect(await chainOf({ names: NAMES, issuer: 'intermediate', withoutIntermediate: true })).toHaveLength(1)
})

it('signs by an unknown root or by the own key where asked', async () => {
  const root = new X509Certificate(await trustedRoot())
  expect(leafOf(await certificateFor({ names: NAMES, issuer: 'unknown' })).verify(root.publicKey)).toBe(false)
  const own = leafOf(await certificateFor({ names: NAMES, issuer: 'self' }))
  expect(own.verify(own.publicKey)).toBe(true)
  expect(own.issuer).toBe(own.subject)
})

it('dates certificates in the past and in the future', async () => {
  const expired = leafOf(await certificateFor({ names: NAMES, validDays: { from: -60, to: -2 } }))
  expect(Date.parse(expired.validTo)).toBeLessThan(Date.now())
  const early = leafOf(await certificateFor({ names: NAMES, validDays: { from: 2, to: 60 } }))
  expect(Date.parse(early.validFrom)).toBeGreaterThan(Date.now())
})

it('writes names that our reader of certificates understands', async () => {
  const issued = await certificateFor({ names: { dns: ['*.partner.example'], xmppAddr: ['pärtner.example'], srvName: ['_xmpp-server.partner.example'] } })
  const facts = JSON.stringify(readCertificate(leafOf(issued).raw))
  for (const name of ['*.partner.example', 'pärtner.example', '_xmpp-server.partner.example']) expect(facts).toContain(`"${name}"`)
})

it('leaves out the purposes and the alternative names that are not wanted', async () => {
  const bare = leafOf(await certificateFor({ names: {}, commonName: 'partner.example', usages: ['clientAuth'] }))
  expect(bare.subject).toBe('CN=partner.example')
  expect(bare.subjectAltName).toBeUndefined()
  expect(bare.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
})

it('makes keys as weak as asked', async () => {
  const { publicKey } = leafOf(await certificateFor({ names: NAMES, key: 'rsa-1024' }))
  expect(publicKey.asymmetricKeyDetails?.modulusLength).toBe(1024)
})

async function chainOf (spec: CertificateSpec): Promise<X509Certificate[]> {
  return (await certificateFor(spec)).chain.split(/(?<=-----END CERTIFICATE-----\n)/).filter(pem => pem.includes('BEGIN')).map(pem => new X509Certificate(pem))
}

function leafOf ({ chain }: { chain: string }): X509Certificate {
  return new X509Certificate(chain)
}
