/**
 * What a certificate says, from its DER (RFC 5280 §4). For judging names, dates, purposes and strength on any machine and at any time;
 * signatures and paths are validated by `net`, which has the cryptography.
 */
import { strictUtf8 } from '../strict-utf8.ts'
import {
  BIT_STRING, BOOLEAN, IA5_STRING, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, UTF8_STRING, childrenOfDer, hexOf, latin1, oidOf, onlyDer, sameDer, smallIntegerOf, timeOf, type Der,
} from './der.ts'
import { nameOf } from './distinguished-name.ts'
import { keyOf, signatureNamed, type KeyFacts } from './key.ts'
import { readNameConstraints, type NameConstraints } from './name-constraints.ts'
import { OTHER_NAMES, type OtherName } from './other-names.ts'

export type CertificateFacts = {
  /** RFC 4514 in essence, in the order of the certificate: `CN=…, O=…`, special characters escaped. For people. */
  subject: string
  issuer: string
  commonNames: string[]
  /** Milliseconds since the epoch. */
  notBefore: number
  notAfter: number
  /** Hexadecimal, as encoded: a leading `00` keeps it positive. */
  serial: string
  /** As encoded, byte for character: what is no ASCII is no name. */
  dnsNames: string[]
  /** id-on-dnsSRV (RFC 4985), e.g. `_xmpp-server.example.com`. */
  srvNames: string[]
  /** id-on-xmppAddr (RFC 6120 §13.7.1.4). */
  xmppAddrs: string[]
  /** Kinds of alternative name that S2S does not use, each once. */
  otherNames: OtherName[]
  isAuthority: boolean
  pathLength?: number
  /** For which names an authority may vouch; whether they are critical or not makes no difference. */
  nameConstraints?: NameConstraints
  /** Object identifiers; undefined without the extension: good for everything. */
  extendedKeyUsage?: string[]
  /** The first two octets of the bits of RFC 5280 §4.2.1.3: digitalSignature is 0x8000, keyCertSign 0x0400. */
  keyUsage?: number
  /** Hexadecimal (RFC 5280 §4.2.1.1, §4.2.1.2). */
  subjectKeyId?: string
  authorityKeyId?: string
  /** Critical extensions that are not read here: whoever relies on the certificate has to understand them (RFC 5280 §4.2). */
  criticalUnread: string[]
  key: KeyFacts
  /** Where SubjectPublicKeyInfo lies in the DER, for digests of it. */
  spki: { start: number, end: number }
  signatureAlgorithm: string
  /** Issuer and subject are the same name, byte for byte. */
  selfIssued: boolean
}

export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
export const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
export const ANY_PURPOSE = '2.5.29.37.0'

/** The facts, or undefined when the bytes are no certificate in DER. Never throws; linear in the bytes. */
export function readCertificate (der: Uint8Array): CertificateFacts | undefined {
  const outer = onlyDer(der, 0, der.length)
  const parts = outer?.tag === SEQUENCE ? childrenOfDer(der, outer) : undefined
  const [tbs, algorithm, signature] = parts ?? []
  if (parts?.length !== 3 || tbs?.tag !== SEQUENCE || algorithm?.tag !== SEQUENCE || signature?.tag !== BIT_STRING) return undefined
  const fields = childrenOfDer(der, tbs)
  if (fields === undefined) return undefined
  if (fields[0]?.tag === 0xA0) fields.shift()
  const [serial, inner, issuer, validity, subject, spki, ...optional] = fields
  if (serial?.tag !== INTEGER || inner === undefined || !sameDer(der, inner, algorithm) || issuer?.tag !== SEQUENCE || validity?.tag !== SEQUENCE || subject?.tag !== SEQUENCE || spki?.tag !== SEQUENCE) return undefined
  // Unique identifiers, then extensions; each at most once, in this order.
  if (optional.some(({ tag }, k) => ![0x81, 0x82, 0xA3].includes(tag) || tag <= (optional[k - 1]?.tag ?? 0))) return undefined

  const [notBefore, notAfter, ...more] = (childrenOfDer(der, validity) ?? []).map(time => timeOf(der, time))
  const issuerName = nameOf(der, issuer)
  const subjectName = nameOf(der, subject)
  const key = keyOf(der, spki)
  if (notBefore === undefined || notAfter === undefined || Number.isNaN(notBefore) || Number.isNaN(notAfter) || more.length > 0) return undefined
  if (issuerName === undefined || subjectName === undefined || key === undefined) return undefined
  const facts: CertificateFacts = {
    subject: subjectName.text,
    issuer: issuerName.text,
    commonNames: subjectName.commonNames,
    notBefore,
    notAfter,
    serial: hexOf(der, serial),
    dnsNames: [],
    srvNames: [],
    xmppAddrs: [],
    otherNames: [],
    isAuthority: false,
    criticalUnread: [],
    key,
    spki: { start: spki.at, end: spki.end },
    signatureAlgorithm: signatureNamed(oidOf(der, childrenOfDer(der, algorithm)?.[0])),
    selfIssued: sameDer(der, issuer, subject),
  }
  const extensions = optional.at(-1)
  return extensions?.tag !== 0xA3 || readExtensions(der, extensions, facts) ? facts : undefined
}

