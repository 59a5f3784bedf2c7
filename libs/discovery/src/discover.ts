/**
 * From a domain to an ordered connection plan: a stepper. All answers so far go in; the next questions or the plan come out. Pure, so that a plan
 * can be made again from a kept observation. RFC 6120 §3.2, RFC 2782, XEP-0368; where we do not fall back, see docs/decisions/0003.
 */
import type { DnsAnswer, DnsPurpose, DnsRecord, DnsType, EndpointKind, EndpointSource } from '@dialtone/contracts'

export type Question = { name: string, type: DnsType, purpose: DnsPurpose, checkingDisabled?: boolean }

export type DiscoveryOptions = {
  /** Families that this vantage can use; endpoints of others are planned too, and marked as not tested by whoever observes. */
  fallbackPort: number
  controlName: string
  /** These replace the records. A host is an address or a name. */
  overrides: readonly { host: string, port: number, kind: EndpointKind }[]
}

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

/** Why the endpoints are what they are. */
export type DiscoveryOutcome = 'srv' | 'fallback' | 'override' | 'service-disabled' | 'nxdomain' | 'servfail' | 'unanswered' | 'target-unresolvable' | 'no-records'

/** In the order in which RFC 2782 would have them tried, equal priorities by descending weight. `leftOut`: targets and addresses beyond the bounds. */
export type Plan = { outcome: DiscoveryOutcome, endpoints: PlannedEndpoint[], leftOut: number }

export type SrvRecord = Extract<DnsRecord, { type: 'SRV' }>

const TARGETS = 10
const ADDRESSES = 8
const ABSENT: readonly string[] = ['nodata', 'nxdomain']

/** The next questions, never one twice; or the plan. Ends after at most four rounds, whatever the answers are. */
export function discover ({ domain, answers, options }: { domain: string, answers: readonly DnsAnswer[], options: DiscoveryOptions }): { ask: Question[] } | { plan: Plan } {
  const wanted = questions(domain, answers, options)
  const ask = wanted.filter(question => !answers.some(answer => same(answer, question)))
  return ask.length > 0 ? { ask } : { plan: planOf(domain, answers, options) }
}

/** The same addresses once on the standard port, for when every advertised port failed. Empty where they were tried there already. */
export function portProbes (plan: Plan, fallbackPort: number): PlannedEndpoint[] {
  if (plan.outcome !== 'srv') return []
  const tried = new Set(plan.endpoints.filter(({ port }) => port === fallbackPort).map(({ address }) => address))
  const byAddress = new Map(plan.endpoints.filter(({ address }) => !tried.has(address)).map(endpoint => [endpoint.address, endpoint]))
  return [...byAddress.values()].slice(0, ADDRESSES).map(({ target, address, family }) => ({ kind: 'starttls', source: 'port-probe', target, port: fallbackPort, address, family }))
}

/** SRV records of one service, `.` left out, in the order of the plan. */
export function srvRecords (answers: readonly DnsAnswer[], purpose: 'xmpp-server' | 'xmpps-server'): SrvRecord[] {
  return allSrv(answers, purpose).filter(({ target }) => target !== '.').sort(byPriority)
}

/** The service is declared as not offered (RFC 2782: target `.`), whatever else stands beside it. */
export function saysNo (answers: readonly DnsAnswer[], purpose: 'xmpp-server' | 'xmpps-server'): boolean {
  return allSrv(answers, purpose).some(({ target }) => target === '.')
}

