/**
 * Does a TLSA record fit the certificates that were shown? (RFC 6698 §2.1 and §4, RFC 7671 §5) Digests come with the observation: nothing is
 * computed here. Signatures are not verified here either; for that, a certificate counts as issuer only on the path that was built.
 */
import type { ChainSeen, DnsRecord, Observation } from '@dialtone/contracts'
import { readCertificate } from '@dialtone/stream'
import { fromBase64 } from '../base64.ts'

export type TlsaRecord = Extract<DnsRecord, { type: 'TLSA' }>

/**
 * `fits`: the record is fulfilled. `pkix-fails`: it names the right certificate, and its usage demands a trusted chain besides (usages 0 and 1).
 * `anchor-unverified`: it names a certificate that was sent, of which it is not known whether it issued the leaf.
 */
export type TlsaMatch = 'fits' | 'pkix-fails' | 'anchor-unverified' | 'other' | 'unusable'

/** The TLSA records of an answer. */
export function tlsaRecords (records: readonly DnsRecord[]): TlsaRecord[] {
  return records.flatMap(record => record.type === 'TLSA' ? [record] : [])
}

/** Judges one record. Unusable: a number that RFC 7218 does not name, or data of the wrong length. */
export function matchTlsa (record: TlsaRecord, chain: ChainSeen, certificates: Observation['certificates']): TlsaMatch {
  if (!isUsable(record)) return 'unusable'
  const named = (digests: readonly string[]) => digests.some(digest => names(record, digest, certificates))
  const leaf = chain.sent.slice(0, 1)
  const issuers = chain.path.slice(1)
  const trusted = chain.trust === 'trusted'
  switch (record.usage) {
    case 1: return named(leaf) ? trusted ? 'fits' : 'pkix-fails' : 'other'
    case 3: return named(leaf) ? 'fits' : 'other'
    default:
      if (named(issuers)) return record.usage === 2 || trusted ? 'fits' : 'pkix-fails'
      return named(chain.sent.slice(1)) ? 'anchor-unverified' : 'other'
  }
}

/** The record that would fit this certificate whoever issued it: usage 3, the key alone, SHA-256. Undefined when the key has no digest. */
export function recordFor (chain: ChainSeen | undefined, certificates: Observation['certificates']): string | undefined {
  const spki = certificates[chain?.sent[0] ?? '']?.spkiSha256
  return spki === undefined || spki === OF_NOTHING ? undefined : `3 1 1 ${spki}`
}

/** SHA-256 of no bytes: what stands in an observation for a key that could not be read. */
const OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const LENGTHS: Readonly<Record<number, number>> = { 1: 64, 2: 128 }

function isUsable ({ usage, selector, matching, data }: TlsaRecord): boolean {
  const length = LENGTHS[matching]
  return usage <= 3 && selector <= 1 && matching <= 2 && data.length > 0 && (length === undefined || data.length === length)
}

function names ({ selector, matching, data }: TlsaRecord, digest: string, certificates: Observation['certificates']): boolean {
  const stored = certificates[digest]
  if (stored === undefined) return false
  if (matching === 1) return data === (selector === 0 ? digest : stored.spkiSha256) && data !== OF_NOTHING
  if (matching === 2) return data === (selector === 0 ? stored.sha512 : stored.spkiSha512) && stored.spkiSha256 !== OF_NOTHING
  const der = fromBase64(stored.der)
  if (selector === 0) return data === hex(der)
  const spki = readCertificate(der)?.spki
  return spki !== undefined && data === hex(der.subarray(spki.start, spki.end))
}

function hex (bytes: Uint8Array): string {
  return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')
}