function readExtensions (der: Uint8Array, wrapper: Der, facts: CertificateFacts): boolean {
  const list = onlyDer(der, wrapper.start, wrapper.end)
  const extensions = list?.tag === SEQUENCE ? childrenOfDer(der, list) : undefined
  const seen = new Set<string>()
  return extensions?.every(extension => {
    const parts = extension.tag === SEQUENCE ? childrenOfDer(der, extension) ?? [] : []
    const critical = parts.length === 3 && parts[1]?.tag === BOOLEAN && der[parts[1].start] !== 0
    const oid = oidOf(der, parts[0])
    const value = parts.at(-1)
    // Twice the same would let two readers see two certificates (RFC 5280 §4.2).
    if (oid === '' || seen.has(oid) || value?.tag !== OCTET_STRING || parts.length > 3 || (parts.length === 3 && parts[1]?.tag !== BOOLEAN)) return false
    seen.add(oid)
    const read = EXTENSIONS[oid]
    if (read !== undefined) {
      const content = onlyDer(der, value.start, value.end)
      return content !== undefined && read(der, content, facts)
    }
    if (critical) facts.criticalUnread.push(oid)
    return true
  }) ?? false
}

/** The extensions that are read; each says whether it is well-formed. What others hold need not even be DER. */
const EXTENSIONS: Record<string, (der: Uint8Array, content: Der, facts: CertificateFacts) => boolean> = {
  '2.5.29.14': (der, content, facts) => {
    facts.subjectKeyId = hexOf(der, content)
    return content.tag === OCTET_STRING
  },
  '2.5.29.15': (der, content, facts) => {
    facts.keyUsage = ((der[content.start + 1] ?? 0) << 8) | (content.end - content.start > 2 ? der[content.start + 2] ?? 0 : 0)
    return content.tag === BIT_STRING && content.end - content.start > 1
  },
  '2.5.29.17': (der, content, facts) => content.tag === SEQUENCE && (childrenOfDer(der, content)?.every(name => readName(der, name, facts)) ?? false),
  '2.5.29.19': (der, content, facts) => {
    const children = content.tag === SEQUENCE ? childrenOfDer(der, content) : undefined
    if (children === undefined) return false
    const [flag, ...rest] = children[0]?.tag === BOOLEAN ? children : [undefined, ...children]
    facts.isAuthority = flag !== undefined && der[flag.start] !== 0 && flag.end > flag.start
    if (rest.length === 0) return true
    const length = rest[0] === undefined ? undefined : smallIntegerOf(der, rest[0])
    if (length !== undefined) facts.pathLength = length
    return length !== undefined && rest.length === 1
  },
  '2.5.29.30': (der, content, facts) => {
    const constraints = readNameConstraints(der, content)
    if (constraints !== undefined) facts.nameConstraints = constraints
    return constraints !== undefined
  },
  '2.5.29.35': (der, content, facts) => {
    const children = content.tag === SEQUENCE ? childrenOfDer(der, content) : undefined
    if (children?.[0]?.tag === 0x80) facts.authorityKeyId = hexOf(der, children[0])
    return children !== undefined
  },
  '2.5.29.37': (der, content, facts) => {
    facts.extendedKeyUsage = (content.tag === SEQUENCE ? childrenOfDer(der, content) ?? [] : []).map(child => oidOf(der, child))
    return facts.extendedKeyUsage.length > 0 && !facts.extendedKeyUsage.includes('')
  },
}

/** GeneralName (RFC 5280 §4.2.1.6). */
function readName (der: Uint8Array, name: Der, facts: CertificateFacts): boolean {
  if (name.tag === 0x82) facts.dnsNames.push(latin1(der, name))
  else if (name.tag === 0xA0) return readOtherName(der, name, facts)
  else {
    const kind = OTHER_NAMES[name.tag]
    if (kind === undefined) return false
    other(facts, kind)
  }
  return true
}

/** otherName: an identifier and, under [0], a value. A string of another type than its name demands is kept out. */
function readOtherName (der: Uint8Array, name: Der, facts: CertificateFacts): boolean {
  const parts = childrenOfDer(der, name)
  const [oid, wrapper] = parts ?? []
  if (parts?.length !== 2 || oid?.tag !== OBJECT_IDENTIFIER || wrapper?.tag !== 0xA0) return false
  const value = onlyDer(der, wrapper.start, wrapper.end)
  if (value === undefined) return false
  const kind = oidOf(der, oid)
  if (kind === '1.3.6.1.5.5.7.8.7' && value.tag === IA5_STRING) facts.srvNames.push(latin1(der, value))
  // What is no UTF-8 is shown, with a character that no name has.
  else if (kind === '1.3.6.1.5.5.7.8.5' && value.tag === UTF8_STRING) facts.xmppAddrs.push(strictUtf8(der, value.start, value.end) ?? `${latin1(der, value)}\uFFFD`)
  else other(facts, 'other-name')
  return true
}

function other (facts: CertificateFacts, kind: OtherName): void {
  if (!facts.otherNames.includes(kind)) facts.otherNames.push(kind)
}
