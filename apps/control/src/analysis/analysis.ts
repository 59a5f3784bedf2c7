/**
 * The analysis as one ordered walk through the stream: what is heard, what time alone changes, and what has to be judged again because of either. Time is that of the
 * stream, so that whoever reads the same stream comes to the same timeline, now or when a store is rebuilt. Nothing here waits: a step is taken inside a transaction that
 * ends with the place in the stream; when it fails, nothing of it is left, in the store or in memory.
 */
import { DEFAULT_JUDGE_CONFIG, domainTokens, type ConfigurationChange, type ConfigurationView, type Delivery, type ExceptionSpec, type LiveEvent, type ObservationRecorded, type Subject } from '@dialtone/contracts'
import type { Clock, Logger, Meter } from '@dialtone/kernel'
import type { Store } from '@dialtone/store'
import { createAgenda } from './agenda.ts'
import { createBoard, iso, keyOf, type Board, type Entry } from './board.ts'
import { noteChanges } from './changes.ts'
import { about, createExpectations, type Expectations } from './expectations.ts'
import { createIncidentDesk, type IncidentDesk } from './incident-desk.ts'
import { createJudging, type Because, type Judging } from './judging.ts'
import { analysisErrors, ingested, setBack, stale, type IngestResult } from './metrics.ts'
import { createFleetReach, reachSeen, reachTogether } from './reach.ts'
import type { Slices } from './slices.ts'
import { slotKey, taken, type Taken } from './taken.ts'
import { createWitnesses, type Slot, type Witnesses } from './witnesses.ts'

export type Analysis = {
  readonly board: Board
  readonly witnesses: Witnesses
  readonly expectations: Expectations
  readonly desk: IncidentDesk
  readonly judging: Judging
  /** Takes what was delivered, in order, and all that time did before it; resolves when it is committed. */
  take: (batch: readonly Delivery<ObservationRecorded>[]) => Promise<void>
  /** Lets time pass up to `at`, and takes up what changed in the configuration. */
  pass: (at: number) => Promise<void>
  /** Another configuration: what it touches is judged again with the next `take` or `pass`. */
  configured: (changes: readonly ConfigurationChange[]) => void
  staleAt: (slot: Slot) => number
  readonly seq: number
  /** The time of the stream, milliseconds. */
  readonly at: number
  onEvent: (hear: (event: LiveEvent, seq: number) => void) => () => void
  /** A gateway told something of this pair that bears on its verdict: it is judged again with the next `take` or `pass`. */
  carried: (subject: Subject) => void
  /** Something of the store that readers see was written by another. */
  noticed: (events: readonly LiveEvent[]) => void
  /** Confirmations begin anew for what fits the filter: how many subjects that are. Without any: of all. */
  reset: (filter: { domain?: string, peer?: string }) => number
}

/** Time passes in steps of this grid, wherever it is read from. */
const TICK_MS = 10_000
/** In a long silence the steps are longer. */
const LONG_SILENCE_MS = 3_600_000
const LONG_TICK_MS = 60_000
const MISSED_INTERVALS = 3
/** While a target is checked deeply, which takes so long where a peer calls nobody back, there is no light check of it. */
const LONGEST_DEEP_MS = 150_000
/** Certificates come to their end without a word from anybody. */
const REJUDGE_MS = 3_600_000
/** A refusal that is repeated after the retry window of servers is policy; what is said of a domain of ours may be of something that ended. */
const REJUDGE_FAILING_MS = 300_000
/** A failure that goes on is kept in full so often. */
const KEEP_FAILURE_MS = 3_600_000
/** Of what changed in the configuration, in one step. */
const CHANGES_AT_ONCE = 20
/** So far the clocks of the bus and of this machine may differ. */
const SET_BACK_MS = 60_000
const FORGET_SLOT_MS = 7 * 86_400_000

type Needs = { store: Store, configuration: ConfigurationView, slices: Slices, meter: Meter, logger: Logger, clock: Clock }

