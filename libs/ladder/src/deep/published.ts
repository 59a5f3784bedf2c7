// Whether the records of the probe's domain lead to its listener: asked before anybody is blamed for not calling back.
import { networkInterfaces } from 'node:os'
import type { DnsAnswer, ListenerSeen } from '@dialtone/contracts'
import { sameAddress, type Plan } from '@dialtone/discovery'
import { guarded } from '@dialtone/net'
import { shown, type Listener } from '../listener/listener.ts'

/**
 * Compares the plan that others make from the records with where the listener is reached: its own places (every address of this machine where it listens
 * on all of them), or the public addresses that the operator named, at any port (a NAT may change it). Behind a NAT that nobody named, where the
 * records lead is not known.
 */
export function published ({ domain, places }: Pick<Listener, 'domain' | 'places'>, publicAddresses: readonly string[], { dns, plan }: { dns: DnsAnswer[], plan: Plan }, local: readonly string[] = localAddresses()): ListenerSeen {
  const outward = local.filter(address => guarded(address, []) === undefined || guarded(address, LOOPBACK) !== undefined)
  const own = places.flatMap(({ address, port }) => (address === '0.0.0.0' || address === '::' ? outward : [address]).map(each => ({ address: each, port })))
  const leadsHere = plan.endpoints.some(({ address, port }) =>
    publicAddresses.some(known => sameAddress(known, address)) || own.some(place => place.port === port && sameAddress(place.address, address)))
  const translated = publicAddresses.length === 0 && own.every(({ address }) => guarded(address, LOOPBACK) !== undefined)
  const unknown = plan.outcome === 'servfail' || plan.outcome === 'unanswered' || plan.outcome === 'resolver-unavailable' || (translated && plan.endpoints.length > 0)
  return {
    domain,
    places: places.map(shown),
    published: leadsHere ? 'leads-here' : unknown ? 'unknown' : plan.endpoints.length > 0 ? 'elsewhere' : 'nowhere',
    leadsTo: plan.endpoints.map(shown),
    dns,
  }
}

/** A listener that stands there alone is reached from this machine alone, and by what is published: no NAT leads to it. */
const LOOPBACK = ['127.0.0.0/8', '::1/128']

function localAddresses (): string[] {
  return Object.values(networkInterfaces()).flatMap(list => list?.map(({ address }) => address) ?? [])
}
