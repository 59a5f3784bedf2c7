/**
 * A server that we connect to, whose every word is cut in two where the test says: STARTTLS, then dialback, then one stanza for each that it gets, on the same stream where that goes both
 * ways (XEP-0288). What is said inside TLS is cut before it is encrypted.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { TLSSocket, createSecureContext } from 'node:tls'
import { AFTER_AUTHENTICATION, DIALBACK, FOOTER, PROCEED, STARTTLS, TLS, createFramer, dialbackAnswerText, headerText, readHeader, type Framer } from '@dialtone/stream'
import { certificateFor } from '@dialtone/zoo'

/** By the domain that the gateway speaks as: what it said, with the bounds of elements, and how many bytes the host has said. */
export type Heard = { words: string[], said: number }
export type CutHost = { port: number, heard: Map<string, Heard>, close: () => Promise<void> }

const BIDI = 'urn:xmpp:bidi'
const BIDI_FEATURE = "<bidi xmlns='urn:xmpp:features:bidi'/>"
const DIALBACK_FEATURE = "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"

/** `cutFor`: after how many bytes of its own the host pauses, for a domain. `answer`: what it says to a stanza. */
export async function startCutHost (domain: string, cutFor: (peer: string) => number, answer: (peer: string) => string): Promise<CutHost> {
  const { chain, key } = await certificateFor({ names: { dns: [domain] } })
  const secureContext = createSecureContext({ cert: chain, key, ecdhCurve: 'X25519' })
  const heard: CutHost['heard'] = new Map()
  const sockets = new Set<Socket>()
  const listener = createServer({ noDelay: true }, plain => {
    sockets.add(plain)
    plain.on('error', () => undefined).on('close', () => sockets.delete(plain))
    serve(plain)
  })
  const serve = (plain: Socket) => {
    let socket: Socket | TLSSocket = plain
    let peer = ''
    let framer: Framer
    let last = Promise.resolve()
    const known = (): Heard => {
      const one = heard.get(peer) ?? { words: [], said: 0 }
      heard.set(peer, one)
      return one
    }
    const write = async (bytes: Buffer): Promise<void> => {
      const one = known()
      const cut = cutFor(peer) - one.said
      one.said += bytes.length
      const isCut = cut > 0 && cut < bytes.length
      if (isCut) {
        socket.write(bytes.subarray(0, cut))
        // What was written is read before the rest is.
        for (let turn = 0; turn < 3; turn++) await new Promise(resolve => { setImmediate(resolve) })
      }
      socket.write(isCut ? bytes.subarray(cut) : bytes)
    }
    const say = (text: string) => { last = last.then(() => write(Buffer.from(text))) }
    const secure = async () => {
      await last
      plain.removeAllListeners('data')
      const inside = new TLSSocket(plain, { isServer: true, secureContext })
      inside.on('error', () => undefined).on('data', (bytes: Buffer) => { framer.write(bytes) })
      socket = inside
      framer = reader(true)
    }
    const reader = (secured: boolean): Framer => createFramer({ limits: AFTER_AUTHENTICATION }, {
      header: frame => {
        const found = readHeader(frame)
        peer = 'header' in found ? found.header.from ?? '' : ''
        known().words.push(Buffer.from(frame.bytes).toString())
        say(`${headerText({ from: domain, to: peer, id: secured ? 'two' : 'one' })}<stream:features>${secured ? DIALBACK_FEATURE + BIDI_FEATURE : STARTTLS}</stream:features>`)
      },
      element: ({ namespace, name, bytes }) => {
        // The key is another for another domain.
        known().words.push(Buffer.from(bytes).toString().replace(/>[0-9a-f]{64}</, '>key<'))
        if (namespace === TLS) {
          say(PROCEED)
          void secure()
        } else if (namespace === DIALBACK && name === 'result') say(dialbackAnswerText('result', domain, peer, { type: 'valid' }))
        else if (namespace !== BIDI) say(answer(peer))
      },
      end: () => {
        known().words.push(FOOTER)
        socket.end(FOOTER)
      },
      error: ({ detail }) => { known().words.push(`broken: ${detail}`) },
    })
    framer = reader(false)
    plain.on('data', bytes => { framer.write(bytes) })
  }
  await new Promise<void>(resolve => { listener.listen({ host: '127.0.0.1', port: 0 }, () => resolve()) })
  return {
    port: (listener.address() as AddressInfo).port, heard,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>(resolve => { listener.close(() => resolve()) })
    },
  }
}