function questions (domain: string, answers: readonly DnsAnswer[], { overrides, controlName }: DiscoveryOptions): Question[] {
  const hosts = [...new Set(overrides.map(({ host }) => host))].filter(host => !isAddress(host)).slice(0, TARGETS)
  if (overrides.length > 0) return [...hosts.flatMap(host => addressQuestions(host, 'target')), ...controls(answers, controlName)]

  const first: Question[] = [
    { name: `_xmpp-server._tcp.${domain}`, type: 'SRV', purpose: 'xmpp-server' },
    { name: `_xmpps-server._tcp.${domain}`, type: 'SRV', purpose: 'xmpps-server' },
  ]
  const services = answers.filter(({ purpose }) => purpose === 'xmpp-server' || purpose === 'xmpps-server')
  if (services.length < 2) return first
  const targets = targetsOf(answers).map(({ target }) => target).filter(target => !isAddress(target))
  return [
    ...first,
    ...[...new Set(targets)].flatMap(target => addressQuestions(target, 'target')),
    ...(mayFallBack(answers) ? [...addressQuestions(domain, 'fallback'), { name: `_jabber._tcp.${domain}`, type: 'SRV', purpose: 'legacy-jabber' } as const] : []),
    ...(services.every(({ outcome }) => outcome !== 'answer') && services.some(({ outcome }) => outcome === 'nxdomain') ? [{ name: domain, type: 'SOA', purpose: 'existence' } as const] : []),
    ...services.filter(({ outcome }) => outcome === 'servfail').map(({ name, type }) => ({ name, type, purpose: 'unvalidated', checkingDisabled: true } as const)),
    ...tlsaQuestions(domain, answers),
    ...controls(answers, controlName),
  ]
}

/** RFC 6120 §3.2.2: only where both services are known to be absent; never after `.`, a failure or a time-out. */
function mayFallBack (answers: readonly DnsAnswer[]): boolean {
  return answers.filter(({ purpose }) => purpose === 'xmpp-server' || purpose === 'xmpps-server').every(({ outcome }) => ABSENT.includes(outcome))
}

/** Something failed: only a second name tells a broken resolver from a broken domain. */
function controls (answers: readonly DnsAnswer[], controlName: string): Question[] {
  const failed = answers.some(({ purpose, outcome }) => purpose !== 'control' && purpose !== 'unvalidated' && outcome !== 'answer' && !ABSENT.includes(outcome))
  return failed ? [{ name: controlName, type: 'SOA', purpose: 'control' }] : []
}

/** TLSA is worth asking only where the answers that lead to it were authenticated (RFC 7673 §3.4). */
function tlsaQuestions (domain: string, answers: readonly DnsAnswer[]): Question[] {
  const secure = answers.filter(({ purpose, authenticated, outcome }) => (purpose === 'xmpp-server' || purpose === 'xmpps-server') && authenticated && outcome === 'answer')
  if (secure.length === 0) return []
  return [
    ...targetsOf(secure).map(({ target, port }) => ({ name: `_${port}._tcp.${target}`, type: 'TLSA', purpose: 'tlsa' } as const)),
    { name: `_xmpp-server.${domain}`, type: 'TLSA', purpose: 'tlsa-inbound' },
  ]
}

function planOf (domain: string, answers: readonly DnsAnswer[], options: DiscoveryOptions): Plan {
  if (options.overrides.length > 0) {
    const endpoints = options.overrides.flatMap(({ host, port, kind }) => at(host, answers, 'target').map(address => ({ kind, source: 'override', target: host, port, ...address } as const)))
    return { outcome: endpoints.length > 0 ? 'override' : 'target-unresolvable', endpoints, leftOut: 0 }
  }
  const targets = targetsOf(answers)
  const total = new Set(allTargets(answers).map(key)).size
  // An address as SRV target is none (RFC 2782): servers look it up as a name, and so it leads nowhere.
  const srv = targets.filter(({ target }) => !isAddress(target)).flatMap(({ kind, target, port, priority, weight }) =>
    at(target, answers, 'target').map(address => ({ kind, source: 'srv', target, port, priority, weight, ...address } as const)))
  const unique = [...new Map(srv.map(endpoint => [`${endpoint.kind} ${endpoint.port} ${endpoint.address}`, endpoint])).values()]
  const kept = bounded(unique)
  if (kept.length > 0) return { outcome: 'srv', endpoints: kept, leftOut: unique.length - kept.length + total - targets.length }
  const fallback = bounded(at(domain, answers, 'fallback').map(address => ({ kind: 'starttls', source: 'fallback', target: domain, port: options.fallbackPort, ...address } as const)))
  if (fallback.length > 0) return { outcome: 'fallback', endpoints: fallback, leftOut: 0 }
  return { outcome: nothing(answers, targets.length), endpoints: [], leftOut: 0 }
}