export function createAnalysis ({ store, configuration, slices, meter, logger, clock }: Needs): Analysis {
  const board = createBoard()
  const expectations = createExpectations(configuration)
  const witnesses = createWitnesses(store)
  const reach = createFleetReach()
  const desk = createIncidentDesk({ store, meter })
  const staleAt = (slot: Slot) => slot.heard + Math.max(MISSED_INTERVALS * 1000 * expectations.interval(slot.domain, slot.deep), !slot.deep && witnesses.get(slotKey(slot.vantage, slot.target, true)) !== undefined ? LONGEST_DEEP_MS : 0)
  const judging = createJudging({ store, board, witnesses, expectations, reach, desk, meter, logger, clock, staleAt })
  const hearers = new Set<(event: LiveEvent, seq: number) => void>()
  const agenda = createAgenda(expectations)
  const touched = new Set<Slot>()
  /** Of those, the ones that have another outline. */
  const renewed = new Set<Slot>()
  const untold: LiveEvent[] = []
  /** Peers of whom it may have changed how they are reached. */
  const unreached = new Set<string>()
  let pendingChanges: ConfigurationChange[] = []
  /** Subjects that are none any more, and since when. */
  const leaving = new Map<string, number>()
  /** Slots of which nothing was heard for too long, or for so long that they are forgotten. */
  const overdue = new Set<Slot>()
  /** From which domain on it is looked whether what is known of it is still wanted. */
  let prunedTo: string | undefined
  /** When that was written which is taken up now, as all who take it up see it. */
  let dated: number | undefined
  /** Among what changed is something that touches everything, written then. */
  let reconcileAt: number | undefined
  /** All is to be judged again. */
  let everything: Because | undefined
  let now = 0
  let seq = 0
  /** When a slot becomes stale or is forgotten next: never later than that is looked for. */
  let nextStale = 0
  /** Up to where time has done its work: observations move `now` between two ticks. */
  let ticked = 0

  load()

  function load (): void {
    now = store.number('clock')
    seq = store.number('seq')
    nextStale = 0
    ticked = now
    expectations.turning(now, now)
    touched.clear()
    renewed.clear()
    untold.length = 0
    desk.load()
    witnesses.load()
    judging.load()
    agenda.clear()
    leaving.clear()
    overdue.clear()
    prunedTo = reconcileAt = undefined
    pendingChanges = []
    everything = 'start'
  }

  /** All subjects that there are, and none that there is not. What is known of the configuration before it was ever heard is nothing. */
  function reconcile (because: Because): void {
    if (configuration.revision === 0) return
    for (const { domain, job } of witnesses.all()) if (job === 'peer' || job === 'control') unreached.add(domain)
    for (const domain of expectations.domains()) {
      mark({ domain }, because)
      for (const peer of expectations.peersOf(domain)) mark({ domain, peer }, because)
    }
    dropGone()
    prunedTo = ''
  }

  /** What is known of a domain that nobody checks any more; returns from where to go on. */
  function pruneFacts (from: string): string | undefined {
    const domain = store.journal.factOf(from)
    if (domain === undefined) return undefined
    if (configuration.get('Domain', domain) === undefined && configuration.get('Peer', domain) === undefined) store.journal.dropFacts(domain)
    return `${domain}!`
  }

  /** One by one, in steps of their own. */
  function dropGone (): void {
    for (const entry of board.all()) if (!expectations.has(entry)) leaving.set(entry.key, dated ?? now)
  }

  function dropOne (key: string, at: number): void {
    leaving.delete(key)
    const entry = board.get(key)
    if (entry !== undefined && !expectations.has(entry)) {
      judging.drop(entry, at)
      agenda.drop(key)
      desk.forget(entry, at)
    }
  }

  function mark (subject: Subject, because: Because): void {
    agenda.mark(subject, because, dated ?? now, now)
  }

  /** Who is judged by what this slot testifies. */
  function subjectsOf ({ job, domain, ours }: Slot): Subject[] {
    if (job === 'listener') return []
    if (job === 'control') return expectations.oursOf(domain).map(each => ({ domain: each, peer: domain }))
    return job !== 'peer' ? [{ domain }] : ours === undefined ? [] : [{ domain: ours, peer: domain }]
  }

  function markAll (slot: Slot, because: Because): void {
    for (const subject of subjectsOf(slot)) mark(subject, because)
    if (slot.job === 'peer' || slot.job === 'control') unreached.add(slot.domain)
  }

  /** When it matters to others, those who are not well are judged again. */
  function updateReach (peer: string): void {
    const together = reachTogether(peer, witnesses, expectations.standpoint)
    if (!(together === undefined ? reach.drop(peer) : reach.put(together))) return
    for (const entry of board.all()) if (entry.halves.some(({ state }) => state !== 'up')) mark(entry, 'others')
  }

  function ingest (delivery: Delivery<ObservationRecorded>): void {
    const { vantage, target, job, ours, observation: { domain, vantage: stands } } = delivery.body
    // Who published is known by the subject alone: whatever a body claims makes no new series.
    const [by = ''] = delivery.key
    const count = (result: IngestResult) => meter.add(ingested, { vantage: configuration.get('Vantage', by) === undefined ? 'unknown' : by, result })
    const heardAt = Date.parse(delivery.at)
    now = Math.max(now, heardAt)
    // Who may publish under one vantage speaks for that one alone, and of what it was told to check.
    if (stands !== vantage || delivery.key.join('.') !== [vantage, ...domainTokens(domain)].join('.') || !expectations.isTarget(vantage, { id: target, job, domain, ...(ours === undefined ? {} : { ours }) })) return count('refused')
    let seen: Taken
    try {
      seen = taken(delivery, (expectations.domain(domain) ?? configuration.get('Peer', domain)?.spec)?.slowStageMs ?? DEFAULT_JUDGE_CONFIG.slowStageMs)
    } catch (error) {
      meter.add(analysisErrors, { step: 'ingest' })
      logger.error({ id: delivery.id, vantage, error: error instanceof Error ? error.message : String(error) }, 'an observation was not understood and is left out')
      return count('failed')
    }
    if (!store.first(seen.record.id, seen.started)) return count('duplicate')
    if (now - heardAt > SET_BACK_MS) turnBack(heardAt)
    const slot = witnesses.get(seen.slot)
    if (slot !== undefined && seen.at < slot.at) {
      // History, and no witness: a newer one has spoken.
      if (seen.outline !== slot.outline || seen.record.check !== undefined) keep(slot, seen)
      return count('late')
    }
    count(seen.record.aside !== undefined ? 'aside' : slot?.outline === seen.outline ? 'same' : 'new')
    if (slot !== undefined && slot.outline === seen.outline) repeat(slot, seen)
    else renew(slot, seen)
  }

  /** Time had come too far, by a clock that was wrong: nothing may lie ahead, or it would stay as it is until time gets there. */
  function turnBack (to: number): void {
    logger.warn({ from: iso(now), to: iso(to) }, 'time is set back: the clock of the bus or of this machine was ahead')
    meter.add(setBack)
    now = ticked = to
    nextStale = 0
    expectations.turning(to, to)
    for (const slot of witnesses.all()) {
      if (slot.heard <= to && slot.at <= to) continue
      for (const time of ['heard', 'at', 'since', 'keptAt'] as const) slot[time] = Math.min(slot[time], to)
      touched.add(slot)
    }
    agenda.turnBack(to)
    judging.turnBack(to)
    desk.turnBack(to)
    everything = 'time'
  }

  function repeat (slot: Slot, seen: Taken): void {
    const { record, at } = seen
    const was = slot.stale
    Object.assign(slot, { agent: record.agent, at, heard: now, same: slot.same + 1, stale: false })
    touched.add(slot)
    nextStale = Math.min(nextStale, staleAt(slot))
    if (record.check !== undefined || (slot.failing && at - slot.keptAt >= KEEP_FAILURE_MS)) keep(slot, seen)
    if (was) return markAll(slot, { slot: slot.key })
    for (const subject of subjectsOf(slot)) {
      const entry = board.get(keyOf(subject))
      // What is asked deeply is seldom asked, and may count again what had been set aside.
      if (entry === undefined || (slot.failing && (slot.deep || now - entry.judgedAt >= REJUDGE_FAILING_MS))) mark(subject, { slot: slot.key })
      else judging.repeat(entry, slot, now)
    }
  }

  function renew (slot: Slot | undefined, seen: Taken): void {
    const { record: { id, vantage, agent, target, job, ours, aside, observation }, outline, failing, at } = seen
    if (slot !== undefined) {
      touched.delete(slot)
      store.observations.count(slot.observation, slot.same, slot.at)
    }
    const next: Slot = {
      n: slot?.n ?? witnesses.next(), key: seen.slot, vantage, agent, target, job, domain: observation.domain, ...(ours === undefined ? {} : { ours }), deep: observation.deep !== undefined, ...(aside === undefined ? {} : { aside }),
      outline, observation: id, at, heard: now, same: 0, failing, kept: slot?.kept ?? 0, since: at, keptAt: at, stale: false, reach: reachSeen(observation),
    }
    keep(next, seen)
    const heard = shown(ours)
    witnesses.put(next, observation)
    // Peers that fail in the name of our domain may show a fault of it.
    if (ours !== undefined && shown(ours) !== heard) mark({ domain: ours }, 'others')
    touched.add(next)
    renewed.add(next)
    nextStale = Math.min(nextStale, staleAt(next))
    if (aside === undefined && job !== 'listener') for (const change of noteChanges(store.journal, seen)) untold.push({ on: 'change', change })
    markAll(next, { slot: next.key })
  }

  function shown (ours: string | undefined): string {
    return ours === undefined ? '' : witnesses.failingFor(ours).map(({ observation }) => observation).join()
  }

  function keep (slot: Slot, { record, failing, at }: Taken): void {
    if (!store.observations.keep({ record, slot: slot.n, failing })) return
    slot.kept++
    slot.keptAt = Math.max(slot.keptAt, at)
    touched.add(slot)
    if (slot.kept > store.limits.fullPerSlot) slot.kept = store.observations.dropOldestOf(slot.n, slot.observation) ? slot.kept - 1 : 1
  }

  /** What time alone does. */
  function tick (at: number): void {
    const before = ticked
    now = ticked = at
    if (at >= nextStale) nextStale = findStale(at)
    for (const entry of board.all()) if (at - entry.judgedAt >= rejudgeAfter(entry)) mark(entry, 'time')
    for (const spec of expectations.turning(before, at)) markAbout(spec)
    desk.tick(at, subject => expectations.rules(subject))
  }

  function findStale (at: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const slot of witnesses.all()) {
      const due = slot.stale ? slot.heard + FORGET_SLOT_MS + 1 : staleAt(slot)
      if (due <= at) overdue.add(slot)
      next = Math.min(next, due > at ? due : Math.max(at + 1, slot.heard + FORGET_SLOT_MS + 1))
    }
    return next
  }

  function drop (slot: Slot): void {
    overdue.delete(slot)
    if (slot.stale) {
      witnesses.drop(slot)
      touched.delete(slot)
      store.slots.drop(slot.n)
    } else {
      slot.stale = true
      meter.add(stale, { vantage: slot.vantage })
      markAll(slot, 'time')
    }
  }

  function markAbout (spec: ExceptionSpec): void {
    for (const entry of board.all()) if (spec.vantage !== undefined || about(spec, entry)) mark(entry, 'configuration')
  }

  function takeChanges (): void {
    const changes = pendingChanges.splice(0, CHANGES_AT_ONCE)
    nextStale = 0
    try {
      for (const change of changes) takeChange(change)
      if (pendingChanges.length > 0) return
      dated = reconcileAt
      if (reconcileAt === undefined) dropGone()
      else reconcile('configuration')
      reconcileAt = undefined
    } finally {
      dated = undefined
    }
  }

  /** It counts from when it was written, so that all who take it up date it alike, each when it hears of it. What was removed says no time. */
  function takeChange ({ kind, name, before, after }: ConfigurationChange): void {
    const written = Date.parse(after?.updatedAt ?? '')
    dated = written <= now + SET_BACK_MS ? written : undefined
    if (kind === 'Domain') {
      mark({ domain: name }, 'configuration')
      for (const peer of expectations.peersOf(name)) mark({ domain: name, peer }, 'configuration')
    }
    // Once for all of them.
    if (kind === 'Vantage' || kind === 'Gateway' || kind === 'Domain') reconcileAt = Math.max(reconcileAt ?? 0, dated ?? now)
    if (kind === 'Peer') {
      for (const ours of expectations.oursOf(name)) mark({ domain: ours, peer: name }, 'configuration')
      if (after === undefined && configuration.get('Domain', name) === undefined) store.journal.dropFacts(name)
    }
    for (const each of [before, after]) if (each?.kind === 'Exception') markAbout(each.spec)
  }

  /** Works until the batch is taken, time has passed up to `until`, and all that follows from both is done. */
  async function walk (batch: readonly Delivery<ObservationRecorded>[], until: number): Promise<void> {
    let next = 0
    await slices.run(spent => {
      const events: LiveEvent[] = []
      let more = true
      try {
        store.transaction(() => {
          do more = step()
          while (more && !spent())
          commit(events, batch[next - 1])
        })
      } catch (error) {
        meter.add(analysisErrors, { step: 'store' })
        load()
        throw error
      }
      tell(events)
      return more
    })

    /** One step; false when nothing is left. */
    function step (): boolean {
      const [slot] = overdue
      if (slot !== undefined) {
        drop(slot)
        return true
      }
      const [gone] = leaving
      if (gone !== undefined) {
        dropOne(...gone)
        return true
      }
      const [peer] = unreached
      if (peer !== undefined) {
        unreached.delete(peer)
        updateReach(peer)
        return true
      }
      const first = agenda.next()
      if (first !== undefined) {
        const { subject, at, because } = first
        // What is wrong with our domain is wrong with its pairs.
        if (judging.judge(subject, at, because) && subject.peer === undefined) for (const peer of expectations.peersOf(subject.domain)) mark({ domain: subject.domain, peer }, 'others')
        return true
      }
      const delivery = batch[next]
      if (prunedTo !== undefined) {
        prunedTo = pruneFacts(prunedTo)
        return true
      }
      if (everything !== undefined) {
        const because = everything
        everything = undefined
        // A new store begins with what it reads first.
        if (now === 0) now = ticked = delivery === undefined ? until : Date.parse(delivery.at)
        reconcile(because)
        return true
      }
      if (pendingChanges.length > 0) {
        // Behind what was delivered before; with nothing to come, it is now.
        if (delivery === undefined) now = Math.max(now, until)
        takeChanges()
        return true
      }
      const limit = delivery === undefined ? until : Date.parse(delivery.at)
      const due = nextTick(limit)
      if (agenda.ripeAt !== undefined && agenda.ripeAt <= (due ?? limit)) {
        now = Math.max(now, agenda.ripeAt)
        agenda.ripen(now)
        return true
      }
      if (due !== undefined) {
        tick(due)
        return true
      }
      if (delivery === undefined) return false
      ingest(delivery)
      next++
      return true
    }
  }

  /** The next place of the grid that is not after `until`. */
  function nextTick (until: number): number | undefined {
    if (now === 0) return undefined
    const step = until - now > LONG_SILENCE_MS ? LONG_TICK_MS : TICK_MS
    const due = (Math.floor(now / step) + 1) * step
    return due <= until ? due : undefined
  }

  function commit (events: LiveEvent[], last: Delivery<ObservationRecorded> | undefined): void {
    for (const slot of touched) {
      if (renewed.has(slot)) store.slots.put(slot)
      else store.slots.touch(slot)
    }
    touched.clear()
    renewed.clear()
    const incidents = desk.flush()
    seq++
    events.push(...judging.told(hearers.size > 0), ...incidents, ...untold)
    untold.length = 0
    store.setNumber('clock', now)
    store.setNumber('seq', seq)
    if (last !== undefined) store.setPosition('observations', last.seq)
  }

  function tell (events: readonly LiveEvent[]): void {
    for (const event of events) for (const hear of hearers) {
      try {
        hear(event, seq)
      } catch (error) {
        logger.error({ on: event.on, error: error instanceof Error ? error.message : String(error) }, 'somebody who listens to live events failed')
      }
    }
  }

  return {
    board, witnesses, expectations, desk, judging, staleAt,
    take: batch => walk(batch, 0),
    pass: at => walk([], at),
    configured: changes => { pendingChanges.push(...changes) },
    carried: subject => mark(subject, 'others'),
    get seq () { return seq },
    get at () { return now },
    onEvent: hear => {
      hearers.add(hear)
      return () => hearers.delete(hear)
    },
    noticed: events => {
      seq++
      tell(events)
    },
    reset: ({ domain, peer }) => {
      const those = board.all().filter(entry => (domain === undefined || entry.domain === domain) && (peer === undefined || entry.peer === peer))
      store.transaction(() => { for (const entry of those) judging.reset(entry) })
      return those.length
    },
  }
}

function rejudgeAfter ({ peer, halves: [half] }: Entry): number {
  return peer === undefined && half?.state !== 'up' ? REJUDGE_FAILING_MS : REJUDGE_MS
}
