/** What the API reads, answered from memory and the store. Nothing here waits or writes; lists are bounded by their pages. */
import type { DomainView, OverviewRow, PairView, Readings, Span, Standpoint, Summary, Timeline, VantageView } from '@dialtone/contracts'
import type { Clock } from '@dialtone/kernel'
import type { SpanRow, Store } from '@dialtone/store'
import { judgeDomain, judgePair, shownIncident } from '@dialtone/verdict'
import type { Analysis } from './analysis.ts'
import { iso, keyOf, pageOfEntries, worse, type Entry, type Half } from './board.ts'
import { atThatTime } from './past.ts'
import { vantageView } from './views.ts'
import type { Slot } from './witnesses.ts'

/** Beside what the contract asks for, what metrics need of each subject. */
export type AnalysisReadings = Readings & {
  subjects: () => Iterable<Entry>
  /** Certificates that domains showed last and that end before `before`, soonest first. */
  expiries: (before: string, limit: number) => { domain: string, endsAt: string }[]
}

export type ReadingsNeeds = {
  analysis: Analysis, store: Store, clock: Pick<Clock, 'now'>
  agents: () => Summary['agents']
  behind: () => number
}

/** Pairs that the view of one domain lists, worst first. */
const MOST_PAIRS = 200
/** Cells of one view: vantage and job. */
const MOST_VANTAGES = 60
const MOST_CHANGES = 200

