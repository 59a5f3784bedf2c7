/**
 * Questions over TCP (RFC 7766): several on one connection, answered in the order in which the answers are known. A client that sends more than is answered at once is not read
 * on, one that takes no answers, says nothing, or sends what no question can be, is closed.
 */
import type { Accepted } from '@dialtone/net'
import type { ResponderLimit } from './metrics.ts'

export type TcpLimits = { connections: number, perClient: number, pipelined: number, idleMs: number, questionBytes: number, unsentBytes: number }
export const TCP_LIMITS: TcpLimits = { connections: 200, perClient: 40, pipelined: 32, idleMs: 10_000, questionBytes: 1024, unsentBytes: 262_144 }

/** Who answers; `send` is called at most once, and after it or without it `over`. */
type Hear = (message: Uint8Array, send: (answer: Buffer) => void, over: () => void) => void

/** Serves one connection until it ends; `closed` is told once. */
export function serveTcp ({ connection }: Accepted, limits: TcpLimits, hear: Hear, limited: (limit: ResponderLimit) => void, closed: () => void): void {
  let pending = Buffer.alloc(0)
  let asked = 0
  let paused = false
  let over = false
  const end = (limit?: ResponderLimit) => {
    if (over) return
    over = true
    clearTimeout(idle)
    if (limit !== undefined) limited(limit)
    connection.destroy()
    closed()
  }
  const idle = setTimeout(() => {
    // While answers are outstanding it is not the client that is idle; each of them has its own deadline.
    if (asked > 0) idle.refresh()
    else end('idle')
  }, limits.idleMs)

  const send = (answer: Buffer) => {
    if (over) return
    idle.refresh()
    const framed = Buffer.alloc(2 + answer.length)
    framed.writeUInt16BE(answer.length, 0)
    framed.set(answer, 2)
    connection.send(framed)
    if (connection.unsent > limits.unsentBytes) end('unsent')
  }
  const answered = () => {
    asked--
    if (!paused || over || asked >= limits.pipelined) return
    paused = false
    connection.resume()
    read()
  }
  const mayRead = () => !over && !paused
  const read = () => {
    while (mayRead() && pending.length >= 2) {
      const length = pending.readUInt16BE(0)
      if (length > limits.questionBytes) return end('size')
      if (pending.length < 2 + length) return
      const message = pending.subarray(2, 2 + length)
      pending = pending.subarray(2 + length)
      asked++
      idle.refresh()
      if (asked >= limits.pipelined) {
        paused = true
        limited('pipeline')
        connection.pause()
      }
      hear(message, send, answered)
    }
  }
  connection.flow({
    bytes: chunk => {
      // What is held is less than one question, or what came in one read before the pause.
      pending = pending.length === 0 ? Buffer.from(chunk) : Buffer.concat([pending, chunk])
      read()
    },
    ended: () => end(),
    drained: () => undefined,
  })
}
