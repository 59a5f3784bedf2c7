/**
 * Keeps what each vantage and each gateway has to do in the bucket of that one, which it alone may read, and makes the buckets. Only the holder of the lease writes.
 *
 *     startAssigner({ bus, configuration, lease, logger, meter? }): Stoppable & { settled(): Promise<void> }
 *
 * What is in a document: `assignment.ts`, `gateway-assignment.ts`. When one is written: `told.ts`.
 */
import { NO_METER, defineGauge, type Logger, type Meter, type Stoppable } from '@dialtone/kernel'
import { assignmentDocument, gatewayDocument } from '@dialtone/contracts/schemas'
import type { Bus, ConfigurationView, Lease } from '@dialtone/contracts'
import { assignmentOf } from './assignment.ts'
import { gatewayAssignmentOf } from './gateway-assignment.ts'
import { assignmentWrites, createTold } from './told.ts'

/** Everything is compared again so often, and at once after a change. */
const RECONCILE_MS = 60_000

export function startAssigner ({ bus, configuration, lease, logger, meter = NO_METER, reconcileMs = RECONCILE_MS }: { bus: Bus, configuration: ConfigurationView, lease: Lease, logger: Logger, meter?: Meter, reconcileMs?: number }): Stoppable & { settled: () => Promise<void> } {
  const state: { dirty: boolean, stopped: boolean, running: Promise<void> | undefined, anew: boolean, seen: number } = { dirty: false, stopped: false, running: undefined, anew: false, seen: 0 }
  const shared = { bus, configuration, logger, meter }
  const all = [
    createTold({
      kind: 'Vantage', word: 'vantage', list: 'vantages', document: assignmentDocument, make: (vantage, { revision }) => assignmentOf(vantage, configuration, revision),
      seen: ({ vantage, targets }) => meter.set(assignmentTargets, { vantage }, targets.length), gone: vantage => meter.remove(assignmentTargets, { vantage }),
    }, shared),
    createTold({ kind: 'Gateway', word: 'gateway', list: 'gateways', document: gatewayDocument, make: (gateway, { revision }) => gatewayAssignmentOf(gateway, configuration, revision) }, shared),
  ]
  const forget = (): void => {
    for (const told of all) told.forget()
  }

  const run = async (): Promise<void> => {
    while (state.dirty && !state.stopped) {
      state.dirty = false
      // Nothing is known yet, or what there is cannot be read: that is no reason to take everybody's work away.
      if (!lease.held || configuration.revision === 0) continue
      for (const told of all) {
        try {
          await told.assign({ may: () => lease.held && !state.stopped, anew: state.anew, again: () => { state.dirty = true } })
        } catch (error) {
          meter.add(assignmentWrites, { outcome: 'failed' })
          logger.warn({ err: String(error) }, 'assignments could not be written; they are tried again')
        }
      }
    }
  }

  const wake = (): void => {
    state.dirty = true
    state.running ??= run().finally(() => { state.running = undefined })
  }
  const timer = setInterval(() => {
    forget()
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
      forget()
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

export const assignmentTargets = defineGauge('dialtone_assignment_targets', 'What a vantage has to check.', ['vantage'])
