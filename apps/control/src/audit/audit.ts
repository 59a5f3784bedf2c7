/**
 * Who did what to what: every write that was understood, done or refused, is an entry in a durable history on the bus.
 *
 *     createAudit({ bus, clock, logger, meter? }): Audit & Stoppable
 *
 * An entry says what became of a write, so it is written after it. Between the two lies only a loss of the bus or of this process: an entry that the bus
 * does not take waits here and is tried until it does, and while one waits, or the bus is away, `ready()` refuses the next write. So what can be missing is
 * the entry of a write that was under way when this process died; the resource itself still says who wrote it and when (docs/decisions/0013).
 */
import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { NO_METER, OperatorError, defineCounter, defineGauge, quoted, type Clock, type Logger, type Meter, type Stoppable } from '@dialtone/kernel'
import { AuditEvent } from '@dialtone/contracts/schemas'
import type { AuditEntry, Bus } from '@dialtone/contracts'
import { problem } from '../resources/problem.ts'

/** `id`: the same for the same thing, so that a repetition is harmless; default a new one. */
export type AuditRecord = Pick<AuditEntry, 'actor' | 'role' | 'action' | 'subject' | 'outcome'> & Partial<Pick<AuditEntry, 'id' | 'says' | 'before' | 'after' | 'reason' | 'ticket'>>

export type Audit = {
  /** Before a write: rejects with a Refusal 503 when its entry could not be stored now. */
  ready: () => void
  /** Resolves when the bus has the entry, or when it has been put aside to be tried again. Never rejects. */
  record: (entry: AuditRecord) => Promise<void>
}

/** Entries that wait for the bus; above it the oldest is dropped, and counted. */
const MOST_WAITING = 50_000
/** `before` and `after` of one entry, as JSON; larger ones are replaced by their digest and size. */
const MOST_VALUE_BYTES = 64 * 1024
const RETRY_MS = 1000
const STOP_WAITS_MS = 3000

export function createAudit ({ bus, clock, logger, meter = NO_METER, retryMs = RETRY_MS }: { bus: Bus, clock: Clock, logger: Logger, meter?: Meter, retryMs?: number }): Audit & Stoppable {
  const waiting: AuditEntry[] = []
  const stopping = new AbortController()
  let flushing: Promise<void> | undefined

  const lose = (entry: AuditEntry, why: string): void => {
    meter.add(auditLost)
    logger.error({ entry, why }, 'an audit entry is lost to the bus; this line is what is left of it')
  }
  /** False: not now. What the bus will never take is lost, and said so: it must not stop every later write. */
  const stored = async (entry: AuditEntry): Promise<boolean> => {
    try {
      await bus.publish(AuditEvent, [], entry, { id: entry.id })
    } catch (error) {
      if (!(error instanceof OperatorError && (error.code === 'bad-body' || error.code === 'too-large'))) {
        logger.warn({ id: entry.id, subject: entry.subject, waiting: waiting.length, err: String(error) }, 'an audit entry is not stored yet; it is tried again')
        return false
      }
      lose(entry, error.message)
    }
    return true
  }

  const flush = async (): Promise<void> => {
    for (let entry = waiting[0]; entry !== undefined; entry = waiting[0]) {
      if (await stored(entry)) {
        if (waiting[0] === entry) waiting.shift()
        meter.set(auditWaiting, {}, waiting.length)
      } else if (stopping.signal.aborted) return
      else await pause(retryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  return {
    ready: () => {
      if (waiting.length > 0 || !bus.connected) throw problem(503, 'audit-unavailable', 'Nothing was changed, because the bus is away and the change could not be put on record; try again when it is back.', { headers: { 'retry-after': '5' } })
    },
    record: async given => {
      const entry = entryOf(given, clock)
      meter.add(auditEntries, { outcome: entry.outcome })
      if (waiting.length === 0 && await stored(entry)) return
      waiting.push(entry)
      const oldest = waiting.length > MOST_WAITING ? waiting.shift() : undefined
      if (oldest !== undefined) lose(oldest, `more than ${MOST_WAITING} wait`)
      meter.set(auditWaiting, {}, waiting.length)
      flushing ??= flush().finally(() => { flushing = undefined })
    },
    stop: async () => {
      stopping.abort()
      await Promise.race([flushing, pause(STOP_WAITS_MS, undefined, { ref: false })])
      for (const entry of waiting) logger.error({ entry }, 'an audit entry was not stored before the end; this line is what is left of it')
    },
  }
}

function entryOf ({ id, actor, role, action, subject, outcome, says, before, after, reason, ticket }: AuditRecord, clock: Clock): AuditEntry {
  return {
    v: 1, id: id ?? randomUUID(), at: new Date(clock.now()).toISOString(),
    actor: quoted(actor, 90), role: quoted(role, 18), action: quoted(action, 58), subject: quoted(subject, 390), outcome,
    ...(says === undefined ? {} : { says: says.slice(0, 2000) }), ...(before === undefined ? {} : { before: bounded(before) }), ...(after === undefined ? {} : { after: bounded(after) }),
    ...(reason === undefined ? {} : { reason: reason.slice(0, 400) }), ...(ticket === undefined ? {} : { ticket: ticket.slice(0, 100) }),
  }
}

function bounded (value: unknown): unknown {
  const text = JSON.stringify(value)
  return text === undefined || text.length <= MOST_VALUE_BYTES ? value : { leftOut: true, bytes: text.length, sha256: createHash('sha256').update(text).digest('hex') }
}

export const auditEntries = defineCounter('dialtone_audit_entries_total', 'Writes that were put on record, by outcome.', ['outcome'])
export const auditWaiting = defineGauge('dialtone_audit_waiting', 'Audit entries that the bus has not taken yet; writes are refused meanwhile.')
export const auditLost = defineCounter('dialtone_audit_lost_total', 'Audit entries that were dropped because too many waited; the log has them.')
