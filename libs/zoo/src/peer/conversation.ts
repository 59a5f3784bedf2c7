/**
 * One connection of a scripted peer: what came in, as few words, and what goes out. The framer of `@dialtone/stream` reads; bytes that are no
 * XML are only counted as such. Nothing that comes in is kept beyond a small bound.
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { BEFORE_AUTHENTICATION, createFramer, readEvent, type Event, type Framer, type HeaderFrame } from '@dialtone/stream'

/** What the other side said. `gone`: it closed, or broke, or this side was stopped. */
export type Heard =
  | { it: 'header', to: string | undefined, from: string | undefined, id: string | undefined }
  | Bare<'starttls' | 'proceed' | 'features' | 'sasl' | 'footer' | 'bytes' | 'gone'>
  /** db:result and db:verify, with a key or with an answer. */
  | { it: 'key', from: string, to: string, key: string }
  | { it: 'question', from: string, to: string, id: string, key: string }
  | { it: 'result', type: 'valid' | 'invalid' | 'error' }
  | { it: 'verified', type: 'valid' | 'invalid' | 'error' }
  | { it: 'ping', id: string, from: string, to: string }

/** Each a member of its own, so that a kind picks its member. */
type Bare<Kind> = Kind extends string ? { it: Kind } : never

export type Conversation = {
  /** The next thing of one of these kinds; everything before it is forgotten. `gone` comes at any time, and again and again. */
  next: <Kind extends Heard['it']>(...kinds: readonly Kind[]) => Promise<Extract<Heard, { it: Kind | 'gone' }>>
  /** Resolves to false when the other side is gone. */
  send: (bytes: string | Uint8Array) => Promise<boolean>
  /** Stops reading from the plain socket and hands it to `secure`, which gives back the encrypted one; reading starts afresh. */
  upgrade: (secure: (plain: Socket) => Promise<TLSSocket | undefined>) => Promise<boolean>
  /** The next bytes begin a new stream, as after SASL. */
  restart: () => void
  /** Stops reading, so that what is in the way stays in the socket. */
  pause: () => void
  end: () => void
  reset: () => void
  readonly gone: boolean
}

/** More than any prober says before it is answered. */
const MOST_HEARD = 64

/** `plain` is accepted and unread. */
export function converse (plain: Socket): Conversation {
  let socket: Socket = plain
  let framer: Framer | undefined
  let gone = false
  let heard: Heard[] = []
  let wake: (() => void) | undefined

  const hear = (what: Heard) => {
    if (what.it === 'gone') gone = true
    else if (heard.length < MOST_HEARD) heard.push(what)
    wake?.()
  }
  const listen = () => {
    framer = createStreamReader(hear)
    const current = socket
    current.on('data', (chunk: Buffer) => {
      if (framer === undefined || framer.phase === 'dead' || framer.phase === 'ended') hear({ it: 'bytes' })
      else framer.write(chunk)
    })
    current.on('error', () => hear({ it: 'gone' }))
    current.on('close', () => hear({ it: 'gone' }))
    current.on('end', () => hear({ it: 'gone' }))
  }
  listen()

  return {
    next: async <Kind extends Heard['it']>(...kinds: readonly Kind[]) => {
      for (;;) {
        const at = heard.findIndex(({ it }) => kinds.some(kind => kind === it))
        const found = heard[at]
        if (found !== undefined) {
          heard = heard.slice(at + 1)
          return found as Extract<Heard, { it: Kind | 'gone' }>
        }
        if (gone) return { it: 'gone' }
        await new Promise<void>(resolve => { wake = resolve })
        wake = undefined
      }
    },
    send: bytes => new Promise(resolve => {
      if (!socket.writable) {
        resolve(false)
        return
      }
      const closed = () => resolve(false)
      socket.once('close', closed)
      socket.write(bytes, error => {
        socket.off('close', closed)
        resolve(error === undefined || error === null)
      })
    }),
    upgrade: async secure => {
      // What arrives from here on stays in the socket until the handshake takes it.
      socket.pause()
      socket.removeAllListeners('data').removeAllListeners('end')
      const secured = await secure(socket)
      if (secured === undefined) {
        hear({ it: 'gone' })
        return false
      }
      socket = secured
      heard = []
      listen()
      return true
    },
    restart: () => { framer = createStreamReader(hear) },
    pause: () => { socket.pause() },
    end: () => { socket.end() },
    reset: () => { plain.resetAndDestroy() },
    get gone () { return gone },
  }
}

function createStreamReader (hear: (what: Heard) => void): Framer {
  let header: HeaderFrame | undefined
  return createFramer({ limits: BEFORE_AUTHENTICATION }, {
    header: frame => {
      const value = (name: string) => frame.attributes.find(attribute => attribute.name === name && attribute.namespace === '')?.value
      header = frame
      hear({ it: 'header', to: value('to'), from: value('from'), id: value('id') })
    },
    element: frame => {
      const isPing = frame.name === 'iq' && Buffer.from(frame.bytes).includes('urn:xmpp:ping')
      const what = header === undefined ? undefined : heardOf(readEvent(frame, header), isPing ? frame.id : undefined)
      if (what !== undefined) hear(what)
    },
    end: () => hear({ it: 'footer' }),
    error: () => hear({ it: 'bytes' }),
  })
}

/** `ping`: the id of one. Of other stanzas nothing is heard. */
function heardOf (event: Event, ping: string | undefined): Heard | undefined {
  switch (event.on) {
    case 'starttls': case 'proceed': case 'features': return { it: event.on }
    case 'sasl-auth': return { it: 'sasl' }
    case 'dialback-key': return { it: 'key', from: event.from, to: event.to, key: event.key }
    case 'dialback-question': return { it: 'question', from: event.from, to: event.to, id: event.id, key: event.key }
    case 'dialback-result': return { it: 'result', type: event.answer.type }
    case 'dialback-verified': return { it: 'verified', type: event.answer.type }
    case 'stanza': return ping === undefined ? undefined : { it: 'ping', id: ping, from: event.from ?? '', to: event.to ?? '' }
    default: return undefined
  }
}
