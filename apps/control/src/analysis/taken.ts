// What is worked out of one observation before anything is written: its place, its outline, whether something in it failed, and what it shows.
import { hash } from 'node:crypto'
import { outlineOf } from '@dialtone/checks'
import type { Delivery, Observation, ObservationRecorded } from '@dialtone/contracts'

export type Taken = {
  record: ObservationRecorded
  /** vantage, target, depth: what is compared with what. */
  slot: string
  outline: string
  failing: boolean
  /** When it began: not after the bus had it, so that a clock that is ahead hides nothing. */
  at: number
  /** As it was told, for recognising it again. */
  started: number
  /** When the bus took it: the time by which all is ordered. */
  heard: number
}

/** Clocks further ahead than that are wrong beyond doubt. */
const AHEAD_MS = 30_000

/** Pure but for the digest. */
export function taken ({ body, at }: Pick<Delivery<ObservationRecorded>, 'body' | 'at'>, slowStageMs: number): Taken {
  const { observation, vantage, target } = body
  const [started, heard] = [Date.parse(observation.startedAt), Date.parse(at)]
  const record: ObservationRecorded = started > heard + AHEAD_MS && body.aside === undefined ? { ...body, aside: 'clock' } : body
  const text = `${body.job} ${body.ours ?? ''} ${record.aside ?? ''}\n${outlineOf(observation, { slowStageMs })}`
  return {
    record, slot: slotKey(vantage, target, observation.deep !== undefined), outline: hash('sha256', text, 'base64').slice(0, 22), failing: isFailing(observation), at: Math.min(started, heard), started, heard,
  }
}

export function slotKey (vantage: string, target: string, deep: boolean): string {
  return `${vantage} ${target} ${deep ? 'deep' : 'light'}`
}

const UNANSWERED: ReadonlySet<string> = new Set(['servfail', 'refused', 'timeout', 'unreachable', 'malformed', 'other-rcode'])

/** Something that was asked failed. Not a verdict: it decides how many of equal observations are kept. */
function isFailing ({ endpoints, dns, deep }: Observation): boolean {
  return endpoints.length === 0 || endpoints.some(({ steps }) => steps.some(({ outcome, stage }) => outcome === 'failed' && stage !== 'close')) || dns.some(({ outcome, purpose }) => UNANSWERED.has(outcome) && purpose !== 'tlsa' && purpose !== 'tlsa-inbound')
    || deep?.connections.some(({ steps, dialback, sasl }) => steps.some(({ outcome, stage }) => outcome === 'failed' && stage !== 'close') || (dialback?.answer !== undefined && dialback.answer.type !== 'valid') || sasl?.success === false) === true
}
