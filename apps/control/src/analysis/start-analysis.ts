/**
 * The analysis of one control instance, at work: it reads the three streams into its store, lets time pass while nothing waits to be read, forgets what is beyond the
 * limits, and, while it holds the lease, announces.
 */
import { AnnouncementEvent, AuditEvent, ObservationEvent, PairFactsEvent, PresenceDocument } from '@dialtone/contracts/schemas'
import type { AgentPresence, AuditEntry, Bus, ChangeView, ConfigurationView, Delivery, EventType, Lease, StreamName, Subscription } from '@dialtone/contracts'
import { OperatorError, type Clock, type Logger, type Meter, type Stoppable } from '@dialtone/kernel'
import type { Store } from '@dialtone/store'
import type { Static, TSchema } from 'typebox'
import { createAnalysis } from './analysis.ts'
import { announce } from './announcer.ts'
import { createFitness, type Fitness } from './fitness.ts'
import { spareMemory } from './memory.ts'
import { analysisErrors, behind, disagreement, failing, forgotten, gaps, leaseHeld, openIncidents, resets, storeBlobs, storeBytes, storeLimit, unannounced } from './metrics.ts'
import { takePairFacts } from './pair-facts.ts'
import { createReadings, type AnalysisReadings } from './readings.ts'
import { createSlices } from './slices.ts'
import { createStreamTime } from './stream-time.ts'

/** `fitness`: is told here how it goes. */
export type AnalysisOptions = { bus: Bus, store: Store, configuration: ConfigurationView, lease: Lease, fitness?: Fitness, meter: Meter, logger: Logger, clock: Clock, instance: string }

/** The audit action under which operators keep notes. */
const NOTE = 'note'
const BATCH = 64
const TURN_MS = 1000
/** Time passes a little late, so that what was published just before is read just before. */
const LATE_MS = 2000
/** How often what costs more is counted. */
const GAUGES_EVERY = 10

export type RunningAnalysis = Stoppable & {
  readings: AnalysisReadings
  /** Forgets the confirmations of what fits the filter (a domain with all its pairs, a peer for all of ours): how many subjects that are. An incident stays what it is. */
  reset: (filter: { domain?: string, peer?: string }) => number
}

