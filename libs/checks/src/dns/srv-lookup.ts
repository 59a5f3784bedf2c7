// Which servers does the domain publish for federation? (RFC 6120 §3.2.1)
import { isAbsent, saysNo, srvRecords } from '@dialtone/discovery'
import { defineDomainCheck } from '../check.ts'
import { answerTo, listed, shownSrv } from './asked.ts'
import { reasons } from './extended-errors.ts'

/** Reads the answer for `_xmpp-server._tcp`. What follows from its absence is s2s.address-fallback. */
export const srvLookup = defineDomainCheck({
  id: 's2s.srv-lookup',
  asks: 'Which servers does the domain publish for federation?',
  about: 'Reads the answer for _xmpp-server._tcp (RFC 6120 §3.2.1). Absence, a no and not knowing are three answers. Says nothing about whether anything listens there.',
  outcomes: {
    published: { level: 'ok', says: 'publishes SRV records for federation' },
    'direct-only': { level: 'notice', says: "publishes direct TLS alone: for STARTTLS its SRV target is '.'. Servers without XEP-0368 cannot reach it", remedy: 'Publish _xmpp-server._tcp too, unless this is meant.' },
    disabled: { level: 'error', says: "publishes the SRV target '.': the service is not offered", suspect: 'peer', remedy: "Replace the target '.' by the host name of the XMPP server." },
    absent: { level: 'notice', says: 'publishes no _xmpp-server SRV record', remedy: 'Publish _xmpp-server._tcp IN SRV 0 5 5269 xmpp.example.' },
    servfail: { level: 'error', says: 'answers SERVFAIL for its SRV records', suspect: 'peer', remedy: 'Check DNSSEC and that every name server of the zone answers.' },
    unanswered: { level: 'unknown', says: 'gave no answer about its SRV records' },
    'not-asked': { level: 'unknown', says: 'was not asked for SRV records: endpoints were named instead' },
  },
  judge: observation => {
    const answer = answerTo(observation, 'xmpp-server')
    if (answer === undefined) return 'not-asked'
    if (answer.outcome === 'servfail') return { outcome: 'servfail', detail: reasons(answer) ?? 'no reason given' }
    if (isAbsent(answer)) return { outcome: 'absent', detail: answer.outcome }
    if (answer.outcome !== 'answer') return { outcome: 'unanswered', detail: answer.outcome }
    const records = srvRecords(observation.dns, 'xmpp-server')
    if (records.length > 0 || !saysNo(observation.dns, 'xmpp-server')) return { outcome: 'published', detail: listed(records.map(shownSrv)) }
    return srvRecords(observation.dns, 'xmpps-server').length > 0 ? 'direct-only' : 'disabled'
  },
})