export function createReadings ({ analysis, store, clock, agents, behind }: ReadingsNeeds): AnalysisReadings {
  const { board, witnesses, expectations, judging, desk } = analysis
  const head = () => ({ asOf: iso(clock.now()), seq: analysis.seq })
  const paged = <T, K extends string>(field: K, { rows, next }: { rows: T[], next?: string }) => ({ ...head(), [field]: rows, ...(next === undefined ? {} : { next }) }) as { asOf: string, seq: number, next?: string } & Record<K, T[]>

  const vantagesOf = (slots: readonly Slot[], ours: string, peer: string | undefined): VantageView[] => slots.slice(0, MOST_VANTAGES).flatMap(slot => {
    const [standpoint, observation] = [expectations.standpoint(slot.vantage), witnesses.observation(slot.observation)]
    const config = peer === undefined ? expectations.domain(ours) : expectations.pair(ours, peer)
    return standpoint === undefined || observation === undefined ? [] : [vantageView({ slot, id: slot.observation, at: slot.at, observation }, standpoint, config)]
  })
  const lastUp = (key: string, at: number) => {
    const last = store.spans.lastUp(key, at)
    return last === undefined ? {} : { lastUp: iso(last) }
  }
  const verdictOf = (key: string) => {
    const verdict = store.halves.verdict(key)
    if (verdict === undefined) throw new TypeError(`${key} is on the board without a verdict`)
    return verdict
  }
  const times = ({ checkedAt, staleAfter }: Entry) => ({ ...(checkedAt === undefined ? {} : { checkedAt: iso(checkedAt) }), ...(staleAfter === undefined ? {} : { staleAfter: iso(staleAfter) }) })
  const incidentOf = ({ incident }: Entry) => {
    const found = incident === undefined ? undefined : store.journal.incident(incident)
    return found === undefined ? {} : { incident: shownIncident(found) }
  }
  const pairsOf = (domain: string): OverviewRow[] => board.page({ domain, only: 'pairs' }, { limit: MOST_PAIRS }).rows
  const carriedBy = (domain: string, peer: string) => {
    const gateways = store.pairFacts.of(domain, peer).map(({ facts }) => facts)
    return gateways.length === 0 ? {} : { gateways }
  }
  const standpoint = (vantage: string): Standpoint | undefined => expectations.standpoint(vantage)

  const domainThen = (domain: string, at: number): DomainView | undefined => {
    const config = expectations.domain(domain)
    const [span] = store.spans.at(at, { subject: domain })
    if (config === undefined || span === undefined) return undefined
    const { heard, vantages } = atThatTime({ store, slots: judging.slotsOf({ domain }), at, standpoint, config })
    const rows = pageOfEntries(entriesAt(at, domain), { only: 'pairs' }, { limit: MOST_PAIRS }).rows
    return { ...head(), domain, since: iso(span.since), ...lastUp(domain, at), verdict: judgeDomain({ domain, witnesses: heard, config, reach: [] }), vantages, pairs: rows }
  }
  const pairThen = (domain: string, peer: string, at: number): PairView | undefined => {
    const [config, own] = [expectations.pair(domain, peer), expectations.domain(domain)]
    const [out, inward] = (['out', 'in'] as const).map(direction => store.spans.at(at, { subject: keyOf({ domain, peer, direction }) })[0])
    if (config === undefined || own === undefined || out === undefined || inward === undefined) return undefined
    const { heard, vantages } = atThatTime({ store, slots: judging.slotsOf({ domain, peer }), at, standpoint, config })
    const beside = atThatTime({ store, slots: judging.slotsOf({ domain }), at, standpoint, config: own }).heard
    const verdict = judgePair({ ours: domain, peer, witnesses: heard, own: judgeDomain({ domain, witnesses: beside, config: own, reach: [] }), config, reach: [] })
    return {
      ...head(), domain, peer, vantages,
      out: { since: iso(out.since), ...lastUp(out.subject, at), verdict: verdict.out }, in: { since: iso(inward.since), ...lastUp(inward.subject, at), verdict: verdict.in },
    }
  }
  const entriesAt = (at: number, only?: string): Entry[] => {
    const entries = new Map<string, Entry>()
    for (const span of store.spans.at(at, only === undefined ? undefined : { domain: only })) {
      const { domain, peer } = span
      const key = keyOf({ domain, ...(peer === undefined ? {} : { peer }) })
      const entry = entries.get(key) ?? { key, domain, ...(peer === undefined ? {} : { peer }), halves: [], judgedAt: at }
      entry.halves = [...entry.halves.filter(({ direction }) => direction !== span.direction), halfOf(span)].sort((a, b) => (a.direction ?? '') > (b.direction ?? '') ? -1 : 1)
      entries.set(key, entry)
    }
    return [...entries.values()]
  }

  return {
    summary: () => summary(),
    overview: (filter, page, at) => paged('domains', at === undefined ? board.page(filter, page) : pageOfEntries(entriesAt(Date.parse(at)), filter, page)),
    domain: (domain, at) => {
      if (at !== undefined) return domainThen(domain, Date.parse(at))
      const entry = board.get(domain)
      const [half] = entry?.halves ?? []
      if (entry === undefined || half === undefined) return undefined
      return { ...head(), domain, since: iso(half.since), ...lastUp(domain, clock.now()), ...times(entry), verdict: verdictOf(half.key), ...incidentOf(entry), vantages: vantagesOf(judging.slotsOf({ domain }), domain, undefined), pairs: pairsOf(domain) }
    },
    pair: (domain, peer, at) => {
      if (at !== undefined) return pairThen(domain, peer, Date.parse(at))
      const entry = board.get(keyOf({ domain, peer }))
      const [out, inward] = entry?.halves ?? []
      if (entry === undefined || out === undefined || inward === undefined) return undefined
      const half = ({ key, since }: Half) => ({ since: iso(since), ...lastUp(key, clock.now()), verdict: verdictOf(key) })
      return { ...head(), domain, peer, ...times(entry), out: half(out), in: half(inward), ...incidentOf(entry), vantages: vantagesOf(judging.slotsOf({ domain, peer }), domain, peer), ...carriedBy(domain, peer) }
    },
    timeline: (domain, peer, { from, to }, limit): Timeline | undefined => {
      const subject = { domain, ...(peer === undefined ? {} : { peer }) }
      const keys = peer === undefined ? [domain] : [keyOf({ ...subject, direction: 'out' }), keyOf({ ...subject, direction: 'in' })]
      const rows = store.spans.of(keys, from === undefined ? 0 : Date.parse(from), to === undefined ? clock.now() : Date.parse(to), limit + 1)
      if (rows.length === 0 && board.get(keyOf(subject)) === undefined) return undefined
      const spans = rows.slice(-limit).map(spanOf)
      const changes = store.journal.changes({ domain: peer ?? domain, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }, { limit: MOST_CHANGES }).rows.toReversed()
      return { ...head(), ...subject, spans, changes, truncated: rows.length > limit }
    },
    incidents: (filter, page) => {
      const { rows, ...rest } = store.journal.incidents(filter, page)
      return paged('incidents', { ...rest, rows: rows.map(incident => shownIncident(incident)) })
    },
    incident: id => {
      const found = store.journal.incident(id)
      return found === undefined ? undefined : shownIncident(found)
    },
    changes: (filter, page) => paged('changes', store.journal.changes(filter, page)),
    observations: (filter, page) => paged('observations', store.observations.list(filter, page)),
    observation: id => store.observations.get(id),
    audit: (filter, page) => paged('entries', store.journal.audits(filter, page)),
    verdicts: function * () {
      for (const { domain, peer, halves } of board.all()) for (const { direction, state, cause, side, confidence, agreement } of halves) {
        yield { domain, ...(peer === undefined ? {} : { peer }), ...(direction === undefined ? {} : { direction }), verdict: { state, cause, side, confidence, agreement } }
      }
    },
    subjects: () => board.all(),
    expiries: (before, limit) => {
      const ends = new Map<string, number>()
      for (const { domain, peer, certificateEnd } of board.all()) {
        const of = peer ?? domain
        if (certificateEnd !== undefined && certificateEnd < Date.parse(before)) ends.set(of, Math.min(certificateEnd, ends.get(of) ?? Number.POSITIVE_INFINITY))
      }
      return [...ends].toSorted(([, a], [, b]) => a - b).slice(0, limit).map(([domain, at]) => ({ domain, endsAt: iso(at) }))
    },
    get seq () { return analysis.seq },
    onEvent: hear => analysis.onEvent(hear),
  }

  function summary (): Summary {
    const states = { up: 0, degraded: 0, down: 0, unknown: 0 }
    const causes: Record<string, number> = {}
    let oldest = Number.POSITIVE_INFINITY
    for (const { halves, checkedAt } of board.all()) {
      const { state, cause } = worse(halves)
      states[state]++
      causes[cause] = (causes[cause] ?? 0) + 1
      if (checkedAt !== undefined && checkedAt < oldest) oldest = checkedAt
    }
    const incidents = { open: 0, confirmed: 0, recovering: 0 }
    for (const { state } of desk.open()) if (state !== 'resolved') incidents[state]++
    return { ...head(), states, causes, incidents, agents: agents(), ...(Number.isFinite(oldest) ? { oldestObservation: iso(oldest) } : {}), behind: behind() }
  }
}

function spanOf ({ direction, state, cause, side, sentence, since, until }: SpanRow): Span {
  return { ...(direction === undefined ? {} : { direction }), state, cause, side, sentence, since: iso(since), ...(until === undefined ? {} : { until: iso(until) }) }
}

function halfOf ({ subject, direction, state, cause, side, sentence, confidence, since }: SpanRow): Half {
  return { key: subject, ...(direction === undefined ? {} : { direction }), state, cause, side, sentence, confidence, agreement: { inside: 0, insideAgree: 0, outside: 0, outsideAgree: 0 }, since, same: 0 }
}
