/**
 * One subject, judged again: its witnesses are heard, what is new is written to the timeline, and its incident goes on. Called inside a transaction; what cannot be
 * worked out because of a fault of ours leaves the last verdict as it is, and is counted.
 */
import type { FleetVerdict, LiveEvent, Subject } from '@dialtone/contracts'
import { OperatorError, type Clock, type Logger, type Meter } from '@dialtone/kernel'
import type { HalfRow, Store } from '@dialtone/store'
import { closesTheWayIn, judgeDomain, judgePair } from '@dialtone/verdict'
import { iso, keyOf, rowOf, worse, type Board, type Entry, type Half } from './board.ts'
import type { Expectations } from './expectations.ts'
import type { IncidentDesk } from './incident-desk.ts'
import { insideWaysAt } from './inside-ways.ts'
import { analysisErrors, judged, judgeSeconds } from './metrics.ts'
import type { FleetReach } from './reach.ts'
import { recent } from './recent.ts'
import type { Slot, Witnesses } from './witnesses.ts'

/** What made it necessary: an observation of this slot, or something else. */
export type Because = { slot: string } | 'configuration' | 'time' | 'others' | 'start'

export type Judging = {
  load: () => void
  /** True: what it says is not what it said before. */
  judge: (subject: Subject, at: number, because: Because) => boolean
  /** One more answer of a slot that says what was said before. */
  repeat: (entry: Entry, slot: Slot, at: number) => void
  /** Its next answer is the first of as many as confirm. */
  reset: (entry: Entry) => void
  /** Nothing is later than `to`. */
  turnBack: (to: number) => void
  /** It is no subject any more. */
  drop: (entry: Entry, at: number) => void
  /** Slots that testify about a subject first of all: by them it is as new as it is. */
  slotsOf: (subject: Subject) => Slot[]
  /** Changed rows since the last call, once each. */
  told: (heard: boolean) => LiveEvent[]
}

type Needs = {
  store: Store, board: Board, witnesses: Witnesses, expectations: Expectations, reach: FleetReach, desk: IncidentDesk, meter: Meter, logger: Logger, clock: Pick<Clock, 'elapsed'>
  staleAt: (slot: Slot) => number
}

