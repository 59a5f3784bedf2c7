/**
 * Whether everything went silent at once, which says more about this place than about all those peers. Pure; a suspicion only: who holds it asks
 * the resolver and the places that worked before they are all set aside (`confirm-uplink.ts`). It is not suspected
 * - while anything at all answers, so that a firewall which drops outbound 5269 and a resolver that died stay what they are: facts about the network;
 * - with fewer than two networks that ever answered: one dead peer looks the same.
 */
import type { EndpointObservation, Observation } from '@dialtone/contracts'

/** Where something answered before. */
export type Place = { readonly address: string, readonly port: number, readonly allowNets: readonly string[] }

export type Uplink = {
  /** What a check met. */
  note: (observation: Observation) => void
  /** Places of different networks that answered before everything went silent; nothing when there is no suspicion. */
  suspected: () => readonly Place[] | undefined
  /** Something answered after all: the suspicion begins anew. */
  clear: () => void
}

/** Domains that must have gone silent, within so long. */
const SILENT = 3
const WINDOW_MS = 300_000
/** Domains that are remembered, and places that are asked. */
const MOST = 1000
const ASKED = 3

export function watchUplink (elapsed: () => number): Uplink {
  const heard = new Map<string, Place>()
  const silent = new Map<string, number>()

  return {
    note: observation => {
      const answered = observation.endpoints.find(answers)
      if (answered !== undefined) {
        silent.clear()
        heard.delete(observation.domain)
        heard.set(observation.domain, { address: answered.address, port: answered.port, allowNets: observation.asked.allowNets ?? [] })
        const [oldest] = heard.keys()
        if (heard.size > MOST && oldest !== undefined) heard.delete(oldest)
      } else if (heard.has(observation.domain) && isSilent(observation)) {
        silent.set(observation.domain, elapsed())
      }
    },
    suspected: () => {
      const recent = [...silent].filter(([, at]) => elapsed() - at <= WINDOW_MS)
      if (recent.length < Math.min(SILENT, heard.size)) return undefined
      const byNetwork = new Map([...heard.values()].toReversed().map(place => [networkOf(place.address), place]))
      return byNetwork.size < 2 ? undefined : [...byNetwork.values()].slice(0, ASKED)
    },
    clear: () => { silent.clear() },
  }
}

/** A refusal is an answer: somebody was there to send it. */
function answers ({ steps }: EndpointObservation): boolean {
  const tcp = steps.find(({ stage }) => stage === 'tcp')
  return tcp?.outcome === 'ok' || (tcp?.failure?.at === 'tcp' && (tcp.failure.why === 'refused' || tcp.failure.why === 'reset'))
}

/** Every endpoint silent; without endpoints, the resolver silent about everything. */
function isSilent ({ endpoints, dns }: Observation): boolean {
  if (endpoints.length === 0) return dns.length > 0 && dns.every(({ outcome }) => outcome === 'timeout' || outcome === 'unreachable' || outcome === 'servfail')
  return endpoints.every(({ steps }) => {
    const failure = steps.find(({ stage }) => stage === 'tcp')?.failure
    return failure?.at === 'tcp' && (failure.why === 'timeout' || failure.why === 'unreachable')
  })
}

/** Addresses that are likely to share a way: a /16, a /32 of IPv6. */
function networkOf (address: string): string {
  return address.includes(':') ? address.split(':').slice(0, 2).join(':') : address.split('.').slice(0, 2).join('.')
}
