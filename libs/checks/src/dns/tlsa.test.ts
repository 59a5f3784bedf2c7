import { X509Certificate, createHash } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import { describe, expect, it } from 'vitest'
import type { ChainSeen, DnsRecord, Observation, StoredCertificate } from '@dialtone/contracts'
import { answer, endpoint, observation } from '../test-support/observation.ts'
import { casesOf, detailsOf } from '../test-support/cases.ts'
import { tlsaInbound } from './tlsa-inbound.ts'
import { matchTlsa, recordFor, type TlsaRecord } from './tlsa-match.ts'
import { tlsa } from './tlsa.ts'

// Any three certificates will do: what issued what is a fact of the observation, and nothing here verifies it.
const [leaf, issuer, stranger] = rootCertificates.slice(0, 3).map(pem => new X509Certificate(pem)) as [X509Certificate, X509Certificate, X509Certificate]
const CERTIFICATES: Observation['certificates'] = Object.fromEntries([leaf, issuer, stranger].map(certificate => [digest(certificate.raw), stored(certificate)]))
const TRUSTED = chain('trusted', [leaf, issuer], [leaf, issuer])
const UNKNOWN = chain('unknown-ca', [leaf, issuer], [leaf, issuer])
/** The other certificate was sent, and nothing shows that it issued the leaf. */
const UNRELATED = chain('incomplete', [leaf, issuer], [leaf])

describe('a TLSA record', () => {
  for (const [selector, what, bytes] of [[0, 'the certificate', (of: X509Certificate) => of.raw], [1, 'the key', spki]] as const) {
    for (const [matching, how, data] of [[0, 'whole', (value: Uint8Array) => Buffer.from(value).toString('hex')], [1, 'by SHA-256', digest], [2, 'by SHA-512', (value: Uint8Array) => digest(value, 'sha512')]] as const) {
      it(`fits ${what}, ${how}, and no other`, () => {
        const of = (certificate: X509Certificate): TlsaRecord => record(3, selector, matching, data(bytes(certificate)))
        expect(matchTlsa(of(leaf), UNKNOWN, CERTIFICATES)).toBe('fits')
        expect(matchTlsa(of(issuer), UNKNOWN, CERTIFICATES)).toBe('other')
        expect(matchTlsa(of(stranger), UNKNOWN, CERTIFICATES)).toBe('other')
      })
    }
  }

  for (const [usage, names, seen, match] of [
    [0, issuer, TRUSTED, 'fits'], [0, issuer, UNKNOWN, 'pkix-fails'], [0, leaf, TRUSTED, 'other'], [0, issuer, UNRELATED, 'anchor-unverified'],
    [1, leaf, TRUSTED, 'fits'], [1, leaf, UNKNOWN, 'pkix-fails'], [1, issuer, TRUSTED, 'other'],
    [2, issuer, TRUSTED, 'fits'], [2, issuer, UNKNOWN, 'fits'], [2, issuer, UNRELATED, 'anchor-unverified'], [2, stranger, TRUSTED, 'other'], [2, leaf, TRUSTED, 'other'],
    [3, leaf, TRUSTED, 'fits'], [3, leaf, UNRELATED, 'fits'], [3, issuer, TRUSTED, 'other'],
  ] as const) {
    it(`of usage ${usage} for ${names === leaf ? 'the leaf' : names === issuer ? 'the issuer' : 'a stranger'}, chain ${seen.trust}: ${match}`, () => {
      expect(matchTlsa(record(usage, 1, 1, digest(spki(names))), seen, CERTIFICATES)).toBe(match)
    })
  }

  it('with unknown numbers, or data of another length, is unusable', () => {
    for (const each of [record(4, 1, 1, digest(spki(leaf))), record(3, 2, 1, digest(spki(leaf))), record(3, 1, 3, digest(spki(leaf))), record(3, 1, 1, 'abcd'), record(3, 1, 2, digest(spki(leaf))), record(3, 0, 0, '')]) expect(matchTlsa(each, TRUSTED, CERTIFICATES)).toBe('unusable')
  })

  it('for the digest of nothing fits no key that could not be read', () => {
    const unread = { ...stored(leaf), spkiSha256: digest(new Uint8Array()), spkiSha512: digest(new Uint8Array(), 'sha512') }
    const certificates = { [digest(leaf.raw)]: unread }
    expect(matchTlsa(record(3, 1, 1, unread.spkiSha256), TRUSTED, certificates)).toBe('other')
    expect(matchTlsa(record(3, 1, 2, unread.spkiSha512), TRUSTED, certificates)).toBe('other')
    expect(recordFor(TRUSTED, certificates)).toBeUndefined()
  })

  it('fits nothing that the observation does not hold', () => expect(matchTlsa(record(3, 1, 1, digest(spki(leaf))), TRUSTED, {})).toBe('other'))
})

