// Does the domain publish direct TLS for federation? (XEP-0368 §3)
import { isAbsent, saysNo, srvRecords } from '@dialtone/discovery'
import { defineDomainCheck } from '../check.ts'
import { answerTo, listed, shownSrv } from './asked.ts'

/** Reads the answer for `_xmpps-server._tcp`. Says nothing about STARTTLS. */
export const srvDirectLookup = defineDomainCheck({
  id: 's2s.srv-direct-lookup',
  asks: 'Does the domain publish direct TLS for federation?',
  about: "Reads the answer for _xmpps-server._tcp (XEP-0368). Optional; where it exists, servers make one list of both services. The target '.' here, with no _xmpp-server record at all, forbids the fallback to the domain's own address.",
  outcomes: {
    published: { level: 'ok', says: 'publishes direct TLS' },
    absent: { level: 'ok', says: 'publishes no direct TLS, which is optional' },
    disabled: { level: 'notice', says: "publishes the target '.' for direct TLS" },
    'disabled-alone': { level: 'error', says: "publishes the target '.' for direct TLS and nothing else: servers may not fall back to its address then", suspect: 'peer', remedy: 'Publish _xmpp-server._tcp IN SRV 0 5 5269 xmpp.example.' },
    failed: { level: 'unknown', says: 'gave no answer about direct TLS' },
  },
  judge: observation => {
    const answer = answerTo(observation, 'xmpps-server')
    if (answer === undefined) return undefined
    if (isAbsent(answer)) return 'absent'
    if (answer.outcome !== 'answer') return { outcome: 'failed', detail: answer.outcome }
    const records = srvRecords(observation.dns, 'xmpps-server')
    if (records.length > 0 || !saysNo(observation.dns, 'xmpps-server')) return { outcome: 'published', detail: listed(records.map(shownSrv)) }
    const plain = answerTo(observation, 'xmpp-server')
    return plain !== undefined && isAbsent(plain) ? 'disabled-alone' : 'disabled'
  },
})
