/**
 * Which forbidden writes become entries of the audit: of each token and route the first at once, and after a minute one more that says how many followed.
 * So who may only read cannot write the audit full.
 *
 *     createRefusals(audit): { forbidden(entry): Promise<void>, stop(): Promise<void> }
 */
import type { Audit, AuditRecord } from '../audit/audit.ts'

export const WINDOW_MS = 60_000
/** Tokens and routes that are counted apart; what is beyond counts together, by token. */
const MOST_WINDOWS = 2000

export type Forbidden = Pick<AuditRecord, 'actor' | 'role' | 'subject' | 'says'>

/** `stop` writes what was counted so far. */
export function createRefusals (audit: Pick<Audit, 'record'>, windowMs = WINDOW_MS): { forbidden: (entry: Forbidden) => Promise<void>, stop: () => Promise<void> } {
  const windows = new Map<string, { more: number, close: () => Promise<void>, timer: NodeJS.Timeout }>()
  const write = (entry: Forbidden) => audit.record({ ...entry, action: 'forbidden', outcome: 'refused' })

  return {
    forbidden: async entry => {
      const own = `${entry.actor} ${entry.subject}`
      const isFull = !windows.has(own) && windows.size >= MOST_WINDOWS
      const key = isFull ? `${entry.actor} *` : own
      const known = windows.get(key)
      if (known !== undefined) {
        known.more++
        return
      }
      const close = async () => {
        const more = windows.get(key)?.more ?? 0
        windows.delete(key)
        if (more > 0) await write({ ...entry, ...(isFull ? { subject: 'several routes' } : {}), says: `${more} more within ${Math.round(windowMs / 1000)} s: ${entry.says ?? 'refused'}` })
      }
      windows.set(key, { more: 0, close, timer: setTimeout(() => { void close() }, windowMs).unref() })
      await write(entry)
    },
    stop: async () => {
      for (const { timer, close } of windows.values()) {
        clearTimeout(timer)
        await close()
      }
    },
  }
}
