/**
 * The analysis of one control instance, at work: it reads the three streams into its store, lets time pass while nothing waits to be read, forgets what is beyond the
 * limits, and, while it holds the lease, announces.
 */
import { AnnouncementEvent, AuditEvent, ObservationEvent, PresenceDocument } from '@dialtone/contracts/schemas'
import type { AgentPresence, AuditEntry, Bus, ChangeView, ConfigurationView, Delivery, EventType, Lease, StreamName, Subscription } from '@dialtone/contracts'
import type { Clock, Logger, Meter, Stoppable } from '@dialtone/kernel'
import type { Store } from '@dialtone/store'
import type { Static, TSchema } from 'typebox'
import { createAnalysis } from './analysis.ts'
import { announce } from './announcer.ts'
import { spareMemory } from './memory.ts'
import { analysisErrors, behind, disagreement, forgotten, gaps, leaseHeld, openIncidents, storeBlobs, storeBytes, unannounced } from './metrics.ts'
import { createReadings, type AnalysisReadings } from './readings.ts'
import { createSlices } from './slices.ts'

export type AnalysisOptions = { bus: Bus, store: Store, configuration: ConfigurationView, lease: Lease, meter: Meter, logger: Logger, clock: Clock, instance: string }

/** The audit action under which operators keep notes. */
const NOTE = 'note'
const BATCH = 64
const TURN_MS = 1000
/** Time passes a little late, so that what was published just before is read just before. */
const LATE_MS = 2000
/** A stream of which nothing came for so long is read to its end, although its numbers say that there is more: what is left was malformed. */
const QUIET_MS = 5000
/** How often what costs more is counted. */
const GAUGES_EVERY = 10

/** Observations are read once the configuration has been heard for the first time: without it nothing can be judged. Stop it before the store is closed. */
export async function startAnalysis ({ bus, store, configuration, lease, meter, logger, clock, instance }: AnalysisOptions): Promise<Stoppable & { readings: AnalysisReadings }> {
  spareMemory()
  const slices = createSlices(clock)
  const analysis = createAnalysis({ store, configuration, slices, meter, logger, clock })
  const stopping = new AbortController()
  const presences = new Map<string, AgentPresence>()
  const waiting: Record<StreamName, number> = { observations: 0, announcements: 0, audit: 0 }
  const heardAt = new Map<StreamName, number>()
  const subscriptions: Subscription[] = []
  let turning: Promise<void> | undefined
  let turns = 0
  let ready = false

  const readings = createReadings({
    analysis, store, clock, behind: () => waiting.observations,
    agents: () => ({ healthy: [...presences.values()].filter(({ state }) => state === 'running').length, all: presences.size }),
  })

  const read = async <S extends TSchema>(type: EventType<S>, stream: StreamName, take: (batch: readonly Delivery<Static<S>>[]) => Promise<void> | void): Promise<void> => {
    const { last } = await bus.extent(stream)
    // The stream was made anew: what is in it has new numbers, and ids tell what is known.
    if (store.position(stream) > last) store.setPosition(stream, 0)
    subscriptions.push(await bus.consume(type, { afterSeq: store.position(stream) }, async (batch, gap) => {
      heardAt.set(stream, clock.elapsed())
      if (gap > 0) {
        meter.add(gaps, { stream }, gap)
        logger.warn({ stream, gap }, 'messages were dropped by the limits of the stream before they were read')
      }
      // What came again because the last batch was not confirmed has been taken already.
      const from = store.position(stream)
      const fresh = batch.filter(({ seq }) => seq > from)
      try {
        await take(fresh)
      } catch (error) {
        if (stopping.signal.aborted) return
        meter.add(analysisErrors, { step: stream })
        logger.error({ stream, instance, error: error instanceof Error ? error.message : String(error) }, 'a batch could not be taken and is read again')
        throw error
      } finally {
        heardAt.set(stream, clock.elapsed())
      }
    }, { most: BATCH }))
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
      await read(ObservationEvent, 'observations', batch => analysis.take(batch))
    } catch (error) {
      ready = false
      throw error
    }
  }

  /** How many of a stream are not taken yet; what is malformed never comes, and is not waited for. */
  const left = async (stream: StreamName): Promise<number> => {
    const { last } = await bus.extent(stream)
    const number = Math.max(0, last - store.position(stream))
    return number > 0 && !slices.busy && clock.elapsed() - (heardAt.get(stream) ?? begunAt) > QUIET_MS ? 0 : number
  }
  const begunAt = clock.elapsed()

  const turn = async (): Promise<void> => {
    await begin()
    const said = forget()
    if (said) turns = 0
    if (turns++ % GAUGES_EVERY === 0) gauge()
    if (!bus.connected || !ready) return
    for (const stream of ['observations', 'announcements', 'audit'] as const) waiting[stream] = await left(stream)
    meter.set(behind, {}, waiting.observations)
    if (waiting.observations > 0 || slices.busy || stopping.signal.aborted) return
    await analysis.pass(clock.now() - LATE_MS)
    if (waiting.announcements === 0) await announce({ bus, store, lease, meter, logger, signal: stopping.signal, now: clock.now() })
  }

  /** True when something was forgotten. */
  const forget = (): boolean => {
    const { successes, failures, history, ids } = store.forget()
    for (const [what, number] of Object.entries({ successes, failures, history, ids })) if (number > 0) meter.add(forgotten, { what }, number)
    return successes + failures > 0
  }

  const gauge = (): void => {
    meter.set(storeBytes, {}, store.bytes())
    meter.set(storeBlobs, {}, store.blobs())
    meter.set(leaseHeld, {}, lease.held ? 1 : 0)
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
    turning ??= turn().catch((error: unknown) => {
      if (stopping.signal.aborted) return
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
    readings,
    stop: async () => {
      clearInterval(timer)
      for (const off of unhear) off()
      stopping.abort()
      await Promise.all([presence, ...subscriptions].map(each => each.stop()))
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
