/**
 * What to connect to once DNS has said all it will, and why it is that (RFC 6120 §3.2, XEP-0368). Deterministic: equal priorities are ordered by
 * weight and name, because every endpoint is checked anyway; the random choice of RFC 2782 is in srv-order.ts.
 */
import type { DnsAnswer, DnsPurpose, EndpointKind, EndpointSource } from '@dialtone/contracts'
import type { DiscoveryOptions } from './discover.ts'
import { isAddress } from './host-name.ts'
import { MOST_TARGETS, firstOfEach, saysNo, serviceAnswers, targetsOf } from './srv-records.ts'

export type PlannedEndpoint = {
  kind: EndpointKind
  source: EndpointSource
  target: string
  port: number
  priority?: number
  weight?: number
  address: string
  family: 4 | 6
}

/**
 * Why the endpoints are what they are. `servfail`, `unanswered` (time-out, refused, unreachable, malformed) and `resolver-unavailable` (the control
 * name fails too) mean not knowing; the others are known.
 */
export type DiscoveryOutcome =
  'srv' | 'fallback' | 'override' | 'service-disabled' | 'nxdomain' | 'servfail' | 'unanswered' | 'resolver-unavailable' | 'target-unresolvable' | 'no-records'

/** In the order in which RFC 2782 would have them tried. `leftOut`: targets and addresses beyond the bounds. */
export type Plan = { outcome: DiscoveryOutcome, endpoints: PlannedEndpoint[], leftOut: number }

/** Per target: half of them IPv4 and half IPv6, so that the bound never hides a family. */
const MOST_ADDRESSES = 8

/** The plan that all answers lead to, whatever their order. */
export function planOf (domain: string, answers: readonly DnsAnswer[], options: DiscoveryOptions): Plan {
  if (options.overrides.length > 0) return overridden(answers, options)
  const { all, targets } = targetsOf(answers)
  const srv = bounded(targets.flatMap(({ kind, target, port, priority, weight }) =>
    addressesOf(target, answers, 'target').map(address => ({ kind, source: 'srv', target, port, priority, weight, ...address } as const))))
  if (srv.endpoints.length > 0) return { outcome: 'srv', endpoints: srv.endpoints, leftOut: srv.leftOut + all - targets.length }
  const fallback = bounded(addressesOf(domain, answers, 'fallback').map(address => ({ kind: 'starttls', source: 'fallback', target: domain, port: options.fallbackPort, ...address } as const)))
  if (fallback.endpoints.length > 0) return { outcome: 'fallback', ...fallback }
  return { outcome: nothing(answers), endpoints: [], leftOut: all - targets.length }
}

/** The same addresses once on the standard port, for when every advertised port failed. Empty where they were tried there already. */
export function portProbes (plan: Plan, fallbackPort: number): PlannedEndpoint[] {
  if (plan.outcome !== 'srv') return []
  const tried = new Set(plan.endpoints.filter(({ port }) => port === fallbackPort).map(({ address }) => address))
  return firstOfEach(plan.endpoints.filter(({ address }) => !tried.has(address)), ({ address }) => address).slice(0, MOST_ADDRESSES)
    .map(({ target, address, family }) => ({ kind: 'starttls', source: 'port-probe', target, port: fallbackPort, address, family }))
}

/** Absence is known: NXDOMAIN or NODATA. Everything that is neither this nor an answer is not knowing. */
export function isAbsent ({ outcome }: DnsAnswer): boolean {
  return outcome === 'nodata' || outcome === 'nxdomain'
}

/** The question got no answer that says anything about the zone. */
export function isFailed (answer: DnsAnswer): boolean {
  return answer.outcome !== 'answer' && !isAbsent(answer)
}

function overridden (answers: readonly DnsAnswer[], { overrides }: DiscoveryOptions): Plan {
  const kept = overrides.slice(0, MOST_TARGETS)
  const { endpoints, leftOut } = bounded(kept.flatMap(({ host, port, kind }) =>
    (isAddress(host) ? [{ address: host, family: familyOf(host) }] : addressesOf(host, answers, 'target')).map(address => ({ kind, source: 'override', target: host, port, ...address } as const))))
  const outcome = endpoints.length > 0 ? 'override' : notKnown(answers, ['target']) ?? 'target-unresolvable'
  return { outcome, endpoints, leftOut: leftOut + overrides.length - kept.length }
}

/** Why there is nothing to connect to. Not knowing goes first: what was not answered could have been the way. */
function nothing (answers: readonly DnsAnswer[]): DiscoveryOutcome {
  const unknown = notKnown(answers, ['xmpp-server', 'xmpps-server', 'target', 'fallback'])
  if (unknown !== undefined) return unknown
  const records = serviceAnswers(answers).flatMap(answer => answer.records)
  if (records.some(record => record.type === 'SRV' && record.target !== '.')) return 'target-unresolvable'
  if (saysNo(answers, 'xmpp-server') || saysNo(answers, 'xmpps-server')) return 'service-disabled'
  return answers.some(({ purpose, outcome }) => purpose === 'existence' && outcome === 'nxdomain') ? 'nxdomain' : 'no-records'
}

function notKnown (answers: readonly DnsAnswer[], purposes: readonly DnsPurpose[]): 'resolver-unavailable' | 'servfail' | 'unanswered' | undefined {
  const failed = answers.filter(answer => purposes.includes(answer.purpose) && isFailed(answer))
  if (failed.length === 0) return undefined
  if (answers.some(answer => answer.purpose === 'control' && isFailed(answer))) return 'resolver-unavailable'
  return failed.some(({ outcome }) => outcome === 'servfail') ? 'servfail' : 'unanswered'
}

/** One endpoint per kind, port and address; at most so many of a family per target. */
function bounded<E extends PlannedEndpoint> (endpoints: readonly E[]): { endpoints: E[], leftOut: number } {
  const distinct = firstOfEach(endpoints, ({ kind, port, address }) => `${kind} ${port} ${address}`)
  const counts = new Map<string, number>()
  const kept = distinct.filter(({ kind, target, port, family }) => {
    const key = `${kind} ${target} ${port} ${family}`
    const count = counts.get(key) ?? 0
    counts.set(key, count + 1)
    return count < MOST_ADDRESSES / 2
  })
  return { endpoints: kept, leftOut: distinct.length - kept.length }
}

function addressesOf (host: string, answers: readonly DnsAnswer[], purpose: DnsPurpose): { address: string, family: 4 | 6 }[] {
  const records = answers.filter(answer => answer.purpose === purpose && answer.name === host).flatMap(answer => answer.records)
  const of = (type: 'A' | 'AAAA') => [...new Set(records.flatMap(record => record.type === type ? [record.address] : []))].sort()
  return [...of('A').map(address => ({ address, family: 4 as const })), ...of('AAAA').map(address => ({ address, family: 6 as const }))]
}

function familyOf (address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4
}
