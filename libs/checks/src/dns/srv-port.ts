// Are the published ports the right ones? (RFC 6120 §14.7, XEP-0368 §2)
import { isFailed, serviceAnswers } from '@dialtone/discovery'
import { defineDomainCheck } from '../check.ts'
import { bothServices, listed } from './asked.ts'

const USUAL: ReadonlySet<number> = new Set([5269, 5270])
const OF_CLIENTS: ReadonlySet<number> = new Set([5222, 5223])

/** Reads the ports of the records, and what the probe of the standard port saw where every advertised one failed. */
export const srvPort = defineDomainCheck({
  id: 's2s.srv-port',
  asks: 'Are the published ports the ones that servers listen on and firewalls let through?',
  about: 'Any port is allowed, but outgoing firewalls and some guides know 5269 (and 5270 for direct TLS) only. Where nothing answered on any advertised port, 5269 was tried at the same addresses.',
  outcomes: {
    usual: { level: 'ok', says: 'publishes the usual ports' },
    https: { level: 'notice', says: 'publishes port 443, which some filters pass and some intercept' },
    unusual: { level: 'notice', says: 'publishes a port that outgoing firewalls may not allow' },
    client: { level: 'warning', says: 'publishes a port of clients for servers', suspect: 'peer', remedy: 'Servers listen on 5269: correct the SRV record, unless the server really takes both on one port.' },
    elsewhere: { level: 'error', says: 'speaks XMPP on the standard port, and on none of those it publishes', suspect: 'peer', remedy: 'Correct the port in the SRV record, or let the server listen where the record says.' },
    'not-known': { level: 'unknown', says: 'gave no answer about its ports' },
  },
  judge: observation => {
    const records = bothServices(observation)
    if (records.length === 0) return serviceAnswers(observation.dns).some(isFailed) ? 'not-known' : undefined
    const found = observation.endpoints.filter(({ source, header }) => source === 'port-probe' && header !== undefined)
    if (found.length > 0) return { outcome: 'elsewhere', detail: listed(found.map(({ address, port }) => `${address} port ${port}`), 6) }
    const ports = [...new Set(records.map(({ port }) => port))].filter(port => port > 0 && !USUAL.has(port) && port !== observation.asked.fallbackPort).sort((a, b) => a - b)
    const of = (outcome: 'https' | 'client' | 'unusual', those: readonly number[]) => those.length === 0 ? [] : [{ outcome, detail: listed(those.map(port => `port ${port}`)) }]
    const odd = [
      ...of('client', ports.filter(port => OF_CLIENTS.has(port))),
      ...of('https', ports.filter(port => port === 443)),
      ...of('unusual', ports.filter(port => port !== 443 && !OF_CLIENTS.has(port))),
    ]
    return odd.length === 0 ? 'usual' : odd
  },
})
