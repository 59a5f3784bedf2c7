// A relay that reads no XML once a stream is authenticated: for each stream from outside one to the inside, and every byte from one to the
// other, with back-pressure. What a Node process that does less than any gateway must uses, in a process of its own.
import type { Socket } from 'node:net'
import { DIGEST } from '@dialtone/net'
import { keysOf } from '@dialtone/stream'
import type { KeyPair, Place } from '@dialtone/testkit'
import { acceptStreams } from './accept.ts'
import { dial, verify } from './dial.ts'
import { answerAll } from './remote.ts'

export type PipeErrands = typeof errands

const keys = keysOf('the secret of a pipe, of more than 128 bits', DIGEST)

const errands = {
  start: async ({ outside, gate, inside, authoritative, certificate }: { outside: Place, gate: Place, inside: Place, authoritative: Place, certificate: KeyPair }): Promise<void> => {
    /** By the id of the stream from outside. */
    const ways = new Map<string, Socket>()
    await acceptStreams({
      place: outside, keys, certificate,
      verify: async ({ from, to, id, key }) => {
        if (!await verify({ server: authoritative, from: to, to: from, localAddress: outside.address, tls: false }, { id, key })) return false
        ways.set(id, await dial({ server: inside, from, to, localAddress: gate.address, tls: false }, { dialback: keys }))
        return true
      },
      authenticated: (socket, { id }) => {
        const way = ways.get(id)
        if (way === undefined) throw new Error('a stream was authenticated without a way')
        ways.delete(id)
        socket.once('close', () => way.destroy())
        way.on('drain', () => { socket.resume() }).resume()
        return chunk => {
          if (!way.write(chunk)) socket.pause()
        }
      },
    })
    // For the callbacks of the inside.
    await acceptStreams({ place: gate, keys, verify: async () => await Promise.resolve(false), authenticated: () => () => undefined })
  },
}

answerAll(errands)
