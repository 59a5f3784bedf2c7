// Did the peer call our authoritative server back, and what was it told? (XEP-0220 §2.1.2, §2.2.2)
import type { Callback, Deep, DeepConnection } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import { defineConnectionCheck } from '../check.ts'
import { arrivals, listens, seconds, strays, told } from './seen.ts'

export type CallbackOutcome = 'answered-tls' | 'answered-clear' | 'denied' | 'unserved' | 'refused' | 'strange-id' | 'aborted' | 'unasked' | 'not-seen' | 'not-needed' | 'not-observable'

export const dialbackCallback = defineConnectionCheck<CallbackOutcome>({
  id: 's2s.dialback-callback',
  asks: 'Did the peer call our authoritative server back, and what was it told?',
  about: 'What reached our listener for the key of this connection: db:verify with its stream id, or a connection that ended before it asked. The peer may verify in any other way (XEP-0344), so that no callback is a fault only where the answer is not valid. Without a listener nobody sees it: at depth shared and knock our real server is called.',
  outcomes: {
    'answered-tls': { level: 'ok', says: 'called back over TLS, and was told that the key is valid' },
    'answered-clear': { level: 'notice', says: 'called back in clear, and was told that the key is valid' },
    denied: { level: 'error', says: 'called back, and was told that the key is invalid', suspect: 'ours', remedy: 'The key and the answer come from different secrets: use one, on every node.' },
    unserved: { level: 'error', says: 'called back, and was told that the domain is not served here', suspect: 'ours' },
    refused: { level: 'error', says: 'called back, and was refused by our own policy', suspect: 'ours' },
    'strange-id': { level: 'warning', says: 'called back about a stream id that is none of this check', suspect: 'peer' },
    aborted: { level: 'warning', says: 'connected, and ended before it asked', suspect: 'ours', remedy: 'Check the certificate of the listener as the peer sees it: strict servers ask nothing of a server that they do not trust.' },
    unasked: { level: 'warning', says: 'connected, and asked nothing while it was waited for' },
    'not-seen': { level: 'warning', says: 'was not seen to call back', suspect: 'path' },
    'not-needed': { level: 'ok', says: 'took the key for valid without calling back (XEP-0344)' },
    'not-observable': { level: 'unknown', says: 'could not be seen calling back: nothing of this check listens, or more came than was kept' },
  },
  judge: (connection, { deep }) => {
    if (connection.dialback === undefined || connection.of !== 'peer') return undefined
    const { is, callback } = callbackOf(connection, deep)
    if (callback === undefined) {
      const detail = is === 'not-seen' ? strays(deep) : undefined
      return detail === undefined ? is : { outcome: is, detail: `${detail}; whose is not known` }
    }
    return { outcome: is, detail: describe(callback, connection) }
  },
})

/** What decides most first: an answer of ours, then a question about another key, then none. */
const WEIGHT: readonly CallbackOutcome[] = ['denied', 'refused', 'unserved', 'answered-tls', 'answered-clear', 'strange-id', 'aborted', 'unasked']

/** What came back for the key of a connection, and the connection that brought it. */
export function callbackOf (connection: DeepConnection, deep: Deep): { is: CallbackOutcome, callback?: Callback } {
  const seen = arrivals(connection, deep).toSorted(bySourceAndTime).flatMap(callback => {
    const is = outcomeOf(callback)
    return is === undefined ? [] : [{ is, callback }]
  })
  const decisive = WEIGHT.map(outcome => seen.find(({ is }) => is === outcome)).find(each => each !== undefined)
  if (decisive !== undefined) return decisive
  // More came than was kept: what is not among the rest may still have come.
  if (!listens(deep) || deep.callbacksLeftOut > 0) return { is: 'not-observable' }
  return { is: connection.dialback?.answer?.type === 'valid' ? 'not-needed' : 'not-seen' }
}

function bySourceAndTime (a: Callback, b: Callback): number {
  return a.atMs - b.atMs || (a.source < b.source ? -1 : a.source > b.source ? 1 : 0)
}

/** Undefined: the peer came to authenticate itself, which is no callback. One that is open, was closed cleanly or waited until we closed it was not broken off. */
function outcomeOf ({ asked, strangeId, tls, authenticated, reverse, failure }: Callback): CallbackOutcome | undefined {
  switch (asked?.answered) {
    case 'valid': return tls === undefined ? 'answered-clear' : 'answered-tls'
    case 'invalid': return 'denied'
    case 'item-not-found': return 'unserved'
    case 'policy-violation': return 'refused'
    default:
      if (strangeId !== undefined) return 'strange-id'
      if (authenticated !== undefined || reverse !== undefined) return undefined
      return failure === undefined || (failure.at === 'stream' && failure.why === 'went-silent') ? 'unasked' : 'aborted'
  }
}

function describe ({ source, atMs, asked, strangeId, tls, failure }: Callback, { dialback }: DeepConnection): string {
  const after = Math.max(0, (asked?.atMs ?? atMs) - (dialback?.sentAtMs ?? 0))
  return [
    `from ${quoted(source, 60)}, ${seconds(after)} after the key`, tls ?? 'in clear',
    ...(strangeId === undefined ? [] : [`id ${quoted(strangeId, 60)}`]), ...(failure === undefined ? [] : [told(failure)]),
  ].join(', ')
}
