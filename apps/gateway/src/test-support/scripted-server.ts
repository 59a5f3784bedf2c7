/**
 * A federating server that does as its script says: it takes streams in (RFC 6120), has keys verified and answers for its own (XEP-0220 in all three roles), acknowledges where it
 * is told to (XEP-0198), sends numbered messages over one stream for each pair, and can be cut, killed and started again at any moment. It opens again what it has lost.
 */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { randomBytes } from 'node:crypto'
import { DIGEST } from '@dialtone/net'
import { ENABLED, FOOTER, acknowledgementText, dialbackAnswerText, dialbackKeyText, dialbackQuestionText, featuresText, headerText, keysOf, streamErrorText } from '@dialtone/stream'
import type { Place } from '@dialtone/testkit'
import type { Arrivals, Sent, SentPair } from './arrivals.ts'
import { attributeOf, readPieces } from './pieces.ts'

/** How a stream ends: without a word, with the end of what was sent or without; with a stream error and the footer, or the footer alone. */
export type Cut = 'reset' | 'closed' | 'goodbye' | 'footer'

export type ScriptedServer = {
  readonly place: Place
  readonly domains: readonly string[]
  /** Listens, and may send. Nothing happens where it does. */
  start: () => Promise<void>
  /** As a process that is killed: nothing listens, all streams are reset. Else as one that is stopped: what comes is still read until the other side has said goodbye. */
  stop: (how: 'killed' | 'goodbye' | 'footer') => void
  /** One stream that the gateway has opened, or that was opened to it, ends; false where there is none. */
  cut: (which: 'taken' | 'opened', how: Cut, pick: number) => boolean
  /** Opens what is not open, and writes so many messages for each pair whose stream takes them. Returns how many. */
  send: (each: number) => number
  readonly streams: { taken: number, opened: number }
}

type Options = {
  place: Place
  domains: readonly string[]
  pairs: readonly SentPair[]
  /** The gateway at this moment, as this side sees it. */
  gateway: () => { place: Place, life: number }
  /** Who is asked about its keys; default itself. */
  authority?: () => Place
  arrivals: Arrivals
  acknowledges: boolean
}
type Line = { pair: SentPair, stream: Sent | undefined, socket: Socket | undefined, ready: boolean, notBefore: number }

/** Not more than that is written to a stream that does not take it. */
const UNSENT = 32_768
const AGAIN_MS = 40
/** Without an answer, a stream is given up. */
const PATIENCE_MS = 4000

