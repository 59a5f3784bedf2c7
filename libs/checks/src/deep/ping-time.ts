// How long does a stanza take there and back? (XEP-0199)
import { defineConnectionCheck } from '../check.ts'
import { seconds } from './seen.ts'

export const pingTime = defineConnectionCheck({
  id: 's2s.ping-time',
  asks: 'How long does a stanza take there and back?',
  about: 'From the ping to its answer. The first one includes the stream that the peer opens to us and authenticates; the detail has what came before it on ours, so that both directions can be told apart.',
  outcomes: {
    quick: { level: 'ok', says: 'answers a ping quickly' },
    slow: { level: 'notice', says: 'answers a ping slowly', suspect: 'path' },
    unanswered: { level: 'unknown', says: 'gave no answer whose time could be taken' },
  },
  judge: ({ ping, steps }, _, { slowStageMs }) => {
    if (ping === undefined) return undefined
    if (ping.answer === 'none') return 'unanswered'
    const before = steps.filter(({ stage, outcome }) => outcome === 'ok' && stage !== 'ping' && stage !== 'close').reduce((sum, { ms }) => sum + ms, 0)
    return { outcome: ping.ms > slowStageMs ? 'slow' : 'quick', detail: `there and back ${seconds(ping.ms)}, after ${seconds(before)} for our stream` }
  },
})
