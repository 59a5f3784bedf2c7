// The outside of a relay bench, in a process of its own: many domains, their authoritative server, and what they send.
import type { Server, Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import { DIGEST } from '@dialtone/net'
import { keysOf } from '@dialtone/stream'
import { nowUs, renderBatch, type Batch, type KeyPair, type Place } from '@dialtone/testkit'
import { acceptStreams } from './accept.ts'
import { dial } from './dial.ts'
import { domainOf, jidOf } from './names.ts'
import { answerAll } from './remote.ts'

export type Open = { server: Place, to: string, pairs: number, tls: boolean, how: 'dialback' | 'external', from: string, size: number, inFlight: number, certificate?: KeyPair }
export type OutsideErrands = typeof errands

type Stream = { pair: number, socket: Socket, one: Batch, many: Batch[], next: number, closed: boolean }

/** Bytes in one write of a flood. */
const WRITE_BYTES = 65_536
/** Writes on their way in a flood. */
const WRITES = 4

const keys = keysOf('the secret of a bench, of more than 128 bits', DIGEST)
const streams: Stream[] = []
const said: string[] = []
let [server, bounced]: [Server | undefined, number] = [undefined, 0]

const errands = {
  /** Answers for all its domains; takes whatever comes, and counts the errors in it. */
  listen: async ({ place, certificate }: { place: Place, certificate?: KeyPair }): Promise<void> => {
    server = await acceptStreams({ place, keys, ...(certificate === undefined ? {} : { certificate }), verify: async () => await Promise.resolve(true), authenticated: () => countErrors })
  },

  /** Opens a stream for each of so many domains, a few at a time. */
  open: async ({ pairs, inFlight, size, ...options }: Open): Promise<{ ms: number }> => {
    const began = performance.now()
    const context = options.certificate === undefined ? undefined : createSecureContext({ cert: options.certificate.chain, key: options.certificate.key })
    let next = streams.length
    const last = next + pairs
    await Promise.all(Array.from({ length: Math.min(inFlight, pairs) }, async () => {
      while (next < last) {
        const pair = next++
        const socket = await dial({ server: options.server, from: domainOf(pair), to: options.to, localAddress: options.from, tls: options.tls, ...(context === undefined ? {} : { context }) },
          options.how === 'external' ? 'external' : { dialback: keys })
        keep(pair, socket, options.to, size)
      }
    }))
    return { ms: performance.now() - began }
  },

  /** So many messages of the first pair, in big writes; resolves when the last is written. */
  flood: async ({ count }: { count: number }): Promise<void> => {
    const stream = streams[0]
    if (stream === undefined) throw new Error('no stream is open')
    const end = stream.next + count
    await Promise.all(stream.many.map(async batch => {
      while (stream.next < end && !stream.closed) {
        const messages = Math.min(batch.count, end - stream.next)
        batch.fill(stream.next)
        stream.next += messages
        await written(stream, batch.bytes.subarray(0, messages * batch.size))
      }
    }))
  },

  /** So many messages, each a write of its own, over all streams in turn, at a steady pace. */
  pace: async ({ count, perSecond }: { count: number, perSecond: number }): Promise<{ seconds: number }> => {
    const began = performance.now()
    for (let sent = 0; sent < count;) {
      const due = Math.min(count, Math.floor((performance.now() - began) / 1000 * perSecond))
      for (; sent < due; sent++) {
        const stream = streams[sent % streams.length]
        if (stream === undefined || stream.closed) continue
        // A write that waits keeps its bytes, so each has its own.
        stream.one.fill(stream.next++, nowUs())
        stream.socket.write(Buffer.from(stream.one.bytes))
      }
      await new Promise(resolve => { setTimeout(resolve, 1) })
    }
    return { seconds: (performance.now() - began) / 1000 }
  },

  /** What was sent, by pair; what came back as errors; what the streams were closed with. */
  state: (): { sent: number[], bounced: number, closed: number, said: string[] } => {
    const sent: number[] = []
    for (const { pair, next } of streams) sent[pair] = next
    return { sent, bounced, closed: streams.filter(({ closed }) => closed).length, said }
  },

  /** Closes all streams, and forgets them. */
  close: (): void => {
    for (const { socket } of streams) socket.destroy()
    streams.length = 0
    server?.close()
  },
}

function keep (pair: number, socket: Socket, to: string, size: number): void {
  const batch = (count: number): Batch => renderBatch({ from: jidOf(pair), to: `user@${to}`, pair, count, size })
  // Only the first floods.
  const many = pair === 0 ? Array.from({ length: WRITES }, () => batch(Math.floor(WRITE_BYTES / size))) : []
  const stream: Stream = { pair, socket, one: batch(1), many, next: 0, closed: false }
  streams.push(stream)
  socket.on('data', (bytes: Buffer) => {
    if (said.length < 20) said.push(bytes.toString('latin1', 0, 1000))
  }).once('close', () => { stream.closed = true }).resume()
}

async function written ({ socket, closed }: Stream, bytes: Buffer): Promise<void> {
  if (closed) return
  await new Promise<void>(resolve => {
    socket.write(bytes, () => resolve())
  })
}

/** Approximate where an error is cut between two chunks, so only for showing. */
function countErrors (bytes: Buffer): void {
  bounced += bytes.toString('latin1').match(/type=['"]error['"]/g)?.length ?? 0
}

answerAll(errands)