export function scriptedServer ({ place, domains, pairs, gateway, authority = () => gateway().place, arrivals, acknowledges }: Options): ScriptedServer {
  const keys = keysOf(randomBytes(32).toString('hex'), DIGEST)
  const taken = new Set<Socket>()
  const opened = new Set<Socket>()
  const asking = new Set<Socket>()
  const lines: Line[] = pairs.map(pair => ({ pair, stream: undefined, socket: undefined, ready: false, notBefore: 0 }))
  let server: Server | undefined

  const take = (socket: Socket): void => {
    const id = randomBytes(10).toString('hex')
    let [handled, told, managed, parted] = [0, 0, false, false]
    const marks: string[] = []
    taken.add(socket)
    socket.on('error', () => undefined).once('close', (failed: boolean) => {
      taken.delete(socket)
      // What was said before both footers was heard. Where a stream breaks off, no acknowledgement on it need have been read: a reset throws away what waits.
      arrivals.leave(marks.slice(parted && !failed ? told : 0))
    })
    readPieces(socket, piece => {
      const [from, to] = [attributeOf(piece, 'from'), attributeOf(piece, 'to')]
      if (piece.startsWith('<stream:stream')) socket.write(headerText({ from: to, to: from, id }) + featuresText({ starttls: 'absent', external: false, dialback: true, bidi: false, streamManagement: acknowledges }))
      else if (piece.startsWith('<db:verify')) {
        const asked = attributeOf(piece, 'id')
        const ours = keys.isOurs(contentOf(piece), { receiving: from, originating: to, streamId: asked })
        socket.write(dialbackAnswerText('verify', to, from, { type: ours ? 'valid' : 'invalid' }, asked))
      } else if (piece.startsWith('<db:result')) void verified(from, to, id, contentOf(piece)).then(valid => socket.write(dialbackAnswerText('result', to, from, valid === undefined ? { type: 'error', condition: 'remote-server-timeout' } : { type: valid ? 'valid' : 'invalid' })))
      else if (piece.startsWith('<enable')) {
        managed = true
        socket.write(ENABLED)
      } else if (piece.startsWith('<r ')) {
        told = handled
        socket.write(acknowledgementText(handled))
      } else if (piece.startsWith('</stream')) {
        parted = true
        socket.end(saidGoodbye.has(socket) ? '' : FOOTER)
      } else if (/^<[mip]/.test(piece)) {
        const mark = arrivals.arrived(piece)
        if (!managed) return
        handled++
        marks.push(mark ?? '')
      }
    })
  }

  /** Asks the gateway, which is authoritative for who is behind it; undefined where it does not answer. */
  const verified = (from: string, to: string, id: string, key: string): Promise<boolean | undefined> => new Promise(resolve => {
    const { address: host, port } = authority()
    const socket = connect({ host, port, noDelay: true })
    asking.add(socket)
    socket.setTimeout(PATIENCE_MS, () => socket.destroy()).on('error', () => undefined).once('close', () => {
      asking.delete(socket)
      resolve(undefined)
    })
    socket.write(headerText({ from: to, to: from }))
    readPieces(socket, piece => {
      if (piece.startsWith('<stream:features')) socket.write(dialbackQuestionText(to, from, id, key))
      if (!piece.startsWith('<db:verify')) return
      resolve(attributeOf(piece, 'type') === 'valid')
      socket.end(FOOTER)
    })
  })

  const open = (line: Line): void => {
    const { place: { address: host, port }, life } = gateway()
    const { pair: { from, to } } = line
    const socket = connect({ host, port, noDelay: true })
    line.socket = socket
    opened.add(socket)
    let id = ''
    socket.setTimeout(PATIENCE_MS, () => { if (!line.ready) socket.destroy() }).on('error', () => undefined).once('close', () => {
      opened.delete(socket)
      if (line.socket !== socket) return
      Object.assign(line, { stream: undefined, socket: undefined, ready: false, notBefore: performance.now() + AGAIN_MS })
    })
    socket.write(headerText({ from, to }))
    readPieces(socket, piece => {
      if (piece.startsWith('<stream:stream')) id = attributeOf(piece, 'id')
      else if (piece.startsWith('<stream:features')) socket.write(dialbackKeyText(from, to, keys.keyFor({ receiving: to, originating: from, streamId: id })))
      else if (piece.startsWith('<db:result')) {
        if (attributeOf(piece, 'type') === 'valid') {
          line.stream ??= arrivals.begin(line.pair, life)
          line.ready = true
        } else socket.end(FOOTER)
      } else if (piece.startsWith('</stream') || piece.startsWith('<stream:error')) {
        line.ready = false
        socket.end(saidGoodbye.has(socket) ? '' : FOOTER)
      }
    })
  }

  const saidGoodbye = new Set<Socket>()
  const end = (socket: Socket, how: Cut): void => {
    const line = lines.find(each => each.socket === socket)
    if (line !== undefined) line.ready = false
    if (how === 'reset') socket.resetAndDestroy()
    else if (how === 'closed') socket.destroy()
    else {
      saidGoodbye.add(socket)
      socket.write((how === 'goodbye' ? streamErrorText('system-shutdown') : '') + FOOTER)
      socket.once('close', () => saidGoodbye.delete(socket))
      setTimeout(() => socket.destroy(), PATIENCE_MS).unref()
    }
  }

  return {
    place, domains,
    get streams () { return { taken: taken.size, opened: lines.filter(({ ready }) => ready).length } },
    start: async () => {
      if (server !== undefined) return
      server = createServer({ noDelay: true }, take)
      server.listen({ host: place.address, port: place.port, backlog: 512 })
      await once(server, 'listening')
    },
    stop: how => {
      server?.close()
      server = undefined
      for (const socket of [...taken, ...opened]) end(socket, how === 'killed' ? 'reset' : how)
      for (const socket of asking) socket.destroy()
    },
    cut: (which, how, pick) => {
      const all = [...(which === 'taken' ? taken : lines.flatMap(({ ready, socket }) => ready && socket !== undefined ? [socket] : []))].filter(socket => !saidGoodbye.has(socket))
      const one = all[pick % all.length]
      if (one === undefined) return false
      end(one, how)
      return true
    },
    send: each => {
      if (server === undefined) return 0
      let sent = 0
      const now = performance.now()
      for (const line of lines) {
        const { socket, stream, ready } = line
        if (socket === undefined && now >= line.notBefore) open(line)
        if (!ready || socket === undefined || stream === undefined || socket.writableLength > UNSENT) continue
        if (each === 0) continue
        let text = ''
        for (let left = each; left > 0; left--) text += arrivals.render(stream)
        socket.write(text)
        sent += each
      }
      return sent
    },
  }
}

function contentOf (piece: string): string {
  return /^<[^>]*>([^<]*)</.exec(piece)?.[1] ?? ''
}
