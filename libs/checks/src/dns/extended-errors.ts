// Extended DNS errors (RFC 8914 §4, IANA registry), as far as they say why a zone cannot be resolved.
import type { DnsAnswer } from '@dialtone/contracts'

const NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'other error'], [1, 'unsupported DNSKEY algorithm'], [2, 'unsupported DS digest type'], [3, 'stale answer'], [5, 'DNSSEC indeterminate'],
  [6, 'DNSSEC bogus'], [7, 'signature expired'], [8, 'signature not yet valid'], [9, 'DNSKEY missing'], [10, 'RRSIGs missing'], [11, 'no zone key bit set'], [12, 'NSEC missing'],
  [13, 'cached error'], [14, 'not ready'], [15, 'blocked'], [16, 'censored'], [17, 'filtered'], [18, 'prohibited'],
  [20, 'not authoritative'], [21, 'not supported'], [22, 'no reachable authority'], [23, 'network error'], [24, 'invalid data'], [27, 'unsupported NSEC3 iterations'],
])
const BOGUS: ReadonlySet<number> = new Set([6, 7, 8, 9, 10, 11, 12])

/** The resolver itself says that signatures do not verify. */
export function saysBogus ({ extended }: DnsAnswer): boolean {
  return extended.some(({ code }) => BOGUS.has(code))
}

/** The reasons that the resolver gave, or undefined. */
export function reasons ({ extended }: DnsAnswer): string | undefined {
  if (extended.length === 0) return undefined
  return extended.map(({ code, text }) => `${NAMES.get(code) ?? 'extended error'} (RFC 8914 code ${code})${text === '' ? '' : `: ${text}`}`).join(', ')
}
