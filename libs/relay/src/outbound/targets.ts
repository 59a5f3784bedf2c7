/**
 * From a peer's domain to the targets that are tried, in order: the hops that were given, or what DNS says, mixed by priority and weight (RFC 2782, XEP-0368), and
 * without what may not be connected to (row S1). Bad targets go last: they are tried when nothing else is left.
 */
import type { DnsAnswer, Endpoint, EndpointKind } from '@dialtone/contracts'
import { discover, srvOrder, type DiscoveryOptions, type Plan, type PlannedEndpoint } from '@dialtone/discovery'
import type { Random } from '@dialtone/kernel'
import { guarded } from '@dialtone/net'
import type { LegRules } from '@dialtone/routing'
import type { Zone } from '../seams.ts'
import type { BadTargets } from './bad-targets.ts'
import { ofNoTargets, type Lost } from './failures.ts'
import type { OutboundLimits, Weakened } from './limits.ts'

/** One host and port with its addresses, in the order in which they are raced. `waitsMs`: it is a bad target, for so long. */
export type Target = { host: string, port: number, kind: EndpointKind, addresses: readonly string[], priority?: number, weight?: number, waitsMs?: number }

export type Wanted = { zone: Zone, domain: string, leg: LegRules, hops?: readonly Endpoint[], allowNets: readonly string[] }
export type Found = {
  by: 'records' | 'fallback' | 'given'
  targets: Target[]
  /** What was left out, and why; bounded by the bounds of discovery. */
  skipped: { target: string, says: string }[]
} | { lost: Lost, skipped: { target: string, says: string }[] }
export type Finding = { badTargets: BadTargets, random: Random, limits: OutboundLimits, weakened: Weakened }

/** Five rounds are the most that discovery needs. */
const ROUNDS = 8

/** Asks the zone's resolver where needed. Rejects only with the signal's reason. */
export async function findTargets (wanted: Wanted, finding: Finding, signal: AbortSignal): Promise<Found> {
  const { zone, domain, leg, hops = [] } = wanted
  const answers: DnsAnswer[] = []
  const options: DiscoveryOptions = {
    fallbackPort: finding.limits.fallbackPort, controlName: '.', purpose: 'connect', services: leg.tls === 'none' ? ['xmpp-server'] : ['xmpp-server', 'xmpps-server'],
    overrides: hops.map(({ host, port, kind = 'starttls' }) => ({ host, port, kind })),
  }
  for (let round = 0; round < ROUNDS; round++) {
    const step = discover({ domain, answers, options })
    if ('plan' in step) return foundIn(step.plan, answers, wanted, finding)
    answers.push(...await Promise.all(step.ask.map(async ({ purpose, ...question }) => ({ ...(await zone.resolver.ask(question, signal)).answer, purpose, atMs: 0 }))))
  }
  throw new TypeError('discovery did not end')
}

/** How a target is named to people: no address of ours, no port of theirs left out. */
export function nameOf ({ host, port, kind }: Pick<Target, 'host' | 'port' | 'kind'>): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}${kind === 'direct' ? ' (direct TLS)' : ''}`
}

function foundIn (plan: Plan, answers: readonly DnsAnswer[], { zone, domain, allowNets, hops }: Wanted, { badTargets, random, weakened }: Finding): Found {
  const all = targetsOf(plan.endpoints)
  const ordered = plan.outcome === 'srv' ? srvOrder(all.map(target => ({ ...target, priority: target.priority ?? 0, weight: target.weight ?? 0 })), () => numberFrom(random)) : all
  const skipped: { target: string, says: string }[] = []
  const good: Target[] = []
  const bad: Target[] = []
  for (const target of ordered) {
    const refused = target.addresses.flatMap(address => guarded(address, [...zone.allowNets, ...allowNets]) ?? [])
    const usable = target.addresses.filter(address => guarded(address, [...zone.allowNets, ...allowNets]) === undefined)
    if (hops === undefined && weakened.anyPort === undefined && !portAllowed(target.port)) skipped.push({ target: nameOf(target), says: `Port ${target.port} may not be connected to where records lead: only 443 and ports from 1024.` })
    else if (usable.length === 0) skipped.push({ target: nameOf(target), says: `The address may not be connected to: ${refused[0] ?? 'none is left'}.` })
    else {
      const waits = new Map(usable.map(address => [address, badTargets.waits(zone.name, { ...target, address }, domain)]))
      const resting = usable.filter(address => waits.get(address) !== undefined)
      const ready = usable.filter(address => waits.get(address) === undefined)
      if (ready.length > 0) good.push({ ...target, addresses: interleaved(ready) })
      if (resting.length > 0) bad.push({ ...target, addresses: interleaved(resting), waitsMs: Math.max(...resting.map(address => waits.get(address) ?? 0)) })
    }
  }
  if (good.length + bad.length > 0) return { by: BY[plan.outcome] ?? 'records', targets: [...good, ...bad], skipped }
  if (skipped.length > 0) return { lost: ofNoTargets('address-refused', skipped[0]?.says ?? ''), skipped }
  return { lost: nowhere(plan, domain, answers), skipped }
}

const BY: Partial<Record<Plan['outcome'], 'records' | 'fallback' | 'given'>> = { srv: 'records', fallback: 'fallback', override: 'given' }

/** Why there is nothing to connect to: what is known to be absent, and what nobody knows. */
function nowhere ({ outcome }: Plan, domain: string, answers: readonly DnsAnswer[]): Lost {
  const unanswered = answers.find(({ outcome: how }) => how !== 'answer' && how !== 'nodata' && how !== 'nxdomain')
  switch (outcome) {
    case 'service-disabled': return ofNoTargets('dns-absent', `The records of ${domain} say that it offers no S2S service (target '.').`)
    case 'servfail': case 'unanswered': case 'resolver-unavailable': return ofNoTargets('dns-failed', `The resolver ${unanswered?.resolver ?? ''} did not say where ${domain} is: ${unanswered?.type ?? ''} ${unanswered?.name ?? ''} ended with ${unanswered?.outcome ?? 'nothing'}.`)
    case 'target-unresolvable': return ofNoTargets('dns-absent', `The targets for ${domain} have no address.`)
    default: return ofNoTargets('dns-absent', `${domain} has no SRV record for S2S and no address.`)
  }
}

/** Endpoints with one host, port and kind are one target, whose addresses are raced. */
function targetsOf (endpoints: readonly PlannedEndpoint[]): Target[] {
  const targets = new Map<string, Target & { addresses: string[] }>()
  for (const { target: host, port, kind, address, priority, weight } of endpoints) {
    const key = `${kind} ${host} ${port}`
    const known = targets.get(key)
    if (known === undefined) targets.set(key, { host, port, kind, addresses: [address], ...(priority === undefined ? {} : { priority }), ...(weight === undefined ? {} : { weight }) })
    else known.addresses.push(address)
  }
  return [...targets.values()]
}

/** Both families in turn, IPv6 first (RFC 8305 §4). */
function interleaved (addresses: readonly string[]): string[] {
  const six = addresses.filter(address => address.includes(':'))
  const four = addresses.filter(address => !address.includes(':'))
  return Array.from({ length: Math.max(six.length, four.length) }, (_, at) => [six[at], four[at]]).flat().filter(address => address !== undefined)
}

/** S2S is on none of the ports of other services that a record could aim us at. */
function portAllowed (port: number): boolean {
  return port === 443 || port >= 1024
}

function numberFrom (random: Random): number {
  const [a = 0, b = 0, c = 0, d = 0] = random.bytes(4)
  return (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / 2 ** 32
}
