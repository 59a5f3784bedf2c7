import { X509Certificate, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import tls from 'node:tls'
import { array, assert, integer, property, tuple, uint8Array } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { identityOf } from './identity.ts'
import { readCertificate, type CertificateFacts } from './read-certificate.ts'

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const PARTNER = 'partner.example'

describe('agrees with OpenSSL', () => {
  it('on every authority that Node brings along', () => {
    for (const pem of tls.rootCertificates) agree(new X509Certificate(pem))
    expect(tls.rootCertificates.length).toBeGreaterThan(100)
  })
  for (const [name, made] of [
    ['RSA 2048', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['RSA 1024', () => generateKeyPairSync('rsa', { modulusLength: 1024 })],
    ['P-384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['P-521', () => generateKeyPairSync('ec', { namedCurve: 'P-521' })],
    ['Ed25519', () => generateKeyPairSync('ed25519')],
  ] as const) {
    it(`on the key of a certificate with ${name}`, () => {
      const { publicKey } = made()
      const facts = agree(new X509Certificate(certificate({ publicKey })))
      expect(facts.key).toEqual(expect.objectContaining(name.startsWith('RSA') ? { algorithm: 'RSA', bits: Number(name.slice(4)) } : { algorithm: name }))
    })
  }
  it('on names of every kind', () => {
    const facts = agree(new X509Certificate(certificate({ names: [dns(PARTNER), dns('*.partner.example'), srv(`_xmpp-server.${PARTNER}`), xmppAddr('pärtner.example'), uri('https://partner.example'), address(192, 0, 2, 1), email('a@partner.example')] })))
    expect(facts).toMatchObject({ dnsNames: [PARTNER, '*.partner.example'], srvNames: [`_xmpp-server.${PARTNER}`], xmppAddrs: ['pärtner.example'], otherNames: ['uri', 'address', 'email'] })
  })
  it('on authorities and their bounds', () => {
    const facts = agree(new X509Certificate(certificate({ extensions: [extension(OID.basicConstraints, sequence(boolean(true), number(0)), true), extension(OID.keyUsage, der(0x03, [1, 0x06]), true), extension(OID.subjectKeyId, der(0x04, [1, 2, 3]))] })))
    expect(facts).toMatchObject({ isAuthority: true, pathLength: 0, keyUsage: 0x0600, subjectKeyId: '010203' })
  })
})

it('reads purposes, identifiers and what it does not know', () => {
  const facts = read({ extensions: [
    extension(OID.extendedKeyUsage, sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'))), extension(OID.authorityKeyId, sequence(der(0x80, [0xAB]))),
    extension('1.2.3.4', der(0x30, []), true), extension('1.2.3.5', [0xFF, 0xFF, 0xFF]),
  ] })
  expect(facts).toMatchObject({ extendedKeyUsage: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'], authorityKeyId: 'ab', criticalUnread: ['1.2.3.4'], isAuthority: false, selfIssued: true })
  expect(read({})).not.toHaveProperty('extendedKeyUsage')
})

it('says where the public key lies', () => {
  const bytes = certificate({})
  const { spki } = readCertificate(bytes) as CertificateFacts
  expect(createPublicKey({ key: Buffer.from(bytes.subarray(spki.start, spki.end)), format: 'der', type: 'spki' }).equals(keys.publicKey)).toBe(true)
})

it('shows names so that no attribute can look like two', () => {
  expect(read({ subject: [['2.5.4.3', PARTNER], ['2.5.4.10', 'Example, CN=victim.example'], ['2.5.4.11', ' "a"\\\n\u0000 ']] })?.subject).toBe('CN=partner.example, O=Example\\, CN=victim.example, OU=\\ \\"a\\"\\\\\\0a\\00\\ ')
})

describe('dates', () => {
  for (const [name, tag, text, time] of [
    ['this century in two digits', 0x17, '491231235959Z', Date.UTC(2049, 11, 31, 23, 59, 59)], ['the last one', 0x17, '500101000000Z', Date.UTC(1950, 0, 1)],
    ['four digits', 0x18, '20500229000000Z', undefined], ['a leap day', 0x18, '20520229000000Z', Date.UTC(2052, 1, 29)], ['the end of time', 0x18, '99991231235959Z', Date.UTC(9999, 11, 31, 23, 59, 59)],
    ['no such month', 0x17, '261301000000Z', undefined], ['no such hour', 0x17, '260101240000Z', undefined], ['without seconds', 0x17, '2601010000Z', undefined],
    ['with an offset', 0x17, '260101000000+0100', undefined], ['with a fraction', 0x18, '20260101000000.5Z', undefined], ['two digits where four belong', 0x18, '260101000000Z', undefined], ['another type', 0x16, '260101000000Z', undefined],
  ] as const) it(name, () => expect(read({ notAfter: der(tag, latin(text)) })?.notAfter).toBe(time))
})

describe('C6: a name that holds more than a name is found by a reader of strings, and by nothing here', () => {
  const victim = 'victim.example'
  for (const [name, names, subject] of [
    ['a comma in an xmppAddr', [xmppAddr(`evil.example, DNS:${victim}`)], []],
    ['a comma in a dNSName', [dns(`evil.example, DNS:${victim}`)], []],
    ['a NUL in a dNSName', [dns(`${victim}\u0000.evil.example`)], []],
    ['a line break in a dNSName', [dns(`evil.example\n${victim}`)], []],
    ['a NUL in an xmppAddr', [xmppAddr(`${victim}\u0000`)], []],
    ['a NUL in an SRVName', [srv(`_xmpp-server.${victim}\u0000.evil.example`)], []],
    ['a common name within an organisation', [dns('evil.example')], [['2.5.4.11', `CN=${victim}`], ['2.5.4.10', `x, CN=${victim}`]]],
    ['a line break within an organisation', [dns('evil.example')], [['2.5.4.10', `x\nCN=${victim}`]]],
    ['an address of mail and a URI', [email(victim), uri(victim)], []],
    ['an xmppAddr in the type of an SRVName', [otherName('1.3.6.1.5.5.7.8.5', der(0x16, latin(victim)))], []],
    ['an SRVName in the type of an xmppAddr', [otherName('1.3.6.1.5.5.7.8.7', der(0x0C, latin(`_xmpp-server.${victim}`)))], []],
    ['an xmppAddr under an identifier that only begins alike', [der(0xA0, [...der(0x06, [...oid('1.3.6.1.5.5.7.8.5').slice(2), 0x81]), ...der(0xA0, der(0x0C, latin(victim)))])], []],
  ] as const) {
    it(name, () => {
      const bytes = certificate({ names: [...names], subject: subject.map(([type, value]) => [type, value]) })
      // The guard off: any text in the certificate, cut where strings are cut.
      expect(Buffer.from(bytes).toString('latin1').split(/[\0\n,]|DNS:|CN=|_xmpp-server\.|(?<=[^a-z])(?=victim)/).some(part => part.startsWith(victim))).toBe(true)
      const facts = readCertificate(bytes)
      if (facts !== undefined) expect(identityOf(facts, victim)).toEqual({ match: 'none', onlyCommonName: false })
    })
  }
  it('an xmppAddr that is no UTF-8 does not become the name that it would be in Latin-1', () => {
    const facts = read({ names: [otherName('1.3.6.1.5.5.7.8.5', der(0x0C, latin('bücher.example')))] })
    expect(facts?.xmppAddrs).toEqual(['bücher.example\uFFFD'])
    expect(identityOf(facts as CertificateFacts, 'bücher.example')).toMatchObject({ match: 'none' })
  })
})

describe('refuses what two readers could read differently', () => {
  const good = certificate({ names: [dns(PARTNER)] })
  for (const [name, bytes] of [
    ['nothing', []], ['bytes after the end', [...good, 0]], ['a missing byte', good.subarray(0, -1)], ['an endless length', [0x30, 0x80, ...good.slice(4), 0, 0]],
    ['a length in more bytes than it needs', [0x30, 0x83, 0, ...good.slice(2)]], ['a PEM', latin('-----BEGIN CERTIFICATE-----')],
    ['an extension twice', certificate({ names: [dns(PARTNER)], extensions: [extension(OID.subjectAltName, sequence(dns('evil.example')))] })],
    ['bytes after an extension', certificate({ extensions: [extension(OID.subjectAltName, [...sequence(dns(PARTNER)), 0])] })],
    ['an extension that is no list', certificate({ extensions: [extension(OID.subjectAltName, dns(PARTNER))] })],
    ['a name of no kind', certificate({ names: [der(0x89, latin(PARTNER))] })],
    ['a purpose that is no identifier', certificate({ extensions: [extension(OID.extendedKeyUsage, sequence(der(0x0C, [65])))] })],
    ['a path length that is negative', certificate({ extensions: [extension(OID.basicConstraints, sequence(boolean(true), der(0x02, [0xFF])))] })],
    ['two algorithms', certificate({ innerAlgorithm: sequence(oid('1.2.840.113549.1.1.11')) })],
  ] as const) it(name, () => expect(readCertificate(Uint8Array.from(bytes))).toBeUndefined())
})

it('never throws, whatever was changed, cut or made up', () => {
  const good = certificate({ names: [dns(PARTNER), xmppAddr(PARTNER), srv(`_xmpp-server.${PARTNER}`)], subject: [['2.5.4.3', PARTNER]] })
  const changes = array(tuple(integer({ min: 0, max: good.length - 1 }), integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 })
  assert(property(changes, changes => {
    const bytes = good.slice()
    for (const [at, byte] of changes) bytes[at] = byte
    const facts = readCertificate(bytes)
    if (facts !== undefined) expect(typeof identityOf(facts, PARTNER).match).toBe('string')
  }), { numRuns: 3000 })
  for (let length = 0; length < good.length; length++) expect(readCertificate(good.subarray(0, length))).toBeUndefined()
  assert(property(uint8Array({ maxLength: 200 }), bytes => { expect(readCertificate(bytes)).toBeUndefined() }), { numRuns: 2000 })
  assert(property(uint8Array({ maxLength: 200 }), bytes => { expect(readCertificate(Uint8Array.from(certificate({ extensions: [extension(OID.subjectAltName, [...bytes])] })))?.dnsNames ?? []).not.toContain(PARTNER) }), { numRuns: 300 })
})

it('takes time in proportion to the bytes: nesting and crowds are bounded', () => {
  let nested: number[] = []
  for (let k = 0; k < 2000; k++) nested = nested.length < 60_000 ? sequence(nested) : nested
  expect(readCertificate(Uint8Array.from(nested))).toBeUndefined()
  expect(read({ names: Array.from({ length: 1024 }, (_, k) => dns(`d${k}.example`)) })?.dnsNames).toHaveLength(1024)
  expect(read({ names: Array.from({ length: 1025 }, () => dns('d.example')) })).toBeUndefined()
})

/** Every field that OpenSSL gives too. */
function agree (theirs: X509Certificate): CertificateFacts {
  const ours = readCertificate(theirs.raw)
  expect(ours, theirs.subject).toBeDefined()
  const facts = ours as CertificateFacts
  expect(new Date(facts.notBefore)).toEqual(theirs.validFromDate)
  expect(new Date(facts.notAfter)).toEqual(theirs.validToDate)
  expect(BigInt(`0x${facts.serial}`)).toBe(BigInt(`0x${theirs.serialNumber}`))
  expect(facts.isAuthority).toBe(theirs.ca)
  expect(facts.extendedKeyUsage).toEqual(theirs.keyUsage)
  expect(facts.selfIssued).toBe(theirs.issuer === theirs.subject)
  expect(facts.commonNames).toEqual([theirs.toLegacyObject().subject?.CN ?? []].flat())
  expect(facts.dnsNames).toEqual([...theirs.subjectAltName?.matchAll(/DNS:([^,]+)/g) ?? []].map(match => match[1]))
  expect(theirs.raw.subarray(facts.spki.start, facts.spki.end)).toEqual(theirs.publicKey.export({ type: 'spki', format: 'der' }))
  const { asymmetricKeyType, asymmetricKeyDetails } = theirs.publicKey
  if (asymmetricKeyType === 'rsa') expect(facts.key).toEqual({ algorithm: 'RSA', bits: asymmetricKeyDetails?.modulusLength })
  else if (asymmetricKeyType === 'ec') expect(facts.key.algorithm).toBe({ prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }[asymmetricKeyDetails?.namedCurve ?? ''])
  else expect(facts.key.algorithm.toLowerCase()).toBe(asymmetricKeyType)
  return facts
}

function read (given: Made): CertificateFacts | undefined {
  return readCertificate(certificate(given))
}

// A certificate by hand, so that it can be wrong where no library would let it be.
type Made = { names?: number[][], extensions?: number[][], subject?: [string, string][], notAfter?: number[], publicKey?: KeyObject, innerAlgorithm?: number[] }

const OID = {
  subjectKeyId: '2.5.29.14', keyUsage: '2.5.29.15', subjectAltName: '2.5.29.17', basicConstraints: '2.5.29.19', authorityKeyId: '2.5.29.35', extendedKeyUsage: '2.5.29.37',
}

function certificate ({ names = [], extensions = [], subject = [], notAfter = der(0x17, latin('300101000000Z')), publicKey = keys.publicKey, innerAlgorithm }: Made): Uint8Array {
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'))
  const all = [...names.length === 0 ? [] : [extension(OID.subjectAltName, sequence(...names))], ...extensions]
  const name = sequence(...subject.map(([type, value]) => der(0x31, sequence(oid(type), der(0x0C, utf8(value))))))
  const tbs = sequence(der(0xA0, number(2)), number(77), innerAlgorithm ?? algorithm, name, sequence(der(0x17, latin('250101000000Z')), notAfter), name,
    [...publicKey.export({ type: 'spki', format: 'der' })], ...all.length === 0 ? [] : [der(0xA3, sequence(...all))])
  return Uint8Array.from(sequence(tbs, algorithm, der(0x03, [0, ...sign('sha256', Uint8Array.from(tbs), keys.privateKey)])))
}

function der (tag: number, content: readonly number[]): number[] {
  const { length } = content
  return [tag, ...length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : length < 0x10000 ? [0x82, length >> 8, length & 0xFF] : [0x83, length >> 16, (length >> 8) & 0xFF, length & 0xFF], ...content]
}

function sequence (...parts: readonly (readonly number[])[]): number[] {
  return der(0x30, parts.flat())
}

function oid (text: string): number[] {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  return der(0x06, [first * 40 + second, ...rest].flatMap(arc => {
    const digits = [arc & 0x7F]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left & 0x7F) | 0x80)
    return digits
  }))
}

function extension (id: string, value: readonly number[], critical = false): number[] {
  return sequence(oid(id), critical ? boolean(true) : [], der(0x04, value))
}

function number (value: number): number[] {
  return der(0x02, [value])
}

function boolean (value: boolean): number[] {
  return der(0x01, [value ? 0xFF : 0])
}

function dns (name: string): number[] {
  return der(0x82, latin(name))
}

function email (name: string): number[] {
  return der(0x81, latin(name))
}

function uri (name: string): number[] {
  return der(0x86, latin(name))
}

function address (...octets: number[]): number[] {
  return der(0x87, octets)
}

function otherName (id: string, value: readonly number[]): number[] {
  return der(0xA0, [...oid(id), ...der(0xA0, value)])
}

function srv (name: string): number[] {
  return otherName('1.3.6.1.5.5.7.8.7', der(0x16, latin(name)))
}

function xmppAddr (name: string): number[] {
  return otherName('1.3.6.1.5.5.7.8.5', der(0x0C, utf8(name)))
}

function latin (text: string): number[] {
  return [...Buffer.from(text, 'latin1')]
}

function utf8 (text: string): number[] {
  return [...Buffer.from(text)]
}
