// One event of the listener on one line, for a person. What the other side sent is quoted already.
import type { ListenerEvent, PairSeen } from '@dialtone/contracts'
import type { Colour, Terminal } from '../terminal.ts'
import { answerInWords } from './dialback.ts'
import { failureInWords } from './endpoints.ts'

/** Time, connection, source, what happened. */
export function eventText (event: ListenerEvent, { paint }: Terminal): string {
  const who = 'connection' in event ? `#${event.connection} ${event.source}` : event.source
  const [words, colour] = wordsOf(event)
  return `${paint('dim', event.at.slice(11, 19))}  ${who}  ${colour === undefined ? words : paint(colour, words)}`
}

function wordsOf (event: ListenerEvent): [words: string, colour?: Colour] {
  switch (event.on) {
    case 'connected': return [event.kind === 'direct' ? 'connected, direct TLS' : 'connected']
    case 'header': return [`opens a stream from ${event.from ?? 'nobody'} to ${event.to ?? 'nobody'}`]
    case 'secured': return [event.protocol]
    case 'asked': return [`asks for ${event.pair.from} whether a key of ${event.pair.to} is ours: ${event.answered}${check(event)}`, event.answered === 'valid' ? 'green' : 'yellow']
    case 'wrong-keys': return [`${event.count} wrong keys in the last minute: somebody may be trying to pass for us`, 'red']
    case 'key': return [`sends its own key, ${pairText(event.pair)}${event.underCheck ? ' (under check)' : ': refused, not under check'}`]
    case 'judged': return [`its key, ${pairText(event.pair)}: ${answerInWords(event.answer)}`, event.answer.type === 'valid' ? 'green' : 'red']
    case 'authenticated': return [`authenticated by ${event.by}, ${pairText(event.pair)}`, 'green']
    case 'pong': return [`answers our ping, ${pairText(event.pair)}`, 'green']
    case 'closed': return [event.because === undefined ? 'closed' : `closed: ${failureInWords(event.because)}`]
    case 'turned-away': return [`turned away: ${event.why.replaceAll('-', ' ')}`, 'yellow']
    default: return event satisfies never
  }
}

function check ({ underCheck }: { underCheck: boolean }): string {
  return underCheck ? ' (under check)' : ''
}

function pairText ({ from, to }: PairSeen): string {
  return `${from} to ${to}`
}