export function createJudging (needs: Needs): Judging {
  const { store, board, witnesses, expectations, reach, desk, meter, logger, clock, staleAt } = needs
  const changed = new Set<Entry>()
  /** Of our own domains, for their pairs. */
  const owns = recent<FleetVerdict>(OWN_KEPT)
  /** When others could reach them again; 0: as long as is remembered they could, or cannot yet. */
  const openings = recent<number>(OWN_KEPT)

  const own = (domain: string) => witnesses.of(domain).filter(({ job }) => job === 'own-internal' || job === 'own-published')
  const about = (ours: string, peer: string) => witnesses.of(peer).filter(slot => slot.job === 'control' || (slot.job === 'peer' && slot.ours === ours))
  const slotsOf = ({ domain, peer }: Subject): Slot[] => peer === undefined ? own(domain) : about(domain, peer)

  const openedAt = (domain: string, at: number): number =>
    openings.get(domain) ?? openings.set(domain, store.spans.of([domain], at - OPENING_MS, at, OPENING_SPANS).findLast(({ until, ...span }) => until !== undefined && isClosed(span))?.until ?? 0)

  const verdictsOf = ({ domain, peer }: Subject, at: number): { verdict: FleetVerdict, direction?: 'out' | 'in' }[] | undefined => {
    const ownConfig = expectations.domain(domain)
    if (ownConfig === undefined) return undefined
    if (peer === undefined) {
      const heard = witnesses.testify([...own(domain), ...witnesses.failingFor(domain)], expectations.standpoint)
      return [{ verdict: owns.set(domain, judgeDomain({ domain, witnesses: heard, config: ownConfig, reach: reach.of(), insideWays: insideWaysAt(store.journal, domain, at, expectations.gatewaysOf(domain)) })) }]
    }
    const config = expectations.pair(domain, peer)
    if (config === undefined) return undefined
    const heard = witnesses.testify(about(domain, peer), expectations.standpoint)
    const known = owns.get(domain) ?? store.halves.verdict(domain)
    const { out, in: inward } = judgePair({ ours: domain, peer, witnesses: heard, ...(known === undefined ? {} : { own: owns.set(domain, known) }), config, reach: reach.of(peer), carried: { now: at, told: store.pairFacts.of(domain, peer) }, openedAt: openedAt(domain, at) })
    return [{ verdict: out, direction: 'out' }, { verdict: inward, direction: 'in' }]
  }

  const settle = (subject: Subject, at: number, because: Because, verdicts: { verdict: FleetVerdict, direction?: 'out' | 'in' }[]): boolean => {
    const { domain, peer } = subject
    const was = board.get(keyOf(subject))
    const halves = verdicts.map(({ verdict, direction }) => halfOf({ domain, ...(peer === undefined ? {} : { peer }), ...(direction === undefined ? {} : { direction }) }, verdict, at, because, was?.halves.find(half => half.direction === direction)))
    const slots = slotsOf(subject)
    const heard = slots.filter(({ stale }) => !stale)
    const ends = heard.flatMap(({ certificateEnd }) => certificateEnd !== undefined && Number.isFinite(certificateEnd) ? [certificateEnd] : [])
    const entry: Entry = {
      key: keyOf(subject), domain, ...(peer === undefined ? {} : { peer }), halves, judgedAt: at,
      ...(slots.length === 0 ? {} : { checkedAt: Math.max(...slots.map(slot => slot.at)), staleAfter: Math.max(...slots.map(staleAt)) }), ...(ends.length === 0 ? {} : { certificateEnd: Math.min(...ends) }),
    }
    const [before, now] = [was?.halves[0], halves[0]]
    if (peer === undefined && before !== undefined && now !== undefined && isClosed(before) && !isClosed(now)) openings.set(domain, at)
    for (const half of halves) advance(entry, half, at)
    about_(entry, at)
    board.place(entry)
    if (was !== undefined) changed.delete(was)
    changed.add(entry)
    return was === undefined || halves.some(half => !was.halves.some(({ state, cause, side, sentence }) => half.state === state && half.cause === cause && half.side === side && half.sentence === sentence))
  }

  /** The half as it is now; its span and row are written. */
  const halfOf = (subject: Subject, verdict: FleetVerdict, at: number, because: Because, was: Half | undefined): Half => {
    const key = keyOf(subject)
    const { state, cause, side, sentence, confidence, agreement } = verdict
    const same = was !== undefined && was.state === state && was.cause === cause && was.side === side
    const slot = typeof because === 'object' ? because.slot : undefined
    const counts = same && slot !== undefined && (was.counted === undefined || was.counted === slot)
    const counted = same ? was.counted : slot
    const half: Half = {
      key, ...(subject.direction === undefined ? {} : { direction: subject.direction }), state, cause, side, sentence, confidence, agreement,
      since: same ? was.since : at, same: same ? was.same + (counts ? 1 : 0) : 1, ...(counted === undefined ? {} : { counted }),
    }
    if (!same) store.spans.begin({ subject: key, domain: subject.domain, ...(subject.peer === undefined ? {} : { peer: subject.peer, direction: subject.direction ?? 'out' }), state, cause, side, confidence, sentence, since: at })
    const { direction: _, ...row } = { ...half, ...subject }
    store.halves.put({ key, domain: row.domain, ...(row.peer === undefined ? {} : { peer: row.peer, direction: subject.direction ?? 'out' }), since: half.since, same: half.same, ...(counted === undefined ? {} : { counted }), verdict })
    return half
  }

  const advance = ({ domain, peer }: Entry, half: Half, at: number): void => {
    const subject: Subject = { domain, ...(peer === undefined ? {} : { peer }), ...(half.direction === undefined ? {} : { direction: half.direction }) }
    const { state, cause, side, sentence, same } = half
    const quiet = expectations.quiet(subject, cause, at)
    desk.advance({ subject, verdict: { state, cause, side, sentence }, at: iso(at), same, ...(quiet === undefined ? {} : { quiet }) }, expectations.rules(subject))
  }

  /** Which incident it belongs to, and what keeps quiet about it. */
  const about_ = (entry: Entry, at: number): void => {
    const half = worse(entry.halves)
    const { domain, peer } = entry
    const subject: Subject = { domain, ...(peer === undefined ? {} : { peer }), ...(half.direction === undefined ? {} : { direction: half.direction }) }
    const incident = desk.of(subject) ?? entry.halves.map(({ direction }) => desk.of({ ...subject, ...(direction === undefined ? {} : { direction }) })).find(each => each !== undefined)
    const quiet = expectations.quiet(subject, half.cause, at)
    if (incident === undefined) delete entry.incident
    else entry.incident = incident.id
    if (quiet === undefined) delete entry.quietBecause
    else entry.quietBecause = quiet
  }

  return {
    load: () => {
      board.clear()
      changed.clear()
      owns.clear()
      openings.clear()
      for (const row of store.halves.each()) {
        const { domain, peer } = row
        const key = keyOf({ domain, ...(peer === undefined ? {} : { peer }) })
        const entry = board.get(key) ?? { key, domain, ...(peer === undefined ? {} : { peer }), halves: [], judgedAt: 0 }
        // `out` before `in`, as they are judged.
        entry.halves = [...entry.halves, loaded(row)].sort((a, b) => (a.direction ?? '') > (b.direction ?? '') ? -1 : 1)
        const slots = slotsOf(entry)
        if (slots.length > 0) Object.assign(entry, { checkedAt: Math.max(...slots.map(slot => slot.at)), staleAfter: Math.max(...slots.map(staleAt)) })
        about_(entry, 0)
        board.place(entry)
      }
      for (const incident of desk.open()) for (const subject of incident.subjects) {
        const entry = board.get(keyOf({ domain: subject.domain, ...(subject.peer === undefined ? {} : { peer: subject.peer }) }))
        if (entry !== undefined) entry.incident = incident.id
      }
    },
    judge: (subject, at, because) => {
      const began = clock.elapsed()
      let verdicts: ReturnType<typeof verdictsOf>
      try {
        verdicts = verdictsOf(subject, at)
      } catch (error) {
        // Nobody can go on with a store that is damaged.
        if (error instanceof OperatorError) throw error
        meter.add(analysisErrors, { step: 'judge' })
        logger.error({ domain: subject.domain, peer: subject.peer, error: error instanceof Error ? error.message : String(error) }, 'a verdict could not be worked out; the last one stays')
        return false
      }
      if (verdicts === undefined) return false
      const news = settle(subject, at, because, verdicts)
      meter.add(judged, { because: typeof because === 'object' ? 'observation' : because })
      meter.observe(judgeSeconds, {}, (clock.elapsed() - began) / 1000)
      return news
    },
    repeat: (entry, slot, at) => {
      entry.checkedAt = Math.max(entry.checkedAt ?? 0, slot.at)
      entry.staleAfter = Math.max(entry.staleAfter ?? 0, staleAt(slot))
      for (const half of entry.halves) {
        if (half.counted !== undefined && half.counted !== slot.key) continue
        half.counted ??= slot.key
        half.same++
        // Nothing hangs on it once it is confirmed.
        if (half.same > MOST_CONFIRMATIONS) continue
        const subject: Subject = { domain: entry.domain, ...(entry.peer === undefined ? {} : { peer: entry.peer }), ...(half.direction === undefined ? {} : { direction: half.direction }) }
        if (desk.of(subject) === undefined) continue
        store.halves.count(half.key, half.same)
        const before = entry.incident
        advance(entry, half, at)
        about_(entry, at)
        if (before !== entry.incident) changed.add(entry)
      }
    },
    reset: entry => {
      for (const half of entry.halves) {
        half.same = 0
        delete half.counted
        // Of others, what the store has counts for nothing: the first fault begins anew.
        if (desk.of({ domain: entry.domain, ...(entry.peer === undefined ? {} : { peer: entry.peer }), ...(half.direction === undefined ? {} : { direction: half.direction }) }) !== undefined) store.halves.count(half.key, 0)
      }
    },
    turnBack: to => {
      for (const entry of board.all()) {
        entry.judgedAt = Math.min(entry.judgedAt, to)
        for (const half of entry.halves) half.since = Math.min(half.since, to)
      }
      store.spans.turnBack(to)
    },
    drop: (entry, at) => {
      for (const { key } of entry.halves) {
        store.spans.end(key, at)
        store.halves.drop(key)
      }
      board.remove(entry.key)
      changed.delete(entry)
    },
    slotsOf,
    told: heard => {
      const events = (heard ? [...changed] : []).map((entry): LiveEvent => ({ on: 'verdict.changed', row: rowOf(entry) }))
      changed.clear()
      return events
    },
  }
}

/** More than any schedule asks for. */
const MOST_CONFIRMATIONS = 11
const OWN_KEPT = 2000
/** A deep check is made more often than that; and so many changes of a domain are looked through after a start. */
const OPENING_MS = 86_400_000
const OPENING_SPANS = 50

function isClosed ({ state, cause, side }: Pick<Half, 'state' | 'cause' | 'side'>): boolean {
  return state === 'down' && closesTheWayIn({ cause, side })
}

function loaded ({ key, direction, since, same, counted, verdict: { state, cause, side, sentence, confidence, agreement } }: HalfRow): Half {
  return { key, ...(direction === undefined ? {} : { direction }), state, cause, side, sentence, confidence, agreement, since, same, ...(counted === undefined ? {} : { counted }) }
}
