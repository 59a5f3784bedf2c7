// Does a stanza get there, and its answer back? (XEP-0199)
import { defineConnectionCheck } from '../check.ts'
import { quoted } from '@dialtone/kernel'
import { seconds } from './seen.ts'

export const ping = defineConnectionCheck({
  id: 's2s.ping',
  asks: 'Does a stanza get there, and its answer back?',
  about: 'XEP-0199 to the bare domain, never to a user. The answer comes on the peer’s own stream to us, so that it proves both directions. Any answer will do: a server without the extension says service-unavailable.',
  outcomes: {
    result: { level: 'ok', says: 'answers a ping' },
    'service-unavailable': { level: 'ok', says: 'answers a ping with service-unavailable, which proves the way there and back as well' },
    'other-error': { level: 'notice', says: 'answers a ping with another error, which proves the way there and back as well' },
    none: { level: 'warning', says: 'does not answer a ping', suspect: 'path', remedy: 'The answer needs the other direction: see what reached the listener.' },
  },
  judge: connection => {
    const { ping: pong } = connection
    if (pong === undefined) return undefined
    const detail = `${pong.answer === 'none' ? 'waited ' : ''}${seconds(pong.ms)}${pong.source === undefined ? '' : `, from ${quoted(pong.source, 60)}`}`
    if (pong.answer !== 'error') return { outcome: pong.answer, detail }
    return { outcome: pong.condition === 'service-unavailable' ? 'service-unavailable' : 'other-error', detail: pong.condition === undefined || pong.condition === 'service-unavailable' ? detail : `${pong.condition}, ${detail}` }
  },
})