/** Observations are read once the configuration has been heard for the first time: without it nothing can be judged. Stop it before the store is closed. */
export async function startAnalysis ({ bus, store, configuration, lease, meter, logger, clock, instance, fitness = createFitness(clock) }: AnalysisOptions): Promise<RunningAnalysis> {
  spareMemory()
  const slices = createSlices(clock)
  const analysis = createAnalysis({ store, configuration, slices, meter, logger, clock })
  const stopping = new AbortController()
  const presences = new Map<string, AgentPresence>()
  const waiting: Record<StreamName, number> = { observations: 0, announcements: 0, audit: 0, facts: 0 }
  const time = createStreamTime(clock)
  /** Everything had been read a moment ago: what comes next was taken just now. */
  let upToDate = false
  const readers = new Map<StreamName, Subscription>()
  let turning: Promise<void> | undefined
  let turns = 0
  let ready = false

  const readings = createReadings({
    analysis, store, clock, behind: () => waiting.observations,
    agents: () => {
      const agents = [...presences.values()]
      const manned = new Set(agents.map(({ vantage }) => vantage))
      return { healthy: agents.filter(({ state }) => state === 'running').length, all: agents.length, vacant: configuration.all('Vantage').flatMap(({ name }) => manned.has(name) ? [] : [name]) }
    },
  })

  const read = async <S extends TSchema>(type: EventType<S>, stream: StreamName, take: (batch: readonly Delivery<Static<S>>[]) => Promise<void> | void): Promise<void> => {
    const { last, made: now } = await bus.extent(stream)
    // A store that was never told of which stream its place is.
    if (store.made(stream) === undefined && store.position(stream) <= last) store.found(stream, now)
    const made = store.made(stream)
    const reader = await bus.consume(type, { afterSeq: store.position(stream), ...(made === undefined ? {} : { made }) }, async (batch, gap, { made, reset }) => {
      if (made !== store.made(stream)) {
        // What is in it has new numbers; ids tell what is known.
        store.begin(stream, made)
        if (reset) {
          meter.add(resets, { stream })
          logger.warn({ stream, made }, 'the stream was made anew and is read from its beginning; what was known before stays')
        }
      }
      if (gap > 0) {
        meter.add(gaps, { stream }, gap)
        logger.warn({ stream, gap }, 'messages were dropped by the limits of the stream before they were read')
      }
      // What came again because the last batch was not confirmed has been taken already.
      const from = store.position(stream)
      const fresh = batch.filter(({ seq }) => seq > from)
      try {
        await take(fresh)
        fitness.passed(stream)
      } catch (error) {
        if (stopping.signal.aborted) return
        fitness.failed(stream, error)
        meter.add(analysisErrors, { step: stream })
        logger.error({ stream, instance, error: error instanceof Error ? error.message : String(error) }, 'a batch could not be taken and is read again')
        throw error
      }
    }, { most: BATCH })
    readers.set(stream, reader)
  }

  const takeAudit = (batch: readonly Delivery<AuditEntry>[]): void => {
    const notes: ChangeView[] = []
    store.transaction(() => {
      for (const { body, seq } of batch) {
        const note = store.journal.audit(body) ? noteOf(body) : undefined
        if (note !== undefined) {
          store.journal.change(note)
          notes.push(note)
        }
        store.setPosition('audit', seq)
      }
    })
    analysis.noticed(notes.map(change => ({ on: 'change', change })))
  }

  /** Who did what is known without a configuration, and what was announced too. */
  const beginJournal = async (): Promise<void> => {
    await read(AnnouncementEvent, 'announcements', batch => store.transaction(() => {
      for (const { body, seq } of batch) {
        store.journal.said(body.id, Date.parse(body.at))
        store.setPosition('announcements', seq)
      }
    }))
    await read(AuditEvent, 'audit', takeAudit)
  }
  const begin = async (): Promise<void> => {
    if (ready || configuration.revision === 0) return
    ready = true
    try {
      await read(ObservationEvent, 'observations', batch => {
        const last = batch.at(-1)
        if (upToDate && last !== undefined) time.heard(Date.parse(last.at))
        upToDate = false
        return analysis.take(batch)
      })
      await read(PairFactsEvent, 'facts', batch => takePairFacts(batch, { store, analysis, meter }))
    } catch (error) {
      ready = false
      throw error
    }
  }

  /** How many of a stream are not taken yet. What is malformed never comes, and its reader tells that it is past it. */
  const left = async (stream: StreamName): Promise<number> => {
    const { last, made } = await bus.extent(stream)
    const place = readers.get(stream)?.place?.()
    return Math.max(0, last - Math.max(store.made(stream) === made ? store.position(stream) : 0, place?.made === made ? place.seq : 0))
  }

  const turn = async (): Promise<void> => {
    const displaced = fitness.unfit === undefined ? store.displaced() : undefined
    if (displaced !== undefined) {
      fitness.failed('store', new OperatorError('store-displaced', displaced))
      logger.error({ instance }, displaced)
    }
    // What others must know most is told first, whatever fails afterwards.
    meter.set(leaseHeld, {}, lease.held ? 1 : 0)
    meter.set(failing, {}, fitness.unfit === undefined ? 0 : 1)
    await begin()
    const reads = bus.connected && ready
    if (reads) {
      for (const stream of ['observations', 'announcements', 'audit'] as const) waiting[stream] = await left(stream)
      meter.set(behind, {}, waiting.observations)
    }
    const said = forget()
    if (said) turns = 0
    if (turns++ % GAUGES_EVERY === 0) gauge()
    if (!reads) {
      upToDate = false
      return
    }
    upToDate = waiting.observations === 0 && !slices.busy
    if (!upToDate || stopping.signal.aborted) return
    await analysis.pass(time.now() - LATE_MS)
    if (waiting.announcements === 0) await announce({ bus, store, lease, meter, logger, signal: stopping.signal, now: time.now() })
  }

  /** True when something was forgotten. */
  const forget = (): boolean => {
    const { successes, failures, history, ids } = store.forget()
    for (const [what, number] of Object.entries({ successes, failures, history, ids })) if (number > 0) meter.add(forgotten, { what }, number)
    return successes + failures > 0
  }

  const gauge = (): void => {
    meter.set(storeBytes, {}, store.bytes())
    meter.set(storeLimit, {}, store.limits.bytes)
    meter.set(storeBlobs, {}, store.blobs())
    meter.set(unannounced, {}, store.journal.waiting())
    const states = { open: 0, confirmed: 0, recovering: 0, resolved: 0 }
    for (const incident of analysis.desk.open()) states[incident.state]++
    for (const state of ['open', 'confirmed', 'recovering'] as const) meter.set(openIncidents, { state }, states[state])
    let split = 0
    for (const { halves } of analysis.board.all()) for (const { agreement: { inside, insideAgree, outside, outsideAgree } } of halves) if (insideAgree + outsideAgree < inside + outside) split++
    meter.set(disagreement, {}, split)
  }

  /** Never two at once; what fails is told, and tried again in the next. */
  const again = (): void => {
    turning ??= turn().then(() => fitness.passed('turn'), (error: unknown) => {
      if (stopping.signal.aborted) return
      if (bus.connected) fitness.failed('turn', error)
      else fitness.interrupted()
      meter.add(analysisErrors, { step: 'turn' })
      logger.error({ instance, error: error instanceof Error ? error.message : String(error) }, 'the analysis could not take its turn')
    }).finally(() => { turning = undefined })
  }

  const unhear = [
    configuration.onChange(changes => {
      analysis.configured(changes)
      again()
    }),
    lease.onChange(again),
  ]
  const presence = await (await bus.documents(PresenceDocument, { create: true })).watch(change => {
    if (change.on === 'put') presences.set(change.key, change.document)
    if (change.on === 'removed') presences.delete(change.key)
  })
  await beginJournal()
  const timer = setInterval(again, TURN_MS)
  again()
  return {
    readings, reset: analysis.reset,
    stop: async () => {
      clearInterval(timer)
      for (const off of unhear) off()
      stopping.abort()
      await Promise.all([presence, ...readers.values()].map(each => each.stop()))
      await turning
      await slices.idle()
    },
  }
}

function noteOf ({ action, outcome, after }: AuditEntry): ChangeView | undefined {
  if (action !== NOTE || outcome !== 'done' || typeof after !== 'object' || after === null) return undefined
  const note = after as Partial<ChangeView>
  return typeof note.id === 'string' && typeof note.at === 'string' && typeof note.domain === 'string' && note.kind === 'note' && typeof note.what === 'string'
    ? { id: note.id, at: note.at, domain: note.domain, kind: 'note', what: note.what, before: null, after: null, ...(typeof note.actor === 'string' ? { actor: note.actor } : {}) }
    : undefined
}
