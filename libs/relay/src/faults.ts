/** Faults of the gateway itself, where the network or a timer called it: each ends one thing and not the process, is counted, and logged once for each kind. */
import type { Failure } from '@dialtone/contracts'
import { defineCounter, quoted, type Logger, type Meter } from '@dialtone/kernel'

export const faults = defineCounter('dialtone_gateway_faults_total', 'Faults of the gateway itself: each ended a stanza, a stream or an attempt, and nothing else.')

/** Kinds that are remembered: what is new after them is counted alone. */
const MOST_KINDS = 100
const known = new WeakMap<Logger, Set<string>>()

/** `where`: which part was called, from a closed set. Returns the fault as what ended the stream. */
export function reportFault ({ meter, logger }: { meter: Meter, logger: Logger }, where: string, error: unknown): Failure {
  meter.add(faults, {})
  const text = quoted(String(error), 300).slice(0, 400)
  const kinds = known.get(logger) ?? new Set()
  known.set(logger, kinds)
  const kind = `${where} ${text}`
  if (!kinds.has(kind) && kinds.size < MOST_KINDS) {
    kinds.add(kind)
    logger.error({ where, error: text, at: error instanceof Error ? quoted(error.stack?.split('\n')[1]?.trim() ?? '', 200) : '' }, 'a fault of the gateway ended one stream or attempt')
  }
  return { at: 'probe', why: 'unclassified', detail: text }
}
