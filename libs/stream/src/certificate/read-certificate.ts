/**
 * What a certificate says, from its DER (RFC 5280 §4). For judging names, dates, purposes and strength on any machine and at any time;
 * signatures and paths are validated by `net`, which has the cryptography.
 */
import { BIT_STRING, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, childrenOfDer, latin1, oidOf, readDer, timeOf, type Der } from './der.ts'

export type CertificateFacts = {
  /** RFC 4514 in essence: `CN=…, O=…`, for people; never compared. */
  subject: string
  issuer: string
  commonNames: string[]
  /** Milliseconds since the epoch. */
  notBefore: number
  notAfter: number
  serial: string
  dnsNames: string[]
  /** id-on-dnsSRV (RFC 4985), e.g. `_xmpp-server.example.com`. */
  srvNames: string[]
  /** id-on-xmppAddr (RFC 6120 §13.7.1.4). */
  xmppAddrs: string[]
  /** Address, URI and other kinds of name that S2S does not use. */
  otherNames: number
  isAuthority: boolean
  pathLength?: number
  /** Object identifiers; undefined without the extension: good for everything. */
  extendedKeyUsage?: string[]
  keyUsage?: number
  key: { algorithm: string, bits: number }
  signatureAlgorithm: string
  /** Issuer and subject are the same name. */
  selfIssued: boolean
}

export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
export const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
export const ANY_PURPOSE = '2.5.29.37.0'

/** The facts, or undefined when the bytes are no certificate. Never throws. */
export function readCertificate (der: Uint8Array): CertificateFacts | undefined {
  const outer = readDer(der, 0, der.length)
  const parts = outer?.tag === SEQUENCE && outer.end === der.length ? childrenOfDer(der, outer) : undefined
  const [tbs, algorithm] = parts ?? []
  if (tbs?.tag !== SEQUENCE || algorithm?.tag !== SEQUENCE) return undefined
  const fields = childrenOfDer(der, tbs)
  if (fields === undefined) return undefined
  if (fields[0]?.tag === 0xA0) fields.shift()
  const [serial, , issuer, validity, subject, spki, ...optional] = fields
  if (serial?.tag !== INTEGER || issuer?.tag !== SEQUENCE || validity?.tag !== SEQUENCE || subject?.tag !== SEQUENCE || spki?.tag !== SEQUENCE) return undefined
  const [notBefore, notAfter] = childrenOfDer(der, validity) ?? []
  const issuerName = nameOf(der, issuer)
  const subjectName = nameOf(der, subject)
  const key = keyOf(der, spki)
  if (notBefore === undefined || notAfter === undefined || issuerName === undefined || subjectName === undefined || key === undefined) return undefined
  const facts: CertificateFacts = {
    subject: subjectName.text,
    issuer: issuerName.text,
    commonNames: subjectName.commonNames,
    notBefore: timeOf(der, notBefore),
    notAfter: timeOf(der, notAfter),
    serial: hex(der, serial),
    dnsNames: [],
    srvNames: [],
    xmppAddrs: [],
    otherNames: 0,
    isAuthority: false,
    key,
    signatureAlgorithm: ALGORITHMS[oidOf(der, (childrenOfDer(der, algorithm) ?? [algorithm])[0] ?? algorithm)] ?? 'unknown',
    selfIssued: hex(der, issuer) === hex(der, subject),
  }
  const extensions = optional.find(field => field.tag === 0xA3)
  if (extensions !== undefined && !readExtensions(der, extensions, facts)) return undefined
  return Number.isNaN(facts.notBefore) || Number.isNaN(facts.notAfter) ? undefined : facts
}

function readExtensions (der: Uint8Array, wrapper: Der, facts: CertificateFacts): boolean {
  const list = readDer(der, wrapper.start, wrapper.end)
  const extensions = list?.tag === SEQUENCE ? childrenOfDer(der, list) : undefined
  if (extensions === undefined) return false
  for (const extension of extensions) {
    const parts = childrenOfDer(der, extension)
    const [oid] = parts ?? []
    const value = parts?.at(-1)
    if (oid?.tag !== OBJECT_IDENTIFIER || value?.tag !== OCTET_STRING) return false
    const content = readDer(der, value.start, value.end)
    if (content === undefined) return false
    if (!readExtension(der, oidOf(der, oid), content, facts)) return false
  }
  return true
}

function readExtension (der: Uint8Array, oid: string, content: Der, facts: CertificateFacts): boolean {
  const children = content.tag & 0x20 ? childrenOfDer(der, content) : []
  if (children === undefined) return false
  switch (oid) {
    case '2.5.29.17':
      return children.every(name => readName(der, name, facts))
    case '2.5.29.19': {
      facts.isAuthority = children[0]?.tag === 0x01 && der[children[0].start] !== 0
      const length = children.find(child => child.tag === INTEGER)
      if (length !== undefined) facts.pathLength = Number.parseInt(hex(der, length) || '0', 16)
      return true
    }
    case '2.5.29.37':
      facts.extendedKeyUsage = children.map(child => oidOf(der, child))
      return true
    case '2.5.29.15':
      if (content.tag === BIT_STRING) facts.keyUsage = ((der[content.start + 1] ?? 0) << 8) | (content.end - content.start > 2 ? der[content.start + 2] ?? 0 : 0)
      return true
    default:
      return true
  }
}

