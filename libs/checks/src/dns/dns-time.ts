// How long did DNS take, apart from every other stage?
import { quoted } from '@dialtone/kernel'
import { defineDomainCheck } from '../check.ts'

/** The slowest question that was answered at all: a time-out is a failure, and s2s.dns-answered says so. */
export const dnsTime = defineDomainCheck({
  id: 's2s.dns-time',
  asks: 'How long did DNS take?',
  about: 'The slowest single question, re-asking included, apart from every other stage. Many servers give DNS five to ten seconds in all. Says nothing about who was slow: the resolver, or the name servers of the zone behind it.',
  outcomes: {
    quick: { level: 'ok', says: 'DNS answered quickly' },
    slow: { level: 'notice', says: 'DNS answered slowly', remedy: 'Ask the name servers of the zone directly, to see which is slow or dead.' },
    'not-known': { level: 'unknown', says: 'no DNS question was answered' },
  },
  judge: ({ dns }, { slowStageMs }) => {
    if (dns.length === 0) return undefined
    const [slowest] = dns.filter(({ outcome }) => outcome !== 'timeout' && outcome !== 'unreachable').sort((a, b) => b.ms - a.ms)
    if (slowest === undefined) return 'not-known'
    const slow = slowest.ms > slowStageMs
    return { outcome: slow ? 'slow' : 'quick', detail: `${Math.round(slowest.ms)} ms${slow ? ` for ${slowest.type} ${quoted(slowest.name, 120)}` : ''}` }
  },
})
