// Did the resolver answer? Classes of failure kept apart (RFC 1035 §4.1.1, RFC 8020).
import { DNS_OUTCOMES, type DnsAnswer } from '@dialtone/contracts'
import { isFailed } from '@dialtone/discovery'
import { quoted } from '@dialtone/kernel'
import { defineDomainCheck } from '../check.ts'
import { listed } from './asked.ts'
import { reasons } from './extended-errors.ts'

/** One finding per class that was seen. Says nothing about what the answers mean: absence is an answer. */
export const dnsAnswered = defineDomainCheck({
  id: 's2s.dns-answered',
  asks: 'Did the resolver answer?',
  about: 'Keeps absence (NXDOMAIN, NODATA) apart from not knowing, and the ways of not knowing apart from each other. What fails for a control name too is the resolver, not the domain.',
  outcomes: {
    answered: { level: 'ok', says: 'every DNS question was answered' },
    servfail: { level: 'warning', says: 'the resolver could not get an answer from the zone (SERVFAIL)' },
    refused: { level: 'warning', says: 'the resolver refused a question', suspect: 'observer', remedy: 'Allow this host to ask the resolver, or name another with --resolver.' },
    timeout: { level: 'warning', says: 'the resolver did not answer in time' },
    unreachable: { level: 'warning', says: 'nothing answers at the address of the resolver', suspect: 'observer', remedy: 'Check the address of the resolver and the way to it.' },
    malformed: { level: 'warning', says: 'the resolver sent no usable answer: none to our question, or no DNS message', suspect: 'observer', remedy: 'Check what answers on the port of the resolver; a captive portal and a transparent proxy do this.' },
    'other-rcode': { level: 'warning', says: 'the resolver answered with an unusual error' },
    'resolver-failed': { level: 'error', says: 'the resolver fails for a control name too', suspect: 'observer', remedy: 'Mend the resolver, or name another with --resolver.' },
    'not-asked': { level: 'unknown', says: 'no DNS question was needed' },
  },
  judge: ({ dns }) => {
    if (dns.length === 0) return 'not-asked'
    const failed = dns.filter(answer => answer.purpose !== 'unvalidated' && isFailed(answer))
    if (failed.length === 0) return 'answered'
    const classes = FAILURES.flatMap(outcome => {
      const those = failed.filter(answer => answer.outcome === outcome)
      return those.length === 0 ? [] : [{ outcome, detail: listed(those.map(shown), 4) }]
    })
    const control = failed.filter(({ purpose }) => purpose === 'control')
    return [...classes, ...control.map(answer => ({ outcome: 'resolver-failed' as const, detail: `${answer.resolver}: ${shown(answer)}` }))]
  },
})

const FAILURES = DNS_OUTCOMES.filter(outcome => outcome !== 'answer' && outcome !== 'nodata' && outcome !== 'nxdomain')

function shown (answer: DnsAnswer): string {
  const why = [reasons(answer), answer.detail, answer.outcome === 'other-rcode' ? `rcode ${answer.rcode ?? 'unknown'}` : undefined].filter(part => part !== undefined)
  return `${answer.type} ${quoted(answer.name, 120)}${why.length === 0 ? '' : ` (${why.join('; ')})`}`
}
