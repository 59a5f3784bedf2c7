// For which names a constrained authority may vouch: what is said here beside what OpenSSL says of the same path.
import { X509Certificate } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NO_METER } from '@dialtone/kernel'
import { RANDOM, anchorsOf, validateChain } from '@dialtone/net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMint } from '../attach/mint/mint.ts'
import { proves } from './identity.ts'

const folder = mkdtempSync(join(tmpdir(), 'dialtone-constraints-'))
const path = (name: string) => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true, force: true }))
beforeAll(() => {
  writeFileSync(path('cnf'), '[req]\ndistinguished_name=dn\n[dn]\n')
  for (const name of ['root', 'sub', 'leaf']) openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', path(`${name}.key`))
  issue('root', undefined, 'basicConstraints=critical,CA:TRUE')
})

const permitted = 'nameConstraints=permitted;DNS:corp.example'
const XMPP = 'otherName:1.3.6.1.5.5.7.8.5;UTF8:'
const SRV = 'otherName:1.3.6.1.5.5.7.8.7;IA5:_xmpp-server.'

/** `both`: OpenSSL and we say the same; `stricter`: OpenSSL would take it, and a name of a domain would get past the constraint. */
const CASES: readonly [answer: 'both take' | 'both refuse' | 'stricter', constraints: string, names: string][] = [
  ['both take', permitted, 'DNS:corp.example'],
  ['both take', permitted, 'DNS:a.b.corp.example'],
  ['both take', permitted, 'DNS:CORP.example'],
  ['both take', permitted, 'DNS:*.corp.example'],
  ['both refuse', permitted, 'DNS:victim.example'],
  ['both refuse', permitted, 'DNS:evilcorp.example'],
  ['both refuse', permitted, 'DNS:corp.example,DNS:victim.example'],
  ['both refuse', permitted, 'DNS:*.example'],
  ['both refuse', `nameConstraints=critical,${permitted.slice('nameConstraints='.length)}`, 'DNS:victim.example'],
  ['both take', `nameConstraints=critical,${permitted.slice('nameConstraints='.length)}`, 'DNS:corp.example'],
  ['both take', 'nameConstraints=permitted;DNS:.corp.example', 'DNS:a.corp.example'],
  ['both refuse', 'nameConstraints=permitted;DNS:.corp.example', 'DNS:corp.example'],
  ['both refuse', 'nameConstraints=excluded;DNS:ours.example', 'DNS:ours.example'],
  ['both refuse', 'nameConstraints=excluded;DNS:ours.example', 'DNS:a.ours.example'],
  ['both take', 'nameConstraints=excluded;DNS:ours.example', 'DNS:partner.example'],
  ['both refuse', 'nameConstraints=permitted;DNS:corp.example,excluded;DNS:secret.corp.example', 'DNS:a.secret.corp.example'],
  ['both take', 'nameConstraints=permitted;DNS:corp.example,permitted;DNS:other.example', 'DNS:other.example'],
  ['both take', 'nameConstraints=excluded;IP:0.0.0.0/0.0.0.0', 'DNS:partner.example'],
  ['both take', 'nameConstraints=excluded;email:partner.example', 'DNS:partner.example'],
  ['both take', permitted, 'email:a@victim.example'],
  // A wildcard that stands for an excluded domain among others; names of domains in other forms; a final dot.
  ['stricter', 'nameConstraints=excluded;DNS:secret.corp.example', 'DNS:*.corp.example'],
  ['stricter', permitted, `DNS:corp.example,${XMPP}victim.example`],
  ['stricter', permitted, `DNS:corp.example,${SRV}victim.example`],
  ['stricter', 'nameConstraints=excluded;DNS:ours.example', `${XMPP}ours.example`],
  ['stricter', 'nameConstraints=excluded;DNS:ours.example', 'DNS:ours.example.'],
  // Forms that are not understood.
  ['both refuse', 'nameConstraints=excluded;IP:0.0.0.0/0.0.0.0', 'DNS:partner.example,IP:192.0.2.1'],
  ['both refuse', 'nameConstraints=permitted;email:corp.example', 'DNS:partner.example,email:a@victim.example'],
  ['stricter', 'nameConstraints=excluded;URI:.victim.example', 'DNS:partner.example,URI:https://a.partner.example/'],
]

