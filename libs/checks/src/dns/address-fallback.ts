// Do servers go to the domain's own address, and may they? (RFC 6120 §3.2.2, XEP-0368 §3)
import { isAbsent, isFailed, saysNo, serviceAnswers } from '@dialtone/discovery'
import { defineDomainCheck } from '../check.ts'
import { answerTo, listed, publishedAddresses, servicesAsked } from './asked.ts'

/** What others do where the SRV records do not say where to go. Dialtone itself falls back on known absence alone: docs/decisions/0003. */
export const addressFallback = defineDomainCheck({
  id: 's2s.address-fallback',
  asks: "Do servers connect to the domain's own address?",
  about: "Without SRV records servers try the addresses of the domain on port 5269 (RFC 6120 §3.2.2); the target '.' forbids it. After a failed question Dialtone stops, while Prosody and ejabberd were seen to ask for the address then, so that they may reach whatever answers there.",
  outcomes: {
    'not-needed': { level: 'ok', says: 'has SRV records, so that nobody needs its own address' },
    used: { level: 'notice', says: 'has no SRV record: servers go to its own address on port 5269', remedy: 'Publish _xmpp-server._tcp IN SRV 0 5 5269 xmpp.example.' },
    'no-address': { level: 'error', says: 'has neither an SRV record nor an address', suspect: 'peer', remedy: 'Publish _xmpp-server._tcp IN SRV 0 5 5269 xmpp.example., and an address for that host.' },
    forbidden: { level: 'ok', says: "forbids the fallback to its own address by the SRV target '.'" },
    predicted: { level: 'warning', says: 'fails to answer for its SRV records: some servers will try its own address instead, and may reach the wrong host', suspect: 'peer', remedy: 'Mend the zone; until then others see different faults than we do.' },
    'not-known': { level: 'unknown', says: 'could not be asked where servers go' },
  },
  judge: observation => {
    if (!servicesAsked(observation)) return undefined
    const { dns } = observation
    const services = serviceAnswers(dns)
    if (services.some(({ records }) => records.some(record => record.type === 'SRV' && record.target !== '.'))) return 'not-needed'
    const control = answerTo(observation, 'control')
    if (services.some(isFailed)) return control !== undefined && isFailed(control) ? 'not-known' : { outcome: 'predicted', detail: listed(services.filter(isFailed).map(({ name, outcome }) => `${outcome} for ${name}`)) }
    if (saysNo(dns, 'xmpp-server') || saysNo(dns, 'xmpps-server')) return 'forbidden'
    const own = dns.filter(({ purpose }) => purpose === 'fallback')
    const addresses = publishedAddresses({ dns: own })
    if (addresses.length > 0) return { outcome: 'used', detail: listed(addresses) }
    return own.length > 0 && own.every(isAbsent) ? 'no-address' : 'not-known'
  },
})
