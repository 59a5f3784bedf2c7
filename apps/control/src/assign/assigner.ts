/**
 * Keeps what each vantage has to do in the bucket of that vantage, which its agents may read, and makes the buckets. Only the holder of the lease writes.
 *
 *     startAssigner({ bus, configuration, lease, logger, meter? }): Stoppable & { settled(): Promise<void> }
 *
 * An assignment is written only when it says something new, so its `revision` is that of the configuration it was made of, and may stay behind.
 * A former holder that has not noticed yet writes over nothing that was made of a later configuration (compare-and-set). A vantage that was removed
 * is emptied: the list of all that were ever written is kept beside, so that a restart forgets none.
 */
import { createHash } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import { NO_METER, OperatorError, defineCounter, defineGauge, type Logger, type Meter, type Stoppable } from '@dialtone/kernel'
import { ASSIGNMENT_KEY, assignmentDocument, Name } from '@dialtone/contracts/schemas'
import { Type, type Static } from 'typebox'
import type { Assignment, Bus, ConfigurationView, Documents, Lease } from '@dialtone/contracts'
import { assignmentOf } from './assignment.ts'

const AssignedVantages = Type.Object({ v: Type.Literal(1), vantages: Type.Array(Name) }, { additionalProperties: false })
const ASSIGNED_DOCUMENT = { bucket: 'assigned', schema: AssignedVantages } as const
const ASSIGNED_KEY = 'vantages'

/** Everything is compared again so often, and at once after a change. */
const RECONCILE_MS = 60_000