function nothing (answers: readonly DnsAnswer[], targets: number): DiscoveryOutcome {
  const outcomes = answers.filter(({ purpose }) => purpose === 'xmpp-server' || purpose === 'xmpps-server').map(({ outcome }) => outcome)
  if (targets > 0) return 'target-unresolvable'
  if (saysNo(answers, 'xmpp-server') || saysNo(answers, 'xmpps-server')) return 'service-disabled'
  if (outcomes.includes('servfail')) return 'servfail'
  if (outcomes.some(outcome => outcome !== 'answer' && !ABSENT.includes(outcome))) return 'unanswered'
  return answers.some(({ purpose, outcome }) => purpose === 'existence' && outcome === 'nxdomain') ? 'nxdomain' : 'no-records'
}

type Target = SrvRecord & { kind: EndpointKind }

/** Both services as one list (XEP-0368 §3). */
function allTargets (answers: readonly DnsAnswer[]): Target[] {
  return [
    ...srvRecords(answers, 'xmpp-server').map(record => ({ ...record, kind: 'starttls' as const })),
    ...srvRecords(answers, 'xmpps-server').map(record => ({ ...record, kind: 'direct' as const })),
  ].sort(byMerit) // a stable sort: between equals, STARTTLS comes first
}

function targetsOf (answers: readonly DnsAnswer[]): Target[] {
  return [...new Map(allTargets(answers).map(target => [key(target), target])).values()].slice(0, TARGETS)
}

function key ({ kind, target, port }: Target): string {
  return `${kind} ${target} ${port}`
}

function byPriority (a: SrvRecord, b: SrvRecord): number {
  return byMerit(a, b) || a.port - b.port
}

function byMerit (a: SrvRecord, b: SrvRecord): number {
  return a.priority - b.priority || b.weight - a.weight || (a.target < b.target ? -1 : a.target > b.target ? 1 : 0)
}

/** At most so many addresses per target, IPv4 and IPv6 in turn, so that a bound never hides a family. */
function bounded<E extends { target: string, family: 4 | 6 }> (endpoints: readonly E[]): E[] {
  const counts = new Map<string, number>()
  return endpoints.filter(({ target, family }) => {
    const count = counts.get(`${target} ${family}`) ?? 0
    counts.set(`${target} ${family}`, count + 1)
    return count < ADDRESSES / 2
  })
}

function at (host: string, answers: readonly DnsAnswer[], purpose: DnsPurpose): { address: string, family: 4 | 6 }[] {
  if (isAddress(host)) return [{ address: host, family: host.includes(':') ? 6 : 4 }]
  const records = answers.filter(answer => answer.purpose === purpose && answer.name === host).flatMap(answer => answer.records)
  const of = (type: 'A' | 'AAAA', family: 4 | 6) => records.flatMap(record => record.type === type ? [{ address: record.address, family }] : []).sort((a, b) => a.address < b.address ? -1 : 1)
  return [...of('A', 4), ...of('AAAA', 6)]
}

function allSrv (answers: readonly DnsAnswer[], purpose: DnsPurpose): SrvRecord[] {
  return answers.filter(answer => answer.purpose === purpose).flatMap(({ records }) => records.flatMap(record => record.type === 'SRV' ? [record] : []))
}

function addressQuestions (name: string, purpose: 'target' | 'fallback'): Question[] {
  return [{ name, type: 'A', purpose }, { name, type: 'AAAA', purpose }]
}

function same (answer: DnsAnswer, question: Question): boolean {
  return answer.purpose === question.purpose && answer.type === question.type && answer.name === question.name
}

function isAddress (host: string): boolean {
  return host.includes(':') || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host)
}
