/**
 * Live events for many readers. An event carries the whole of what it is about, so the last one of a subject wins: between two flushes only that is kept,
 * and what is written is made once for all readers of the same topics. A reader who does not keep up is given, when it does again, the last of each subject
 * since what it has; one who does not for too long is let go. Nothing is kept for a single reader.
 */
import type { LiveEvent } from '@dialtone/contracts'
import type { Clock, Meter } from '@dialtone/kernel'
import { sseClients, sseDropped, sseEvents, sseResyncs } from '../http/metrics.ts'
import { createRing, type Kept } from './ring.ts'
import { subjectOf, topicsOf } from './topics.ts'

/** Where a reader is written to. `write` answers whether more may be written at once; `waiting`: bytes that were not taken yet. */
export type Sink = { write: (bytes: Buffer) => boolean, waiting: () => number, end: () => void }

export type HubLimits = { flushMs: number, heartbeatMs: number, patienceMs: number, clients: number, perToken: number, events: number, bytes: number, catchUpBytes: number }

/** `catchUpBytes`: what one reader who fell behind is given at once; for more it has to read everything again. */
export const HUB_LIMITS: HubLimits = { flushMs: 250, heartbeatMs: 15_000, patienceMs: 30_000, clients: 2000, perToken: 100, events: 20_000, bytes: 16 * 1024 * 1024, catchUpBytes: 512 * 1024 }

export type Hub = {
  tell: (event: LiveEvent, seq: number) => void
  /** Resolves into what ends it; undefined where there are too many. `after`: the id of the last event that the reader has, or the `seq` of a snapshot. */
  join: (sink: Sink, topics: readonly string[], after: { id?: string, seq?: number }, valid: () => boolean, who?: Who) => (() => void) | undefined
  /** Whether a token has as many streams as one may have. */
  isFull: (token: string) => boolean
  readonly size: number
  stop: () => void
}

/** `until`: when its token ends, in milliseconds since the epoch. */
type Who = { token: string, until?: number }
type Client = { sink: Sink, group: Group, sent: number, slowSince: number | undefined, valid: () => boolean, who: Who | undefined }
type Group = { key: string, topics: ReadonlySet<string>, clients: Set<Client> }