function readName (der: Uint8Array, name: Der, facts: CertificateFacts): boolean {
  if (name.tag === 0x82) facts.dnsNames.push(latin1(der, name))
  else if (name.tag === 0xA0) return readOtherName(der, name, facts)
  else facts.otherNames++
  return true
}

/** otherName: an identifier and, under [0], a string. A string of another type than its name demands is kept out. */
function readOtherName (der: Uint8Array, name: Der, facts: CertificateFacts): boolean {
  const [oid, wrapper] = childrenOfDer(der, name) ?? []
  const value = wrapper === undefined ? undefined : readDer(der, wrapper.start, wrapper.end)
  if (oid === undefined || value === undefined) return false
  const kind = oidOf(der, oid)
  if (kind === '1.3.6.1.5.5.7.8.7' && value.tag === 0x16) facts.srvNames.push(latin1(der, value))
  else if (kind === '1.3.6.1.5.5.7.8.5' && value.tag === 0x0C) facts.xmppAddrs.push(utf8(der, value))
  else facts.otherNames++
  return true
}

function nameOf (der: Uint8Array, name: Der): { text: string, commonNames: string[] } | undefined {
  const parts: string[] = []
  const commonNames: string[] = []
  for (const set of childrenOfDer(der, name) ?? []) {
    for (const pair of childrenOfDer(der, set) ?? []) {
      const [oid, value] = childrenOfDer(der, pair) ?? []
      if (oid === undefined || value === undefined) return undefined
      const text = value.tag === 0x0C ? utf8(der, value) : latin1(der, value)
      const label = LABELS[oidOf(der, oid)]
      if (label === 'CN') commonNames.push(text)
      parts.push(`${label ?? oidOf(der, oid)}=${text}`)
    }
  }
  return { text: parts.join(', '), commonNames }
}

function keyOf (der: Uint8Array, spki: Der): { algorithm: string, bits: number } | undefined {
  const [algorithm, key] = childrenOfDer(der, spki) ?? []
  const [oid, parameters] = algorithm === undefined ? [] : childrenOfDer(der, algorithm) ?? []
  if (oid === undefined || key?.tag !== BIT_STRING) return undefined
  const kind = oidOf(der, oid)
  if (kind === '1.2.840.113549.1.1.1' || kind === '1.2.840.113549.1.1.10') {
    const sequence = readDer(der, key.start + 1, key.end)
    const modulus = sequence === undefined ? undefined : childrenOfDer(der, sequence)?.[0]
    if (modulus === undefined) return undefined
    let at = modulus.start
    while (at < modulus.end && der[at] === 0) at++
    return { algorithm: 'RSA', bits: at === modulus.end ? 0 : (modulus.end - at) * 8 - Math.clz32(der[at] as number) + 24 }
  }
  if (kind === '1.2.840.10045.2.1') {
    const [name, bits] = CURVES[parameters === undefined ? '' : oidOf(der, parameters)] ?? ['EC', 0]
    return { algorithm: name, bits }
  }
  const [name, bits] = OTHER_KEYS[kind] ?? ['unknown', 0]
  return { algorithm: name, bits }
}

/** Content of a UTF8String; its bytes as they stand when they are no UTF-8, so that nothing that is malformed matches a name. */
function utf8 (der: Uint8Array, element: Der): string {
  const raw = latin1(der, element)
  try {
    return decodeURIComponent(raw.replace(/[^]/g, c => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`))
  } catch {
    return raw
  }
}

function hex (der: Uint8Array, { start, end }: Der): string {
  let text = ''
  for (let at = start; at < end; at++) text += (der[at] as number).toString(16).padStart(2, '0')
  return text
}

const LABELS: Record<string, string> = { '2.5.4.3': 'CN', '2.5.4.6': 'C', '2.5.4.7': 'L', '2.5.4.8': 'ST', '2.5.4.10': 'O', '2.5.4.11': 'OU' }
const CURVES: Record<string, [string, number]> = { '1.2.840.10045.3.1.7': ['P-256', 256], '1.3.132.0.34': ['P-384', 384], '1.3.132.0.35': ['P-521', 521], '1.3.132.0.33': ['P-224', 224], '1.2.840.10045.3.1.1': ['P-192', 192] }
const OTHER_KEYS: Record<string, [string, number]> = { '1.3.101.112': ['Ed25519', 256], '1.3.101.113': ['Ed448', 456], '1.2.840.10040.4.1': ['DSA', 0] }
const ALGORITHMS: Record<string, string> = {
  '1.2.840.113549.1.1.4': 'md5WithRSA', '1.2.840.113549.1.1.5': 'sha1WithRSA', '1.2.840.113549.1.1.10': 'RSASSA-PSS',
  '1.2.840.113549.1.1.11': 'sha256WithRSA', '1.2.840.113549.1.1.12': 'sha384WithRSA', '1.2.840.113549.1.1.13': 'sha512WithRSA',
  '1.2.840.10045.4.1': 'ecdsa-with-SHA1', '1.2.840.10045.4.3.2': 'ecdsa-with-SHA256', '1.2.840.10045.4.3.3': 'ecdsa-with-SHA384', '1.2.840.10045.4.3.4': 'ecdsa-with-SHA512',
  '1.3.101.112': 'Ed25519', '1.3.101.113': 'Ed448',
}
