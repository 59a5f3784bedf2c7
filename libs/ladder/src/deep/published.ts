// Whether the records of the probe's domain lead to its listener: asked before anybody is blamed for not calling back.
import type { DnsAnswer, ListenerSeen } from '@dialtone/contracts'
import { sameAddress, type Plan } from '@dialtone/discovery'
import { shown, type Listener } from '../listener/listener.ts'

/**
 * Compares the plan that others make from the records with where the listener is reached: its own places, or the public addresses that the operator
 * named, at any port (a NAT may change it).
 */
export function published ({ domain, places }: Pick<Listener, 'domain' | 'places'>, publicAddresses: readonly string[], { dns, plan }: { dns: DnsAnswer[], plan: Plan }): ListenerSeen {
  const everywhere = (address: string) => address === '0.0.0.0' || address === '::'
  const leadsHere = plan.endpoints.some(({ address, port }) =>
    publicAddresses.some(known => sameAddress(known, address)) || places.some(place => place.port === port && (everywhere(place.address) ? publicAddresses.length === 0 : sameAddress(place.address, address))))
  const unknown = plan.outcome === 'servfail' || plan.outcome === 'unanswered' || plan.outcome === 'resolver-unavailable'
  return {
    domain,
    places: places.map(shown),
    published: leadsHere ? 'leads-here' : unknown ? 'unknown' : plan.endpoints.length > 0 ? 'elsewhere' : 'nowhere',
    leadsTo: plan.endpoints.map(shown),
    dns,
  }
}