/** `epoch` tells the ids of this process from those of another; `seq`: what readers see at this moment. */
export function createHub ({ epoch, seq, clock, meter, limits = HUB_LIMITS }: { epoch: string, seq: () => number, clock: Clock, meter: Meter, limits?: HubLimits }): Hub {
  const ring = createRing({ events: limits.events, bytes: limits.bytes }, seq())
  const groups = new Map<string, Group>()
  /** Streams by token. */
  const held = new Map<string, number>()
  const pending = new Map<string, { event: LiveEvent, seq: number }>()
  let [size, beatAt] = [0, clock.elapsed() + limits.heartbeatMs]
  // A timer that nobody waits for does not keep a process alive.
  const timer = setInterval(flush, limits.flushMs).unref()

  function flush (): void {
    const before = ring.last
    for (const [subject, { event, seq: at }] of pending) ring.add(subject, topicsOf(event), event.on, at, JSON.stringify(event))
    pending.clear()
    const now = clock.elapsed()
    const beats = now >= beatAt
    if (beats) beatAt = now + limits.heartbeatMs
    const beat = beats ? frame('heartbeat', { serverTime: new Date(clock.now()).toISOString(), seq: seq() }) : undefined
    for (const group of groups.values()) {
      // Made once, for all of the group who have everything before it.
      const fresh = ring.last > before ? framesOf(ring.since(before), group.topics) : undefined
      for (const client of group.clients) serve(client, before, fresh, beat, now)
    }
  }

  function serve (client: Client, before: number, fresh: Buffer | undefined, beat: Buffer | undefined, now: number): void {
    if (client.who?.until !== undefined && clock.now() >= client.who.until) return drop(client, 'token')
    if (client.sink.waiting() > 0) {
      client.slowSince ??= now
      if (now - client.slowSince > limits.patienceMs) drop(client, 'slow')
      return
    }
    client.slowSince = undefined
    if (beat !== undefined && !client.valid()) return drop(client, 'token')
    if (client.sent < before) catchUp(client)
    else if (fresh !== undefined) client.sink.write(fresh)
    client.sent = ring.last
    if (beat !== undefined) client.sink.write(beat)
  }

  function catchUp (client: Client): void {
    const bytes = ring.has(client.sent) ? framesOf(ring.since(client.sent), client.group.topics) : resync('too-far-behind')
    if (bytes !== undefined) client.sink.write(bytes.length > limits.catchUpBytes ? resync('too-much') : bytes)
  }

  function framesOf (events: Iterable<Kept>, topics: ReadonlySet<string>): Buffer | undefined {
    const last = new Map<string, Kept>()
    for (const event of events) {
      if (!event.topics.some(topic => topics.has(topic))) continue
      last.delete(event.subject)
      last.set(event.subject, event)
    }
    return last.size === 0 ? undefined : Buffer.from([...last.values()].map(({ id, on, json }) => `id: ${epoch}-${id}\nevent: ${on}\ndata: ${json}\n\n`).join(''))
  }

  function resync (reason: string): Buffer {
    meter.add(sseResyncs, { why: reason })
    return frame('resync', { reason, seq: seq() }, `${epoch}-${ring.last}`)
  }

  function drop (client: Client, why: string): void {
    meter.add(sseDropped, { why })
    leave(client)
    client.sink.end()
  }

  function leave (client: Client): void {
    if (!client.group.clients.delete(client)) return
    if (client.group.clients.size === 0) groups.delete(client.group.key)
    count(client.who, -1)
    meter.set(sseClients, {}, --size)
  }

  function count (who: Who | undefined, more: 1 | -1): void {
    if (who === undefined) return
    const now = (held.get(who.token) ?? 0) + more
    if (now === 0) held.delete(who.token)
    else held.set(who.token, now)
  }

  /** Where a reader goes on, or why it has to read everything again. */
  function placeOf (after: { id?: string, seq?: number }): number | string {
    if (after.id !== undefined) {
      const [, theirs, id] = /^([A-Za-z0-9]+)-(\d{1,15})$/.exec(after.id) ?? []
      if (theirs !== epoch) return 'another-instance'
      return ring.has(Number(id)) ? Number(id) : 'too-far-behind'
    }
    if (after.seq !== undefined) return ring.placeOf(after.seq, seq()) ?? 'too-far-behind'
    return ring.last
  }

  return {
    tell: (event, at) => {
      meter.add(sseEvents, { kind: event.on.split('.', 1)[0] ?? event.on })
      const subject = subjectOf(event)
      pending.delete(subject)
      pending.set(subject, { event, seq: at })
      if (pending.size >= limits.events) flush()
    },
    isFull: token => (held.get(token) ?? 0) >= limits.perToken,
    join: (sink, topics, after, valid, who) => {
      if (size >= limits.clients || (who !== undefined && (held.get(who.token) ?? 0) >= limits.perToken)) return undefined
      const sorted = [...new Set(topics)].toSorted()
      const key = sorted.join(' ')
      const group = groups.get(key) ?? { key, topics: new Set(sorted), clients: new Set<Client>() }
      groups.set(key, group)
      const place = placeOf(after)
      const client: Client = { sink, group, sent: ring.last, slowSince: undefined, valid, who }
      group.clients.add(client)
      count(who, 1)
      meter.set(sseClients, {}, ++size)
      sink.write(frame('hello', { seq: seq(), serverTime: new Date(clock.now()).toISOString(), topics: sorted }, `${epoch}-${typeof place === 'number' ? place : ring.last}`))
      if (typeof place === 'string') sink.write(resync(place))
      else {
        client.sent = place
        if (place < ring.last) catchUp(client)
        client.sent = ring.last
      }
      return () => leave(client)
    },
    get size () { return size },
    stop: () => {
      clearInterval(timer)
      flush()
      for (const client of [...groups.values()].flatMap(({ clients }) => [...clients])) {
        leave(client)
        client.sink.end()
          }
    },
  }
}

function frame (event: string, data: unknown, id?: string): Buffer {
  return Buffer.from(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}
