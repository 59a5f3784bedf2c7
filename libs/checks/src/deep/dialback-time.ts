// How long do the answer and the callback take? (XEP-0220 §2.1)
import { defineConnectionCheck } from '../check.ts'
import { callbackOf } from './dialback-callback.ts'
import { EARLY_MS, seconds } from './seen.ts'

export const dialbackTime = defineConnectionCheck({
  id: 's2s.dialback-time',
  asks: 'How long do the answer and the callback take?',
  about: 'From our key to the db:verify that reached us, and to the answer. A few hundred milliseconds are usual: more is mostly DNS, or a connection that the peer tries in vain before one that works. Users wait for both directions with their first message.',
  outcomes: {
    quick: { level: 'ok', says: 'answers our key in time' },
    slow: { level: 'warning', says: 'takes more than 15 s to answer our key', suspect: 'path', remedy: 'Look for records of ours that lead nowhere: the peer waits for each of them. Then at its resolver.' },
    unanswered: { level: 'unknown', says: 'gave no answer whose time could be taken' },
  },
  judge: (connection, { deep }) => {
    const { dialback, of } = connection
    if (dialback === undefined || of !== 'peer') return undefined
    const asked = callbackOf(connection, deep).callback?.asked
    const called = asked === undefined ? [] : [`callback after ${seconds(Math.max(0, asked.atMs - dialback.sentAtMs))}`]
    if (dialback.answer === undefined) return { outcome: 'unanswered', detail: [...called, `waited ${seconds(dialback.waitedMs)}`].join(', ') }
    return { outcome: dialback.waitedMs > EARLY_MS ? 'slow' : 'quick', detail: [...called, `answer after ${seconds(dialback.waitedMs)}`].join(', ') }
  },
})