export function startAssigner ({ bus, configuration, lease, logger, meter = NO_METER, reconcileMs = RECONCILE_MS }: { bus: Bus, configuration: ConfigurationView, lease: Lease, logger: Logger, meter?: Meter, reconcileMs?: number }): Stoppable & { settled: () => Promise<void> } {
  const open = new Map<string, Promise<Documents<Assignment>>>()
  /** What is in each bucket as far as we know: what its document says. */
  const written = new Map<string, string>()
  const state: { dirty: boolean, stopped: boolean, running: Promise<void> | undefined, anew: boolean, seen: number } = { dirty: false, stopped: false, running: undefined, anew: false, seen: 0 }

  const bucketOf = (vantage: string): Promise<Documents<Assignment>> => {
    const known = open.get(vantage)
    if (known !== undefined) return known
    const opening = bus.documents(assignmentDocument(vantage), { create: true })
    open.set(vantage, opening)
    opening.catch(() => open.delete(vantage))
    return opening
  }

  const run = async (): Promise<void> => {
    while (state.dirty && !state.stopped) {
      state.dirty = false
      // Nothing is known yet, or what there is cannot be read: that is no reason to take everybody's work away.
      if (!lease.held || configuration.revision === 0) continue
      try {
        await assign()
      } catch (error) {
        meter.add(assignmentWrites, { outcome: 'failed' })
        logger.warn({ err: String(error) }, 'assignments could not be written; they are tried again')
      }
    }
  }

  const assign = async (): Promise<void> => {
    const vantages = configuration.all('Vantage')
    const names = vantages.map(({ name }) => name)
    const before = await remember(names)
    for (const vantage of vantages) {
      if (!lease.held || state.stopped) return
      await alone(vantage.name, () => write(assignmentOf(vantage, configuration, configuration.revision)))
      await breathe()
    }
    const emptied: string[] = []
    for (const name of before.filter(known => configuration.get('Vantage', known) === undefined)) {
      if (!lease.held || state.stopped) return
      await alone(name, async () => {
        await empty(name)
        emptied.push(name)
      })
    }
    if (emptied.length > 0) await forget(emptied)
  }

  /** What fails for one vantage keeps no other from its work. */
  const alone = async (vantage: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      meter.add(assignmentWrites, { outcome: 'failed' })
      logger.warn({ vantage, err: String(error) }, 'the assignment of this vantage could not be written; it is tried again')
    }
  }

  const empty = async (name: string): Promise<void> => {
    await (await bucketOf(name)).remove(ASSIGNMENT_KEY)
    written.delete(name)
    meter.remove(assignmentTargets, { vantage: name })
    meter.add(assignmentWrites, { outcome: 'emptied' })
    logger.info({ vantage: name }, 'a vantage was removed; its agents have nothing to do any more')
  }

  const write = async (assignment: Assignment): Promise<void> => {
    const { vantage, revision, targets } = assignment
    const says = saying(assignment)
    meter.set(assignmentTargets, { vantage }, targets.length)
    if (written.get(vantage) === says) return
    const documents = await bucketOf(vantage)
    const there = await documents.get(ASSIGNMENT_KEY)
    if (there !== undefined && saying(there.document) === says) {
      written.set(vantage, says)
      return
    }
    // Unless the configuration was made anew and counts from 1 again, which the reconciliation sees: then nothing later comes.
    if (there !== undefined && there.document.revision > revision && !state.anew) return
    try {
      await documents.put(ASSIGNMENT_KEY, assignment, { expect: there?.revision ?? 0 })
    } catch (error) {
      if (!(error instanceof OperatorError && error.code === 'conflict')) throw error
      logger.info({ vantage }, 'another control wrote this assignment first; it is compared again')
      meter.add(assignmentWrites, { outcome: 'conflict' })
      state.dirty = true
      return
    }
    written.set(vantage, says)
    meter.add(assignmentWrites, { outcome: 'done' })
    logger.info({ vantage, revision, targets: targets.length }, 'an assignment was written')
  }

  const remember = async (names: readonly string[]): Promise<readonly string[]> => {
    const documents = await bus.documents(ASSIGNED_DOCUMENT, { create: true })
    const kept = await documents.get(ASSIGNED_KEY)
    const known = kept?.document.vantages ?? []
    const all = [...new Set([...known, ...names])].toSorted()
    if (all.length !== known.length) await documents.put(ASSIGNED_KEY, { v: 1, vantages: all }, { expect: kept?.revision ?? 0 })
    return known
  }
  const forget = async (gone: readonly string[]): Promise<void> => {
    const documents = await bus.documents(ASSIGNED_DOCUMENT, { create: true })
    const kept = await documents.get(ASSIGNED_KEY)
    if (kept !== undefined) await documents.put(ASSIGNED_KEY, { v: 1, vantages: kept.document.vantages.filter(name => !gone.includes(name)) }, { expect: kept.revision })
  }

  const wake = (): void => {
    state.dirty = true
    state.running ??= run().finally(() => { state.running = undefined })
  }
  const timer = setInterval(() => {
    written.clear()
    state.anew = configuration.revision === state.seen
    state.seen = configuration.revision
    wake()
  }, reconcileMs)
  timer.unref()
  const ends = [
    configuration.onChange(() => {
      state.anew = false
      wake()
    }),
    lease.onChange(held => {
      written.clear()
      if (held) wake()
    }),
    bus.onConnection(connected => {
      if (connected) wake()
    }),
  ]
  wake()

  return {
    settled: async () => {
      while (state.running !== undefined) await state.running
    },
    stop: async () => {
      state.stopped = true
      clearInterval(timer)
      for (const end of ends) end()
      await state.running
    },
  }
}

/** The same for two that ask for the same work. */
function saying (assignment: Assignment): string {
  return createHash('sha256').update(JSON.stringify({ ...assignment, revision: 0 })).digest('base64')
}

export type AssignedVantages = Static<typeof AssignedVantages>

export const assignmentTargets = defineGauge('dialtone_assignment_targets', 'What a vantage has to check.', ['vantage'])
export const assignmentWrites = defineCounter('dialtone_assignment_writes_total', 'Assignments of vantages: written, emptied, not written because another control was first, or failed.', ['outcome'])
