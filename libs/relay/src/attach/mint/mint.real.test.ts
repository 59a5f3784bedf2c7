// The authority and all that is said of its leaves is OpenSSL's.
import { X509Certificate, generateKeyPairSync } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { afterAll, expect, it } from 'vitest'
import type { ZoneSpec } from '@dialtone/contracts'
import { NO_METER, OperatorError } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import { CLIENT_AUTH, SERVER_AUTH, identityOf, readCertificate } from '@dialtone/stream'
import type { KeyPair, World } from '../../seams.ts'
import { createWorld } from '../../world.ts'
import { createMint, type MintOptions } from './mint.ts'

const folder = mkdtempSync(join(tmpdir(), 'dialtone-mint-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const KINDS = { 'EC': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'], 'EC P-384': ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384'], 'RSA': ['rsa:2048'], 'Ed25519': ['ed25519'] } as const
const LONG = `${'a'.repeat(63)}.${'b'.repeat(63)}.example`
const now = Date.now()

for (const kind of Object.keys(KINDS) as (keyof typeof KINDS)[]) {
  it(`by an authority of ${kind}, for both sides of a connection, as OpenSSL reads the rules strictly`, () => {
    const authority = authorityOf(kind)
    const mint = mintOf(authority)
    const root = new X509Certificate(authority.certificate)
    for (const domain of ['partner.example', 'xn--bcher-kva.example', LONG]) {
      const { certificate } = mint(domain)
      const leaf = new X509Certificate(certificate)
      expect(leaf.verify(root.publicKey)).toBe(true)
      expect(leaf.checkIssued(root)).toBe(true)
      expect(leaf.ca).toBe(false)
      const facts = readCertificate(leaf.raw)
      if (facts === undefined) throw new Error('it breaks RFC 5280')
      expect(facts).toMatchObject({ dnsNames: [domain], srvNames: [`_xmpp-server.${domain}`], extendedKeyUsage: [SERVER_AUTH, CLIENT_AUTH] })
      expect(identityOf(facts, domain).match).not.toBe('none')
      expect(identityOf(facts, 'other.example').match).toBe('none')
      for (const purpose of ['sslserver', 'sslclient']) expect(verified(authority, certificate, purpose, domain)).toMatch(/: OK\n$/)
      expect(verified(authority, certificate, 'sslserver', 'other.example')).toContain('hostname mismatch')
    }
  })
}

it('a connection with it is valid at both ends', async () => {
  const authority = authorityOf('EC')
  const mint = mintOf(authority)
  const server = createServer({ cert: mint('partner.example').certificate, key: mint('partner.example').key, ca: authority.certificate, requestCert: true, rejectUnauthorized: true })
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', servername: 'partner.example', ca: authority.certificate, cert: mint('other.example').certificate, key: mint('other.example').key })
  await once(client, 'secureConnect')
  const [socket] = await accepted
  expect([client.authorized, socket.authorized]).toEqual([true, true])
  socket.destroy()
  client.destroy()
  server.close()
})

it('is the same until half of its time is over, and never outlives the authority', () => {
  let at = now
  const authority = authorityOf('EC', 3)
  const mint = mintOf(authority, { clock: { now: () => at, elapsed: () => 0 } })
  const first = mint('partner.example')
  const ends = (pair: KeyPair) => Date.parse(new X509Certificate(pair.certificate).validTo)
  expect(ends(first)).toBe(Date.parse(new X509Certificate(authority.certificate).validTo))
  at += 36 * 3_600_000 - 60_000
  expect(mint('partner.example')).toBe(first)
  at += 120_000
  const second = mint('partner.example')
  expect(second).not.toBe(first)
  expect(new X509Certificate(second.certificate).serialNumber).not.toBe(new X509Certificate(first.certificate).serialNumber)
  at = ends(first)
  expect(() => mint('partner.example')).toThrow('the authority has ended')
})

it('keeps so many, and those that were used last', () => {
  const mint = mintOf(authorityOf('EC'), { most: 2 })
  const [a, b] = [mint('a.example'), mint('b.example')]
  expect(mint('a.example')).toBe(a)
  mint('c.example')
  expect(mint('a.example')).toBe(a)
  expect(mint('b.example')).not.toBe(b)
})

it('sends what is between it and the root, and no root', () => {
  const root = authorityOf('EC')
  expect(mintOf(root)('a.example').certificate.match(/BEGIN/g)).toHaveLength(1)
  const between = issuedBy(root)
  const chain = { certificate: between.certificate + root.certificate, key: between.key }
  const { certificate } = mintOf(chain)('a.example')
  expect(certificate.match(/BEGIN/g)).toHaveLength(2)
  expect(verified(root, certificate, 'sslserver', 'a.example')).toMatch(/: OK\n$/)
})

it.each([
  ['another key', (good: KeyPair) => ({ ...good, key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }), /inside has a key that does not belong to its certificate/],
  ['no certificate', (good: KeyPair) => ({ ...good, certificate: 'nothing' }), /inside cannot be read/],
  ['no key', (good: KeyPair) => ({ ...good, key: 'nothing' }), /inside cannot be read/],
  ['a certificate that may not issue', (good: KeyPair) => mintOf(good)('partner.example'), /inside may not issue certificates.*openssl req/],
] as const)('refuses %s', (_, change, says) => {
  expect(() => mintOf(change(authorityOf('EC')))).toThrow(says)
})

it('refuses one that has ended', () => {
  expect(() => mintOf(authorityOf('EC', 1), { clock: { now: () => now + 48 * 3_600_000, elapsed: () => 0 } })).toThrow(/ended at .*make another/)
})

it('serves an internal zone: foreign domains have certificates, ours have none, and what was made stays through a new configuration', async () => {
  const files: Record<string, string> = { 'file:/secret': 'c2VjcmV0LW9mLXRoZS1nYXRld2F5LWZvci10ZXN0cw', 'file:/ca.pem': authorityOf('EC', 30).certificate, 'file:/ca.key': read('ca.key') }
  const resolver = { address: '127.0.0.1', port: 5353 }
  const zones: ZoneSpec[] = [
    { name: 'outside', side: 'external', listen: [{ address: '192.0.2.10', port: 5269 }], resolver, tls: 'optional' },
    { name: 'inside', side: 'internal', listen: [{ address: '10.0.0.10', port: 5269 }], resolver, domains: ['ours.example'], tls: 'required', mint: { certificate: 'file:/ca.pem', key: 'file:/ca.key' } },
  ]
  const made = async (previous?: World) => await createWorld({ v: 1, revision: 1, gateway: 'gw', spec: { desired: 'running', secret: 'file:/secret', zones }, policies: {}, routes: {}, domains: {}, peers: {} }, {
    readSecret: reference => files[reference] === undefined ? Promise.reject(new OperatorError('gone', 'it is gone')) : Promise.resolve(Buffer.from(files[reference])), salt: 'salt', clock: { now: () => Date.now(), elapsed: () => performance.now() }, random: RANDOM, ...(previous === undefined ? {} : { previous }),
  })
  const first = await made()
  if ('problems' in first) throw new Error(JSON.stringify(first.problems))
  expect(first.findings.at(-1)).toMatchObject({ what: 'certificate', unhealthy: false, says: expect.stringContaining("the authority 'file:/ca.pem' of zone 'inside' ends at") as string })
  const pair = first.world.zones.get('inside')?.certificateFor('partner.example')
  expect(new X509Certificate(pair?.certificate ?? '').checkHost('partner.example')).toBe('partner.example')
  for (const name of ['ours.example', '']) expect(first.world.zones.get('inside')?.certificateFor(name)).toBeUndefined()
  expect(first.world.zones.get('outside')?.certificateFor('partner.example')).toBeUndefined()
  const second = await made(first.world)
  if ('problems' in second) throw new Error(JSON.stringify(second.problems))
  expect(second.world.zones.get('inside')?.certificateFor('partner.example')).toBe(pair)
  files['file:/ca.pem'] = authorityOf('RSA').certificate
  expect(await made(first.world)).toMatchObject({ problems: [{ pointer: '/spec/zones/1/mint', says: expect.stringContaining('does not belong') as string }] })
  files['file:/ca.key'] = read('ca.key')
  const third = await made(first.world)
  if ('problems' in third) throw new Error(JSON.stringify(third.problems))
  expect(third.world.zones.get('inside')?.mint?.authority.certificate).toBe(files['file:/ca.pem'])
  expect(third.world.zones.get('inside')?.certificateFor('partner.example')?.certificate).not.toBe(pair?.certificate)
})

function mintOf (authority: KeyPair, options: Partial<MintOptions> = {}): (domain: string) => KeyPair {
  const { certificateFor } = createMint({ zone: 'inside', authority, named: 'inside', clock: { now: () => now, elapsed: () => 0 }, random: RANDOM, meter: NO_METER, ...options })
  return domain => {
    const pair = certificateFor(domain)
    if (pair === undefined) throw new Error('the authority has ended')
    return pair
  }
}

function authorityOf (kind: keyof typeof KINDS, days = 30): KeyPair {
  openssl('req', '-x509', '-newkey', ...KINDS[kind], '-nodes', '-days', String(days), '-subj', '/O=Ours/CN=Gateway inside', '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign', '-keyout', 'ca.key', '-out', 'ca.pem')
  return { certificate: read('ca.pem'), key: read('ca.key') }
}

function issuedBy (root: KeyPair): KeyPair {
  writeFileSync(join(folder, 'root.pem'), root.certificate)
  writeFileSync(join(folder, 'root.key'), root.key)
  openssl('req', '-x509', '-CA', 'root.pem', '-CAkey', 'root.key', '-newkey', ...KINDS.EC, '-nodes', '-days', '20', '-subj', '/CN=Between', '-addext', 'basicConstraints=critical,CA:TRUE,pathlen:0', '-addext', 'keyUsage=critical,keyCertSign', '-keyout', 'between.key', '-out', 'between.pem')
  return { certificate: read('between.pem'), key: read('between.key') }
}

/** What OpenSSL says of the chain under the authority. */
function verified (authority: KeyPair, chain: string, purpose: string, domain: string): string {
  writeFileSync(join(folder, 'anchor.pem'), authority.certificate)
  writeFileSync(join(folder, 'chain.pem'), chain)
  const { stdout, stderr } = spawnSync('openssl', ['verify', '-x509_strict', '-purpose', purpose, '-verify_hostname', domain, '-CAfile', 'anchor.pem', '-untrusted', 'chain.pem', 'chain.pem'], { cwd: folder, encoding: 'utf8' })
  return stderr + stdout
}

function openssl (...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

function read (name: string): string {
  return readFileSync(join(folder, name), 'utf8')
}
