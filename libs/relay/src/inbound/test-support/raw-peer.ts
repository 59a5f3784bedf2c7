// Peers that speak over sockets of their own: whatever they like, in whichever pieces.
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { externalText, headerText } from '@dialtone/stream'
import { certificateFor, type CertificateSpec } from '@dialtone/zoo'
import { OURS, PEER, after, type Place } from './gateway.ts'

export const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
export const HEADER = headerText({ from: PEER, to: OURS })
export const CERTIFICATE: CertificateSpec = { names: { dns: [PEER] } }

export type RawPeer = {
  say: (text: string | Uint8Array) => void
  /** All that was received, as text. */
  readonly heard: string
  /** Resolves when what was received since the last time has it; rejects when the other side closes without. */
  until: (pattern: RegExp) => Promise<string>
  /** Resolves with all that was received. */
  closed: Promise<string>
  readonly open: boolean
  socket: () => Socket | TLSSocket
  startTls: (shows?: CertificateSpec, options?: ConnectionOptions) => Promise<void>
  leave: () => void
}

/** Connects in clear; `from` is the loopback address to come from. */
export async function dial ({ address, port }: Place, from?: string): Promise<RawPeer> {
  const plain = connectTcp({ host: address, port, noDelay: true, ...(from === undefined ? {} : { localAddress: from }) })
  let socket: Socket | TLSSocket = plain
  let heard = ''
  let read = 0
  let open = true
  let news: () => void = () => undefined
  const over = Promise.withResolvers<string>()
  const follow = (stream: Socket | TLSSocket) => {
    stream.on('error', () => undefined)
    stream.on('data', (bytes: Buffer) => {
      heard += bytes.toString('latin1')
      news()
    })
    stream.on('close', () => {
      open = false
      news()
      over.resolve(heard)
    })
  }
  follow(plain)
  after(() => plain.destroy())
  await once(plain, 'connect')
  return {
    say: text => { socket.write(text) },
    get heard () { return heard },
    until: pattern => new Promise((resolve, reject) => {
      news = () => {
        const found = pattern.exec(heard.slice(read))
        if (found !== null) {
          read += found.index + found[0].length
          news = () => undefined
          resolve(found[0])
        } else if (!open) reject(new Error(`closed without ${String(pattern)}; received ${heard.slice(read)}`))
      }
      news()
    }),
    closed: over.promise,
    get open () { return open },
    socket: () => socket,
    startTls: async (shows, options = {}) => {
      plain.removeAllListeners('data')
      const own = shows === undefined ? undefined : await certificateFor(shows)
      const secure = connectTls({ socket: plain, rejectUnauthorized: false, servername: OURS, ...(own === undefined ? {} : { cert: own.chain, key: own.key }), ...options })
      socket = secure
      follow(secure)
      await once(secure, 'secureConnect')
    },
    leave: () => plain.destroy(),
  }
}

/** STARTTLS, and the header again: the peer is where it may authenticate. Gives the features. */
export async function secure (peer: RawPeer, header: string = HEADER, shows?: CertificateSpec, options?: ConnectionOptions): Promise<string> {
  peer.say(header)
  await peer.until(/<\/stream:features>/)
  peer.say(STARTTLS)
  await peer.until(/<proceed[^>]*>/)
  await peer.startTls(shows, options)
  peer.say(header)
  return await peer.until(/<stream:features>.*<\/stream:features>|<stream:features\/>/)
}

/** Authenticated by EXTERNAL, as PEER unless told otherwise. */
export async function authenticated (at: Place, { header = HEADER, as = CERTIFICATE, from }: { header?: string, as?: CertificateSpec, from?: string } = {}): Promise<RawPeer> {
  const peer = await dial(at, from)
  await secure(peer, header, as)
  peer.say(externalText('='))
  await peer.until(/<success[^>]*>/)
  peer.say(header)
  await peer.until(/<\/stream:features>|<stream:features\/>/)
  return peer
}

/** Waits for what is about to be so; the test's own time-out ends it otherwise. */
export async function eventually (is: () => boolean): Promise<void> {
  while (!is()) await new Promise(resolve => { setTimeout(resolve, 5) })
}
