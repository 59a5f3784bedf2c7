// Do the records of the probe's domain lead to its listener? (RFC 6120 §3.2)
import { defineDomainCheck } from '../check.ts'
import { listed } from '../dns/asked.ts'

export const listenerPublished = defineDomainCheck({
  id: 's2s.listener-published',
  asks: 'Do the records of the domain that asks lead to its listener?',
  about: 'Before anybody is blamed for a callback that did not come: the SRV and address records of the domain in whose name dialback is asked, against where the listener stands and the public addresses that the operator named.',
  outcomes: {
    'leads-here': { level: 'ok', says: 'can find the listener by its records' },
    elsewhere: { level: 'error', says: 'is led past the listener by our own records', suspect: 'ours', remedy: 'Point the SRV record of the probe’s domain at the public address of the listener; or name that address if NAT hides it.' },
    nowhere: { level: 'error', says: 'finds no address of the listener, because our own records lead nowhere', suspect: 'ours', remedy: 'Publish an SRV record of the probe’s domain, and an address for its target.' },
    unknown: { level: 'unknown', says: 'may or may not find the listener: the resolver did not say' },
  },
  judge: ({ deep }) => {
    const { listener } = deep ?? {}
    if (listener === undefined) return undefined
    const { published, domain, leadsTo, places } = listener
    return { outcome: published, detail: `${domain} leads to ${listed(leadsTo, 3) || 'no address'}, and the listener stands on ${listed(places, 3) || 'none'}` }
  },
})
