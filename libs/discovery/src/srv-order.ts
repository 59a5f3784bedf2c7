/**
 * The order in which SRV records are tried: the random choice of RFC 2782, and what real servers are known to do instead. XEP-0368 §3 makes one
 * list of both services; not every server does.
 */
import type { DnsAnswer, EndpointKind } from '@dialtone/contracts'
import { srvRecords, type SrvRecord, type Target } from './srv-records.ts'

/**
 * The records in the order that RFC 2782 prescribes: by priority, and within one by weighted lot. `random` gives numbers in [0, 1). A weight of 0
 * stands in front of its group, so that it has a small chance beside others and an equal one among its like.
 */
export function srvOrder<Record extends Pick<SrvRecord, 'priority' | 'weight'>> (records: readonly Record[], random: () => number): Record[] {
  return groups(records).flatMap(group => drawn(group, random))
}

export type Server = 'standard' | 'prosody' | 'ejabberd' | 'openfire'
export type Hop = { kind: EndpointKind, target: string, port: number }
/** Groups of what is tried, first to last; within a group the order is random, or by weight. */
export type PredictedOrder = { server: Server, tries: Hop[][] }

/**
 * What each server tries for these records. Read from the sources of Prosody 13, ejabberd 26 and Openfire, not run; of Prosody 0.12 it was seen
 * that it sorts by priority alone. Prosody exhausts direct TLS before it looks at STARTTLS; Openfire adds `_jabber._tcp` and always the domain itself.
 */
export function predictedOrders (domain: string, answers: readonly DnsAnswer[], fallbackPort = 5269): PredictedOrder[] {
  const starttls = srvRecords(answers, 'xmpp-server').map(record => ({ ...record, kind: 'starttls' } as const))
  const direct = srvRecords(answers, 'xmpps-server').map(record => ({ ...record, kind: 'direct' } as const))
  const legacy = srvRecords(answers, 'legacy-jabber').map(record => ({ ...record, kind: 'starttls' } as const))
  const own: Hop[][] = [[{ kind: 'starttls', target: domain, port: fallbackPort }]]
  const merged = hops([...direct, ...starttls])
  return [
    { server: 'standard', tries: merged },
    { server: 'prosody', tries: [...hops(direct), ...hops(starttls)] },
    { server: 'ejabberd', tries: merged },
    { server: 'openfire', tries: [...hops([...direct, ...starttls, ...legacy]), ...own] },
  ]
}

function hops (targets: readonly Target[]): Hop[][] {
  return groups(targets).map(group => group.map(({ kind, target, port }) => ({ kind, target, port })))
}

function groups<Record extends { priority: number }> (records: readonly Record[]): Record[][] {
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b)
  return priorities.map(priority => records.filter(record => record.priority === priority))
}

function drawn<Record extends { weight: number }> (group: readonly Record[], random: () => number): Record[] {
  const left = [...group.filter(({ weight }) => weight === 0), ...group.filter(({ weight }) => weight > 0)]
  const order: Record[] = []
  while (left.length > 0) {
    // RFC 2782: a number from 0 to the sum of weights inclusive; the first whose running sum reaches it is next.
    const lot = Math.floor(random() * (left.reduce((sum, { weight }) => sum + weight, 0) + 1))
    const at = indexAt(left, lot, random)
    order.push(...left.splice(at, 1))
  }
  return order
}

function indexAt (records: readonly { weight: number }[], lot: number, random: () => number): number {
  // Among weights of 0 alone every lot is 0: an even draw instead.
  if (records.every(({ weight }) => weight === 0)) return Math.min(records.length - 1, Math.floor(random() * records.length))
  let running = 0
  const at = records.findIndex(({ weight }) => (running += weight) >= lot)
  return at < 0 ? records.length - 1 : at
}