describe('a constrained authority, critical or not', () => {
  for (const [answer, constraints, names] of CASES) {
    it(`${constraints.slice(16)}: ${answer} ${names}`, () => {
      issue('sub', 'root', 'basicConstraints=critical,CA:TRUE', constraints)
      issue('leaf', 'sub', `subjectAltName=critical,${names}`)
      const openssls = spawnSync('openssl', ['verify', '-CAfile', path('root.pem'), '-untrusted', path('sub.pem'), path('leaf.pem')], { encoding: 'utf8' }).status === 0
      const { chain } = validateChain([der('leaf'), der('sub')], anchorsOf(anchors()))
      expect([openssls, chain.trust]).toEqual([answer !== 'both refuse', answer === 'both take' ? 'trusted' : 'invalid'])
    })
  }
  it('proves nobody else to a stream that comes in', () => {
    issue('sub', 'root', 'basicConstraints=critical,CA:TRUE', permitted)
    const shows = (names: string) => {
      issue('leaf', 'sub', `subjectAltName=critical,${names}`)
      return [der('leaf'), der('sub')]
    }
    const proven = (names: string, domain: string) => proves(shows(names), anchors(), domain, { certificate: 'valid', pins: [] }, Date.now())
    expect(proven('DNS:victim.example', 'victim.example')).toBe(false)
    expect(proven('DNS:corp.example', 'corp.example')).toBe(true)
  })
  it('as an anchor is bound as well, and by every authority between', () => {
    issue('bound', undefined, 'basicConstraints=critical,CA:TRUE', permitted)
    issue('sub', 'bound', 'basicConstraints=critical,CA:TRUE')
    issue('leaf', 'sub', 'subjectAltName=critical,DNS:victim.example')
    expect(validateChain([der('leaf'), der('sub')], anchorsOf({ system: false, given: [pem('bound')] })).chain.trust).toBe('invalid')
  })
})

it('an authority of an internal zone that may not vouch for our own domains mints for all others', () => {
  issue('mint', undefined, 'basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign', 'nameConstraints=critical,excluded;DNS:ours.example')
  const mint = createMint({ zone: 'inside', named: 'file:/mint.pem', authority: { certificate: pem('mint'), key: readFileSync(path('mint.key'), 'utf8') }, clock: { now: () => Date.now(), elapsed: () => 0 }, random: RANDOM, meter: NO_METER })
  const given = { system: false, given: [pem('mint')] }
  const answers = (domain: string) => {
    const { certificate = '' } = mint.certificateFor(domain) ?? {}
    writeFileSync(path('minted.pem'), certificate)
    const openssls = spawnSync('openssl', ['verify', '-x509_strict', '-CAfile', path('mint.pem'), path('minted.pem')], { encoding: 'utf8' }).status === 0
    return [openssls, proves([new X509Certificate(certificate).raw], given, domain, { certificate: 'valid', pins: [] }, Date.now())]
  }
  expect(answers('partner.example')).toEqual([true, true])
  expect(answers('ours.example')).toEqual([false, false])
  expect(answers('chat.ours.example')).toEqual([false, false])
})

/** Certifies the key of `name`, which is made where there is none yet; without an issuer it is its own. */
function issue (name: string, issuer: string | undefined, ...extensions: string[]): void {
  if (name === 'bound' || name === 'mint') openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', path(`${name}.key`))
  openssl(
    'req', '-x509', '-config', path('cnf'), '-key', path(`${name}.key`), '-subj', name === 'leaf' ? '/' : `/CN=${name}`, '-days', '30', '-out', path(`${name}.pem`),
    ...(issuer === undefined ? [] : ['-CA', path(`${issuer}.pem`), '-CAkey', path(`${issuer}.key`)]), ...extensions.flatMap(each => ['-addext', each]),
    ...(name === 'mint' ? ['-addext', 'subjectKeyIdentifier=hash', '-addext', 'authorityKeyIdentifier=keyid'] : []),
  )
}

function pem (name: string): string {
  return readFileSync(path(`${name}.pem`), 'utf8')
}

function der (name: string): Uint8Array {
  return new X509Certificate(pem(name)).raw
}

function anchors (): { system: boolean, given: string[] } {
  return { system: false, given: [pem('root')] }
}

function openssl (...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}