const FITTING = record(3, 1, 1, digest(spki(leaf)))
const FOREIGN = record(3, 1, 1, digest(spki(stranger)))

it.each(casesOf(tlsa, {
  match: { 'the key in use': seen([FITTING]), 'the next key beside the one in use': seen([FOREIGN, FITTING]), 'an unusable one beside it': seen([record(9, 9, 9, 'ab'), FITTING]) },
  none: { 'NXDOMAIN': seen('nxdomain') },
  mismatch: { 'the key of last year': seen([FOREIGN]) },
  'pkix-fails': { 'usage 1 for a certificate that nobody trusts': seen([record(1, 1, 1, digest(spki(leaf)))]) },
  'anchor-unverified': { 'usage 2 for a certificate beside the path': seen([record(2, 1, 1, digest(spki(issuer)))], { chain: UNRELATED }) },
  insecure: { 'a host in an unsigned zone': seen([FITTING], {}, false) },
  unusable: { 'numbers that nobody knows': seen([record(9, 9, 9, 'ab')]) },
  'not-known': { 'SERVFAIL': seen('servfail') },
  'not-asked': { 'a handshake that failed': withoutChain([FITTING]) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('s2s.tlsa shows the record to publish where none fits', () => {
  const advice = `publish _5269._tcp.xmpp.partner.example. IN TLSA 3 1 1 ${digest(spki(leaf))}`
  expect(detailsOf(tlsa, seen([FOREIGN]))).toEqual([`TLSA 3 1 1; ${advice}`])
  expect(detailsOf(tlsa, seen('nodata'))).toEqual([`to use DANE, ${advice}`])
})

it('s2s.tlsa says nothing of endpoints for which no TLSA record was asked', () => {
  expect(detailsOf(tlsa, seen([FITTING], { port: 5270 }))).toEqual([])
  expect(detailsOf(tlsa, seen([FITTING], { source: 'port-probe' }))).toEqual([])
})

it.each(casesOf(tlsaInbound, {
  published: { 'the key of the listeners': inbound([FITTING]), 'a key, and no listener seen': observation({ dns: [answer('tlsa-inbound', [FOREIGN])] }) },
  absent: { 'NXDOMAIN': inbound('nxdomain') },
  'other-usage': { 'usage 2': inbound([record(2, 1, 1, digest(spki(issuer)))]) },
  'other-certificate': { 'another key': inbound([FOREIGN]) },
  'not-known': { 'a time-out': inbound('timeout') },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

function seen (found: Parameters<typeof answer>[1], given: Parameters<typeof endpoint>[0] = {}, authenticated = true): Observation {
  return observation({ certificates: CERTIFICATES, dns: [answer('tlsa', found, { authenticated })], endpoints: [endpoint({ chain: UNKNOWN, ...given })] })
}

function withoutChain (found: Parameters<typeof answer>[1]): Observation {
  return observation({ dns: [answer('tlsa', found, { authenticated: true })], endpoints: [endpoint({}, { at: 'tls', failure: { at: 'tls', why: 'closed' } })] })
}

function inbound (found: Parameters<typeof answer>[1]): Observation {
  return observation({ certificates: CERTIFICATES, dns: [answer('tlsa-inbound', found, { authenticated: true })], endpoints: [endpoint({ chain: UNKNOWN })] })
}

function record (usage: number, selector: number, matching: number, data: string): Extract<DnsRecord, { type: 'TLSA' }> {
  return { type: 'TLSA', ttl: 60, usage, selector, matching, data }
}

function chain (trust: ChainSeen['trust'], sent: readonly X509Certificate[], path: readonly X509Certificate[]): ChainSeen {
  return { trust, anchors: 'given', sent: sent.map(({ raw }) => digest(raw)), path: path.map(({ raw }) => digest(raw)) }
}

function stored (certificate: X509Certificate): StoredCertificate {
  return { der: certificate.raw.toString('base64'), sha512: digest(certificate.raw, 'sha512'), spkiSha256: digest(spki(certificate)), spkiSha512: digest(spki(certificate), 'sha512') }
}

function spki (certificate: X509Certificate): Uint8Array {
  return certificate.publicKey.export({ type: 'spki', format: 'der' })
}

function digest (bytes: Uint8Array, algorithm = 'sha256'): string {
  return createHash(algorithm).update(bytes).digest('hex')
}
