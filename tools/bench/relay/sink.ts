// The inside of a relay bench, in a process of its own: a component (XEP-0114) or a server that accepts streams, which counts what arrives
// and can be told to stop reading for a while.
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { DIGEST } from '@dialtone/net'
import { keysOf } from '@dialtone/stream'
import { createMarkScanner, createTally, nowUs, type KeyPair, type Place, type Tally, type TallyReport } from '@dialtone/testkit'
import { acceptStreams } from './accept.ts'
import { dialAsComponent, verify } from './dial.ts'
import { answerAll } from './remote.ts'

export type SinkErrands = typeof errands

const keys = keysOf('the secret of an inside server of a bench', DIGEST)
const sockets = new Set<Socket>()
let tally: Tally = createTally({ pairs: 0, each: 0 })
let closed = 0
let stop: { at: number, ms: number } | undefined
let reading = true

const errands = {
  component: async (options: { server: Place, name: string, secret: string }): Promise<void> => {
    const socket = await dialAsComponent(options)
    socket.on('data', taken(socket)).resume()
  },

  /** Has each key verified at the server that is authoritative in here. */
  server: async ({ place, authoritative, certificate }: { place: Place, authoritative: Place, certificate?: KeyPair }): Promise<void> => {
    await acceptStreams({
      place, keys, ...(certificate === undefined ? {} : { certificate }),
      verify: async ({ from, to, id, key }) => await verify({ server: authoritative, from: to, to: from, localAddress: place.address, tls: false }, { id, key }),
      authenticated: taken,
    })
  },

  /** Counts from zero, for numbers below `each` of so many pairs. `stopAt`: when so many arrived, it reads nothing for that long. */
  expect: ({ pairs, each, timed, stopAt }: { pairs: number, each: number, timed: boolean, stopAt?: { at: number, ms: number } }): void => {
    tally = createTally({ pairs, each, ...(timed ? { nowUs } : {}) })
    stop = stopAt
  },

  /** Resolves when so many arrived, or none for a while (not counting a stop). */
  arrived: async ({ count, quietMs }: { count: number, quietMs: number }): Promise<{ arrived: number, at: number }> => {
    let [before, since] = [-1, performance.now()]
    for (;;) {
      const now = tally.arrived()
      if (now >= count) break
      if (now !== before || !reading) [before, since] = [now, performance.now()]
      else if (performance.now() - since > quietMs) break
      await pause(5)
    }
    return { arrived: tally.arrived(), at: nowUs() }
  },

  report: ({ sent }: { sent: number[] }): TallyReport & { streams: number, closed: number } => ({ ...tally.report(sent), streams: sockets.size, closed }),
}

function taken (socket: Socket): (chunk: Buffer) => void {
  sockets.add(socket)
  socket.once('close', () => {
    sockets.delete(socket)
    closed++
  })
  if (!reading) socket.pause()
  const scan = createMarkScanner((pair, number, sentAtUs) => { tally.count(pair, number, sentAtUs) })
  return chunk => {
    scan(chunk)
    if (stop !== undefined && tally.arrived() >= stop.at) void readNothing(stop.ms)
  }
}

async function readNothing (ms: number): Promise<void> {
  stop = undefined
  reading = false
  for (const socket of sockets) socket.pause()
  await pause(ms)
  reading = true
  for (const socket of sockets) socket.resume()
}

answerAll(errands)
