// Is only the service name of before RFC 3920 published?
import { isFailed, srvRecords } from '@dialtone/discovery'
import { defineDomainCheck } from '../check.ts'
import { answerTo, listed, shownSrv } from './asked.ts'

/** Asked only where both services are absent: beside them the old name does no harm. */
export const srvLegacy = defineDomainCheck({
  id: 's2s.srv-legacy',
  asks: 'Is only the legacy service name published?',
  about: 'Servers of the years before RFC 3920 were found under _jabber._tcp. Of those in use only Openfire still looks there, so such a domain works with some peers and not with others. Asked where no other record exists.',
  outcomes: {
    absent: { level: 'ok', says: 'publishes nothing under the legacy name _jabber._tcp' },
    alone: { level: 'warning', says: 'publishes only the legacy name _jabber._tcp, which hardly any server asks for', suspect: 'peer', remedy: 'Publish the same record as _xmpp-server._tcp.' },
    'not-known': { level: 'unknown', says: 'gave no answer about the legacy name' },
  },
  judge: observation => {
    const answer = answerTo(observation, 'legacy-jabber')
    if (answer === undefined) return undefined
    if (isFailed(answer)) return { outcome: 'not-known', detail: answer.outcome }
    const records = srvRecords(observation.dns, 'legacy-jabber')
    return records.length === 0 ? 'absent' : { outcome: 'alone', detail: listed(records.map(shownSrv)) }
  },
})
