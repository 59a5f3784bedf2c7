// What does the peer answer to our dialback key? (XEP-0220 §2.1, §2.5)
import type { Deep, DeepConnection } from '@dialtone/contracts'
import { defineConnectionCheck } from '../check.ts'
import { dialbackDeviationOf, dialbackMeaning, type DialbackMeaning } from '../dialback-deviations.ts'
import { callbackOf, type CallbackOutcome } from './dialback-callback.ts'
import { FULL_MS, earlyMs, seconds, stopped, told, worded } from './seen.ts'

/** `made-up`: at depth knock, where the right answer is invalid. */
export type DialbackOutcome =
  | 'valid' | 'valid-without-callback' | 'valid-although-denied' | 'valid-made-up' | 'invalid' | 'invalid-made-up'
  | DialbackMeaning | 'other-error'
  | 'stream-error' | 'stream-ended' | 'none' | 'none-yet' | 'interrupted' | 'not-asked'

const PEER = { suspect: 'peer' } as const

export const dialbackAnswer = defineConnectionCheck<DialbackOutcome>({
  id: 's2s.dialback-answer',
  asks: 'What does the peer answer to our dialback key?',
  about: 'The answer to db:result on the same stream. A healthy server calls back first: s2s.dialback-callback says whether it did, and only both together prove a cause. Errors are read by the table of what real servers mean. Servers in use give up after 90 seconds at the latest; 15 are the early warning.',
  outcomes: {
    valid: { level: 'ok', says: 'accepts our key' },
    'valid-without-callback': { level: 'ok', says: 'accepts our key without asking anybody (XEP-0344)' },
    'valid-although-denied': { level: 'error', says: 'accepts our key although it was told that it is invalid', ...PEER },
    'valid-made-up': { level: 'error', says: 'accepts a key that nobody made: it does not verify', ...PEER },
    invalid: { level: 'error', says: 'says that our key is invalid' },
    'invalid-made-up': { level: 'ok', says: 'denies a made-up key, as it should' },
    policy: { level: 'error', says: 'refuses dialback with us by policy', ...PEER },
    'claims-sender': { level: 'error', says: 'does not accept us as the sender, as some servers do that serve the domain themselves', ...PEER },
    denied: { level: 'error', says: 'says that the authoritative server denied our key' },
    'callback-blocked': { level: 'error', says: 'could not connect to our authoritative server', suspect: 'path' },
    'callback-misdirected': { level: 'error', says: 'was led to a server that does not serve us, or to none', suspect: 'ours' },
    'callback-failed': { level: 'error', says: 'got no answer from our authoritative server' },
    'wrong-host': { level: 'error', says: 'does not serve the domain that was asked for', ...PEER },
    'needs-encryption': { level: 'error', says: 'wants encryption before dialback' },
    'needs-certificate': { level: 'warning', says: 'wants a valid certificate, not dialback' },
    busy: { level: 'warning', says: 'asks to come back later', ...PEER },
    'other-error': { level: 'error', says: 'answers with an error that says nothing known', ...PEER },
    'stream-error': { level: 'error', says: 'ends the stream with an error in place of an answer', ...PEER },
    'stream-ended': { level: 'error', says: 'ends the stream without an answer', ...PEER },
    none: { level: 'error', says: 'does not answer to the end' },
    'none-yet': { level: 'warning', says: 'has not answered by the early warning, after 15 s, and was not waited for longer' },
    interrupted: { level: 'unknown', says: 'was not waited for to the end' },
    'not-asked': { level: 'unknown', says: 'ended before a key could be sent' },
  },
  judge: (connection, { deep }) => {
    if (connection.role !== 'dialback' && connection.dialback === undefined) return undefined
    const { is, detail } = dialbackOf(connection, deep)
    return detail === undefined ? is : { outcome: is, detail }
  },
})

/** A wait is measured from the key, and begins to be counted a moment later. */
const ALMOST = 0.95

/** Of a peer that says that its time ran out: servers count it in whole seconds, and an operator may have set few (Prosody s2s_timeout). */
const LEAST_TIME_OUT_MS = 1000

/** How the dialback of a connection ended. */
export function dialbackOf (connection: DeepConnection, deep: Deep): { is: DialbackOutcome, detail?: string } {
  const { dialback } = connection
  const stop = stopped(connection)
  if (dialback === undefined) return { is: 'not-asked', ...(stop === undefined ? {} : { detail: `${stop.stage}: ${told(stop.failure)}` }) }
  const { answer, key, cutShort, waitedMs } = dialback
  if (answer !== undefined) return answered(answer, key === 'made-up', callbackOf(connection, deep).is)
  if (cutShort === true) return { is: 'none-yet', detail: deep.quick ? 'the check was told to stop there (--quick)' : 'another endpoint had been silent before' }
  const failure = stop?.failure
  const waited = `after ${seconds(waitedMs)}`
  const unanswered = (least: number) => waitedMs >= least ? 'none' : 'stream-ended'
  if (failure?.at === 'stream' && failure.why === 'stream-error') return { is: failure.condition === 'connection-timeout' ? unanswered(Math.min(LEAST_TIME_OUT_MS, earlyMs(deep))) : 'stream-error', detail: `${told(failure)}, ${waited}` }
  if (failure?.at === 'stream' && failure.why === 'broke-protocol') return { is: 'other-error', detail: told(failure) }
  if (failure?.at === 'stream' && failure.why !== 'went-silent') return { is: unanswered(earlyMs(deep)), detail: `${told(failure)}, ${waited}` }
  return waitedMs >= (deep.waits?.fullMs ?? FULL_MS) * ALMOST ? { is: 'none', detail: waited } : { is: 'interrupted', detail: waited }
}

function answered (answer: NonNullable<NonNullable<DeepConnection['dialback']>['answer']>, madeUp: boolean, callback: CallbackOutcome): { is: DialbackOutcome, detail?: string } {
  if (answer.type === 'valid') return { is: madeUp ? 'valid-made-up' : callback === 'denied' ? 'valid-although-denied' : callback === 'not-needed' ? 'valid-without-callback' : 'valid' }
  if (answer.type === 'invalid') return { is: madeUp ? 'invalid-made-up' : 'invalid' }
  const means = dialbackMeaning(answer)
  const known = dialbackDeviationOf(answer)
  const detail = known === undefined ? worded(answer) : `${worded(answer)}, as ${known.server} says when ${known.when}${known.known === 'source' ? ' (source, not run)' : ''}`
  return { is: madeUp && means === 'denied' ? 'invalid-made-up' : means ?? 'other-error', detail }
}
