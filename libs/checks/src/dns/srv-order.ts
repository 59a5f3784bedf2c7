// In which order will real servers try the endpoints? (RFC 2782, XEP-0368 §3)
import { isFailed, predictedOrders, serviceAnswers, srvRecords, type Hop } from '@dialtone/discovery'
import { quoted } from '@dialtone/kernel'
import { defineDomainCheck } from '../check.ts'
import { bothServices, listed } from './asked.ts'

/** Predicts from what is known of the servers' sources; no server is run. */
export const srvOrder = defineDomainCheck({
  id: 's2s.srv-order',
  asks: 'Do all servers try the endpoints in the order that the priorities say?',
  about: 'XEP-0368 makes one list of both services. ejabberd and Openfire do; Prosody exhausts the direct TLS records before it looks at the others, whatever their priorities. Openfire adds _jabber._tcp, and the domain itself on port 5269, at the end. Read from their sources; nothing is run.',
  outcomes: {
    agreed: { level: 'ok', says: 'publishes an order that servers agree on' },
    'direct-first': { level: 'notice', says: 'prefers STARTTLS by priority, while Prosody tries direct TLS first', remedy: 'Give the _xmpps-server records the lower priority numbers, or expect both orders.' },
    'not-known': { level: 'unknown', says: 'did not answer for both services, so the order is not known' },
  },
  judge: observation => {
    const { dns, domain, asked } = observation
    if (bothServices(observation).length === 0) return undefined
    if (serviceAnswers(dns).some(isFailed)) return 'not-known'
    const lastDirect = Math.max(...srvRecords(dns, 'xmpps-server').map(({ priority }) => priority))
    const firstStarttls = Math.min(...srvRecords(dns, 'xmpp-server').map(({ priority }) => priority))
    if (!(firstStarttls < lastDirect)) return 'agreed' // also where one service has no record: the comparison is with an infinity
    const orders = predictedOrders(domain, dns, asked.fallbackPort)
    const [standard, prosody] = (['standard', 'prosody'] as const).map(name => shown(orders.find(({ server }) => server === name)?.tries ?? []))
    return { outcome: 'direct-first', detail: `by priority: ${standard ?? ''}; Prosody: ${prosody ?? ''}` }
  },
})

function shown (tries: readonly Hop[][]): string {
  return listed(tries.map(group => group.map(({ target, port }) => `${quoted(target, 60)}:${port}`).sort().join(' or ')), 6)
}
