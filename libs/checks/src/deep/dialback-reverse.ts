// Does the peer authenticate itself to us? (XEP-0220 §2.1: one direction proves nothing about the other)
import { defineDomainCheck } from '../check.ts'
import { listens, seconds, told, worded } from './seen.ts'

export const dialbackReverse = defineDomainCheck({
  id: 's2s.dialback-reverse',
  asks: 'Does the peer authenticate itself to us as well?',
  about: 'A pair has two directions, and each authenticates on its own: what the peer did on its own streams to our listener, beside what we did on ours. It has a reason to open one when it answers our ping.',
  outcomes: {
    external: { level: 'ok', says: 'authenticates itself to us by EXTERNAL' },
    dialback: { level: 'ok', says: 'authenticates itself to us by dialback' },
    denied: { level: 'error', says: 'sends a key that its own authoritative server denies', suspect: 'peer', remedy: 'Give all nodes of the peer the same dialback secret.' },
    failed: { level: 'warning', says: 'sends a key about which its own authoritative server gives no answer', suspect: 'peer', remedy: 'Check that the peer’s own SRV records lead to its server from here.' },
    'not-seen': { level: 'notice', says: 'opened no stream of its own to us' },
    'not-observable': { level: 'unknown', says: 'could not be seen opening a stream to us, because nothing of this check listens' },
  },
  judge: ({ deep, domain }) => {
    if (deep === undefined) return undefined
    const pair = `${domain} to ${deep.as}`
    const by = (wanted: 'external' | 'dialback') => deep.callbacks.some(({ authenticated }) => authenticated === wanted)
    if (by('external')) return { outcome: 'external', detail: pair }
    const keys = deep.callbacks.flatMap(({ reverse }) => reverse ?? [])
    if (by('dialback')) return { outcome: 'dialback', detail: [pair, ...keys.slice(0, 1).map(({ ms }) => `known after ${seconds(ms)}`)].join(', ') }
    if (keys.some(({ answer }) => answer?.type === 'invalid')) return { outcome: 'denied', detail: pair }
    const [key] = keys
    if (key !== undefined) return { outcome: 'failed', detail: `${pair}: ${key.answer === undefined ? told(key.failure) : worded(key.answer)}` }
    return !listens(deep) ? 'not-observable' : { outcome: 'not-seen', detail: pair }
  },
})
