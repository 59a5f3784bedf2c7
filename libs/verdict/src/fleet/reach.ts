// How a peer is reached from inside and from outside, and what several peers together say about our way out.
import type { EndpointObservation, PeerReach, Witness } from '@dialtone/contracts'
import { addressBytes } from '@dialtone/discovery'

/** Networks that are told of one peer; many more would be a CDN, and one is enough to tell two peers apart. */
const NETWORKS_KEPT = 16

/** Of each vantage the latest observation of `peer` counts, whatever the job; one that reached an endpoint of it outweighs those that did not. */
export function reachOf (peer: string, witnesses: readonly Witness[]): PeerReach {
  const about = witnesses.filter(({ observation, job, aside }) => aside === undefined && observation.domain === peer && (job === 'peer' || job === 'control'))
  const current = [...Map.groupBy(about, ({ standpoint: { vantage, side }, job, observation: { asked } }) => `${side} ${vantage} ${job} ${asked.as ?? ''}`).values()].flatMap(group => {
    const last = Math.max(...group.map(({ observation }) => Date.parse(observation.startedAt)))
    return group.filter(({ observation }) => Date.parse(observation.startedAt) === last)
  })
  const from = (side: 'inside' | 'outside'): PeerReach['inside'] => {
    const tried = current.filter(({ standpoint }) => standpoint.side === side).flatMap(({ observation }) => observation.endpoints.flatMap(each => connected(each) ?? []))
    return tried.length === 0 ? 'untried' : tried.includes(true) ? 'reached' : 'unreached'
  }
  const networks = current.flatMap(({ observation }) => observation.endpoints.map(({ address }) => networkOfAddress(address)))
  return { peer, networks: [...new Set(networks)].toSorted().slice(0, NETWORKS_KEPT), inside: from('inside'), outside: from('outside') }
}

/**
 * Our way out is closed: from inside not one peer was reached, and of those that were not, two in different networks were reached from outside. Their names,
 * or undefined where that is not proved.
 */
export function outboundBlocked (reach: readonly PeerReach[]): readonly [string, string] | undefined {
  if (reach.some(({ inside }) => inside === 'reached')) return undefined
  const blocked = reach.filter(({ inside, outside, networks }) => inside === 'unreached' && outside === 'reached' && networks.length > 0).toSorted((a, b) => a.peer < b.peer ? -1 : 1)
  for (const first of blocked.slice(0, COMPARED)) {
    const second = blocked.find(({ networks }) => !networks.some(network => first.networks.includes(network)))
    if (second !== undefined) return [first.peer, second.peer]
  }
  return undefined
}

/** Peers that are compared with all others; so many without one elsewhere stand in one network. */
const COMPARED = 20

/** Whether a TCP connection was opened; undefined where nobody tried. */
export function connected ({ steps }: EndpointObservation): boolean | undefined {
  const step = steps.find(({ stage }) => stage === 'tcp')
  return step?.outcome === 'ok' ? true : step?.failure?.at === 'tcp' ? false : undefined
}

/** As large as one filter rule or one outage usually is: /24, and /48 of IPv6. */
export function networkOfAddress (address: string): string {
  const bytes = addressBytes(address)
  if (bytes === undefined) return 'none'
  return bytes.length === 4 ? `${bytes.slice(0, 3).join('.')}.0/24` : `${bytes.slice(0, 6).map(byte => byte.toString(16).padStart(2, '0')).join('')}/48`
}
