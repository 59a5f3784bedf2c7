// The listener of a server of a bench: authoritative for its own domains (it answers db:verify), receiving for others (it has their keys
// verified), over STARTTLS where it has a certificate. What comes after the first valid key is handed over as bytes.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { TLSSocket, createSecureContext, type SecureContext } from 'node:tls'
import { PROCEED, dialbackAnswerText, featuresText, headerText, type Keys } from '@dialtone/stream'
import type { KeyPair, Place } from '@dialtone/testkit'
import { attributeOf } from './ear.ts'

export type Key = { from: string, to: string, id: string, key: string }

export type Accepting = {
  place: Place
  /** What our own keys are made of. */
  keys: Keys
  certificate?: KeyPair
  /** Whether a key that was sent to us is good. */
  verify: (key: Key) => Promise<boolean>
  /** A stream with a first good key: whoever takes the bytes, of which `<db:result/>` of further domains are a part. */
  authenticated: (socket: Socket, key: Key) => (chunk: Buffer) => void
}

const PIECE = /<stream:stream[^>]*>|<starttls[^>]*>|<db:verify[^>]*>([^<]*)<\/db:verify>|<db:result[^>]*>([^<]*)<\/db:result>|<\/stream:stream>/
const BEGUN = /<\/?[a-z]{0,6}(?::[a-z]*)?$/
const COLON = 0x3a

/** Resolves when it listens. */
export async function acceptStreams (options: Accepting): Promise<Server> {
  const context = options.certificate === undefined ? undefined : createSecureContext({ cert: options.certificate.chain, key: options.certificate.key })
  const server = createServer({ noDelay: true }, socket => { negotiate(socket, options, context, false) })
  server.listen({ host: options.place.address, port: options.place.port, backlog: 4096 })
  await once(server, 'listening')
  return server
}

function negotiate (socket: Socket, options: Accepting, context: SecureContext | undefined, secured: boolean): void {
  const { keys, verify, authenticated } = options
  let [text, id] = ['', '']
  let take: ((chunk: Buffer) => void) | undefined

  const onData = (chunk: Buffer): void => {
    // No stanza of a bench has a colon; all that is not one has.
    if (take !== undefined && text === '' && !chunk.includes(COLON)) {
      take(chunk)
      text = BEGUN.exec(chunk.toString('latin1', Math.max(0, chunk.length - 12)))?.[0] ?? ''
      return
    }
    take?.(chunk)
    text += chunk.toString('latin1')
    for (let piece = PIECE.exec(text); piece !== null; piece = PIECE.exec(text)) {
      text = text.slice(piece.index + piece[0].length)
      if (said(piece[0], piece[1] ?? piece[2] ?? '') === 'elsewhere') return
    }
    // Of stanzas, nothing is kept but what may be the beginning of something else.
    if (take !== undefined) text = text.includes('<db:result') ? text.slice(text.lastIndexOf('<db:result')) : BEGUN.exec(text)?.[0] ?? ''
  }

  const said = (tag: string, content: string): 'elsewhere' | undefined => {
    const [from, to] = [attributeOf(tag, 'from'), attributeOf(tag, 'to')]
    if (tag.startsWith('<stream:stream')) {
      id = randomBytes(12).toString('hex')
      socket.write(headerText({ from: to, to: from, id }) + featuresText({ starttls: context === undefined || secured ? 'absent' : 'optional', external: false, dialback: true, bidi: false }))
    } else if (tag.startsWith('<starttls') && context !== undefined) {
      socket.off('data', onData)
      socket.write(PROCEED)
      negotiate(new TLSSocket(socket, { isServer: true, secureContext: context }), options, context, true)
      return 'elsewhere'
    } else if (tag.startsWith('<db:verify')) {
      const asked = attributeOf(tag, 'id')
      const ours = keys.isOurs(content, { receiving: from, originating: to, streamId: asked })
      socket.write(dialbackAnswerText('verify', to, from, { type: ours ? 'valid' : 'invalid' }, asked))
    } else if (tag.startsWith('<db:result')) {
      void judged({ from, to, id, key: content })
    } else socket.end('</stream:stream>')
    return undefined
  }
  const judged = async (key: Key): Promise<void> => {
    const good = await verify(key).catch(() => false)
    if (good) take ??= authenticated(socket, key)
    socket.write(dialbackAnswerText('result', key.to, key.from, { type: good ? 'valid' : 'invalid' }))
  }

  socket.on('data', onData).on('error', () => undefined)
}
