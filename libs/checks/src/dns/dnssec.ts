// Are the records signed, and do the signatures hold? (RFC 4035 §3.2.3 and §4.3, RFC 8914)
import type { DnsAnswer, Observation } from '@dialtone/contracts'
import { isFailed, serviceAnswers } from '@dialtone/discovery'
import { quoted } from '@dialtone/kernel'
import { defineDomainCheck } from '../check.ts'
import { addressAnswers, listed } from './asked.ts'
import { reasons, saysBogus } from './extended-errors.ts'

const SAYS = {
  bogus: { level: 'error', suspect: 'peer', remedy: 'Sign the zone again, or correct the DS record at the parent.' },
  untrusted: { level: 'unknown', says: 'was asked through a resolver whose word on DNSSEC is not believed' },
  'not-known': { level: 'unknown', says: 'gave no answer that could be signed' },
} as const
const ABOUT = 'The AD bit, which is worth something only from a resolver on this host. SERVFAIL that goes away when checking is disabled, or an extended error that says so, means a bogus signature.'

/** The SRV answers of both services, their absence included: a signed zone proves that too. */
export const dnssec = defineDomainCheck({
  id: 's2s.dnssec',
  asks: 'Are the SRV records signed, and do the signatures hold?',
  about: `${ABOUT} Of the SRV records, or of their absence; the addresses are a check of their own.`,
  outcomes: {
    secure: { level: 'ok', says: 'has DNSSEC-signed SRV records' },
    insecure: { level: 'ok', says: 'has SRV records without DNSSEC' },
    bogus: { ...SAYS.bogus, says: 'has DNSSEC signatures of its SRV records that do not verify' },
    untrusted: SAYS.untrusted,
    'not-known': SAYS['not-known'],
  },
  judge: observation => judged(serviceAnswers(observation.dns), observation),
})

/** The addresses of the SRV targets, which may lie in another zone. */
export const dnssecAddresses = defineDomainCheck({
  id: 's2s.dnssec-addresses',
  asks: 'Are the addresses of the targets signed, and do the signatures hold?',
  about: `${ABOUT} Of the A and AAAA records: DANE needs both links of the chain (RFC 7673 §3), and the host often lies in another zone than the domain.`,
  outcomes: {
    secure: { level: 'ok', says: 'has DNSSEC-signed addresses' },
    insecure: { level: 'ok', says: 'has addresses without DNSSEC' },
    bogus: { ...SAYS.bogus, says: 'has DNSSEC signatures of its addresses that do not verify' },
    untrusted: SAYS.untrusted,
    'not-known': SAYS['not-known'],
  },
  judge: observation => judged(addressAnswers(observation), observation),
})

type Key = 'secure' | 'insecure' | 'bogus' | 'untrusted' | 'not-known'

function judged (answers: readonly DnsAnswer[], { dns, asked }: Observation): Key | { outcome: Key, detail: string } | undefined {
  if (answers.length === 0) return undefined
  const bogus = answers.filter(answer => answer.outcome === 'servfail' && (saysBogus(answer) || dns.some(again => isSameWithoutChecking(again, answer))))
  if (bogus.length > 0) return { outcome: 'bogus', detail: listed(bogus.map(answer => `${answer.type} ${quoted(answer.name, 120)}${reasons(answer) === undefined ? '' : ` (${reasons(answer) ?? ''})`}`), 4) }
  const known = answers.filter(answer => !isFailed(answer))
  if (known.length === 0) return 'not-known'
  if (!asked.resolverTrusted) return 'untrusted'
  if (known.some(({ authenticated }) => !authenticated)) return 'insecure'
  return known.length < answers.length ? 'not-known' : 'secure'
}

/** The same question was answered once nobody checked its signatures. */
function isSameWithoutChecking (again: DnsAnswer, { name, type }: DnsAnswer): boolean {
  return again.purpose === 'unvalidated' && again.name === name && again.type === type && !isFailed(again)
}
