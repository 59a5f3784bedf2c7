/** What was last seen of each domain, as far as metrics say it: one series a domain in each of them, and none of what is no target any more. */
import { X509Certificate } from 'node:crypto'
import type { Observation, Target } from '@dialtone/contracts'
import type { Meter, Metric } from '@dialtone/kernel'
import { certificateEnd, dialbackTotal, dnsSeconds, externalTotal, lastDialback, lastSeen, reachable, srvHealth, stageSeconds } from './metrics.ts'

type Facts = { domain: string, srv: number, reached: number, dialback?: number, certificate?: number, at: number }
type FamilyValue = { labels: { vantage: string, domain: string }, value: number }

export type Seen = {
  /** Counts; remembers what is this agent's to tell. */
  note: (target: Target, observation: Observation, mine: boolean) => void
  /** Forgets all targets but these. */
  keep: (targets: ReadonlySet<string>) => void
  /** Series that follow from it. */
  families: () => { metric: Metric, values: () => Iterable<FamilyValue> }[]
}

export function createSeen ({ vantage, meter }: { vantage: string, meter: Meter }): Seen {
  const facts = new Map<string, Facts>()
  const ends = new Map<string, number>()
  const endOf = (digest: string, der: string | undefined): number => {
    const known = ends.get(digest)
    if (known !== undefined) return known
    const end = der === undefined ? Number.NaN : dateOf(der)
    if (ends.size > 20_000) ends.clear()
    ends.set(digest, end)
    return end
  }
  const family = (metric: Metric, value: (facts: Facts) => number | undefined, worst: (a: number, b: number) => number) => ({
    metric,
    values: function * (): Iterable<FamilyValue> {
      const byDomain = new Map<string, number>()
      for (const one of facts.values()) {
        const is = value(one)
        if (is === undefined || Number.isNaN(is)) continue
        const other = byDomain.get(one.domain)
        byDomain.set(one.domain, other === undefined ? is : worst(is, other))
      }
      for (const [domain, is] of byDomain) yield { labels: { vantage, domain }, value: is }
    },
  })
  return {
    note: (target, observation, mine) => {
      count(observation, vantage, meter)
      if (!mine) return
      const before = facts.get(target.id)
      const dialback = dialbackOf(observation) ?? before?.dialback
      const shown = observation.endpoints.flatMap(({ chain }) => chain?.sent ?? [])
      const last = shown.map(digest => endOf(digest, observation.certificates[digest]?.der)).filter(Number.isFinite)
      const certificate = last.length === 0 ? before?.certificate : Math.min(...last)
      facts.set(target.id, {
        domain: target.domain, srv: srvOf(observation), reached: reachedOf(observation), at: Date.parse(observation.startedAt) / 1000,
        ...(dialback === undefined ? {} : { dialback }), ...(certificate === undefined ? {} : { certificate }),
      })
    },
    keep: targets => {
      for (const id of facts.keys()) if (!targets.has(id)) facts.delete(id)
    },
    families: () => [
      family(srvHealth, ({ srv }) => srv, Math.min), family(reachable, ({ reached }) => reached, Math.min), family(lastDialback, ({ dialback }) => dialback, Math.min),
      family(certificateEnd, ({ certificate }) => certificate, Math.min), family(lastSeen, ({ at }) => at, Math.max),
    ],
  }
}

/** Times and outcomes, by words of closed sets. */
function count (observation: Observation, vantage: string, meter: Meter): void {
  for (const { ms, outcome } of observation.dns) meter.observe(dnsSeconds, { vantage, outcome }, ms / 1000)
  for (const { kind, steps } of observation.endpoints) {
    for (const { stage, outcome, ms } of steps) if (outcome !== 'not-asked') meter.observe(stageSeconds, { vantage, kind, stage, outcome }, ms / 1000)
  }
  for (const { role, sasl, dialback, question } of observation.deep?.connections ?? []) {
    if (sasl !== undefined) meter.add(externalTotal, { vantage, outcome: sasl.success ? 'success' : 'failure' })
    if (dialback !== undefined) meter.add(dialbackTotal, { vantage, role, outcome: dialback.answer?.type ?? 'none' })
    if (question !== undefined) meter.add(dialbackTotal, { vantage, role, outcome: question.answer?.type ?? 'none' })
  }
}

function srvOf ({ dns, endpoints, asked }: Observation): number {
  if (asked.overrides.length > 0) return 1
  const found = endpoints.some(({ source }) => source === 'srv' || source === 'fallback')
  return found && dns.every(({ purpose, outcome }) => purpose !== 'xmpp-server' || outcome === 'answer' || outcome === 'nodata' || outcome === 'nxdomain') ? 1 : 0
}

function reachedOf ({ endpoints }: Observation): number {
  const asked = endpoints.filter(({ steps, source }) => source !== 'port-probe' && !steps.some(({ failure }) => failure?.at === 'probe' && failure.why === 'no-address-family'))
  return asked.length > 0 && asked.every(({ header, steps }) => header !== undefined && steps.every(({ stage, outcome }) => stage !== 'tcp' || outcome === 'ok')) ? 1 : 0
}

function dialbackOf ({ deep }: Observation): number | undefined {
  const answers = deep?.connections.flatMap(({ role, dialback }) => role === 'dialback' && dialback !== undefined ? [dialback.answer?.type === 'valid' ? 1 : 0] : []) ?? []
  return answers.length === 0 ? undefined : Math.min(...answers)
}

function dateOf (der: string): number {
  try {
    return new X509Certificate(Buffer.from(der, 'base64')).validToDate.getTime() / 1000
  } catch {
    return Number.NaN
  }
}
