// Which streams, and which of their pairs, a command is about.
import type { Pair } from '@dialtone/stream'
import type { Selection, World } from '../seams.ts'
import type { InboundStream } from './stream.ts'

/** `pair`: that one; without it, any of the stream's, or for a stream that has proved none, the one that its header names. */
export function concerns (selection: Selection, world: World, stream: Pick<InboundStream, 'id' | 'zone' | 'pairs' | 'names'>, pair?: Pair): boolean {
  const { zone, ours, peer } = selection
  if ((zone !== undefined && stream.zone !== zone) || (selection.stream !== undefined && stream.id !== selection.stream)) return false
  if (ours === undefined && peer === undefined) return true
  const inside = world.zones.get(stream.zone)?.side === 'internal'
  const pairs = pair !== undefined ? [pair] : stream.pairs.length > 0 ? stream.pairs : stream.names === undefined ? [] : [stream.names]
  return pairs.some(({ from, to }) => {
    const [own, other] = inside ? [from, to] : [to, from]
    return (ours === undefined || fits(ours, own)) && (peer === undefined || fits(peer, other))
  })
}

/** A domain, `*.suffix`, or `*`. */
function fits (pattern: string, domain: string): boolean {
  return pattern === '*' || pattern === domain || (pattern.startsWith('*.') && domain.endsWith(pattern.slice(1)))
}
