// A listener under test, and peers that speak to it over sockets of their own: whatever they like, in whichever pieces.
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { EndpointKind, ListenerEvent } from '@dialtone/contracts'
import { DIGEST, listen } from '@dialtone/net'
import { keysOf, type Keys } from '@dialtone/stream'
import { certificateFor, trustedRoot, type CertificateSpec } from '@dialtone/zoo'
import { afterEach } from 'vitest'
import type { Expectation, Prove } from '../listener/expectation.ts'
import { LISTENER_LIMITS } from '../listener/limits.ts'
import { startListener, type Listener, type ListenerOptions } from '../listener/listener.ts'
import { serve, type Served } from '../listener/serve.ts'

export const OURS = 'ours.example'
export const PEER = 'partner.example'
export const KEYS: Keys = keysOf('a secret of more than 128 bits', DIGEST)

export type Place = { address: string, port: number, kind: EndpointKind }
export type Started = { listener: Listener, told: ListenerEvent[], starttls: Place, direct: Place }

const cleanUp: (() => unknown)[] = []
afterEach(async () => { for (const clean of cleanUp.splice(0).toReversed()) await clean() })

/** A listener for OURS on loopback, with a certificate unless told otherwise; stopped after the test. */
export async function started (given: Partial<Omit<ListenerOptions, 'places' | 'certificate'>> & { clear?: true } = {}): Promise<Started> {
  const told: ListenerEvent[] = []
  const { clear, ...options } = given
  const { chain, key } = await certificateFor({ names: { dns: [OURS] } })
  const listener = await startListener({
    domain: OURS, keys: KEYS, anchors: { system: false, given: [await trustedRoot()] }, tell: event => told.push(event),
    ...(clear === true ? {} : { certificate: { certificate: chain, key } }), ...options,
    places: [{ address: '127.0.0.1', port: 0, kind: 'starttls' }, { address: '127.0.0.1', port: 0, kind: 'direct' }],
  })
  cleanUp.push(listener.stop)
  const [starttls, direct] = listener.places
  if (starttls === undefined || direct === undefined) throw new Error('the listener has two places')
  return { listener, told, starttls, direct }
}

/** Connections served with some of the listener's guards replaced: what an attack does where they are missing. */
export async function unguarded (change: Partial<Served>): Promise<{ at: Place, told: ListenerEvent[] }> {
  const told: ListenerEvent[] = []
  const stopping = new AbortController()
  let number = 0
  const served: Served = {
    domain: OURS, anchors: { system: false, given: [] }, limits: { ...LISTENER_LIMITS, refusals: Number.POSITIVE_INFINITY }, underCheck: () => undefined, whenOver: () => undefined, isOurs: KEYS.isOurs, mayAsk: () => true,
    strangers: { spoke: () => undefined, ended: () => undefined }, wrongKeys: { count: () => 'tell' }, refusals: { count: () => 'tell' }, proofs: { begin: () => true, end: () => undefined }, freshId: () => String(++number), now: () => Date.now(), tell: event => told.push(event), ...change,
  }
  const running: Promise<void>[] = []
  const at = await listen({ address: '127.0.0.1', port: 0, admit: () => true, signal: stopping.signal, accepted: connection => running.push(serve(connection, 'starttls', ++number, served)) })
  cleanUp.push(async () => {
    stopping.abort()
    await at.close()
    await Promise.all(running)
  })
  return { at: { ...at, kind: 'starttls' }, told }
}

/** PEER under check, unless told otherwise. */
export function expectation (given: Partial<Expectation> = {}): Expectation {
  return { peer: PEER, addresses: new Set(), prove: answering('valid'), since: () => 0, streamIds: new Set(), callbacks: [], callbacksLeftOut: 0, strays: new Map(), asked: new Map(), ...given }
}

export function answering (type: 'valid' | 'invalid'): Prove {
  return () => Promise.resolve({ answer: { type } })
}

export type RawPeer = {
  say: (text: string | Uint8Array) => void
  /** All that was received, as text. */
  readonly heard: string
  /** Resolves when what was received since the last time has it; rejects when the other side closes without. */
  until: (pattern: RegExp) => Promise<string>
  /** Resolves with all that was received. */
  closed: Promise<string>
  readonly open: boolean
  socket: () => Socket
  startTls: (shows?: CertificateSpec) => Promise<void>
  leave: () => void
}

/** Connects in clear; `from` is the loopback address to come from. */
export async function dial ({ address, port }: Pick<Place, 'address' | 'port'>, from?: string): Promise<RawPeer> {
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
  cleanUp.push(() => plain.destroy())
  await once(plain, 'connect')
  const peer: RawPeer = {
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
    startTls: async shows => {
      plain.removeAllListeners('data')
      const own = shows === undefined ? undefined : await certificateFor(shows)
      const secure = connectTls({ socket: plain, rejectUnauthorized: false, servername: OURS, ...(own === undefined ? {} : { cert: own.chain, key: own.key }) })
      socket = secure
      follow(secure)
      await once(secure, 'secureConnect')
    },
    leave: () => plain.destroy(),
  }
  return peer
}

/** STARTTLS, and the header again: the peer is where it may authenticate. Gives the features. */
export async function secure (peer: RawPeer, header: string, shows?: CertificateSpec): Promise<string> {
  peer.say(header)
  await peer.until(/<\/stream:features>/)
  peer.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  await peer.until(/<proceed[^>]*>/)
  await peer.startTls(shows)
  peer.say(header)
  return await peer.until(/<stream:features>.*<\/stream:features>/)
}

/** Waits for what is about to be so; the test's own time-out ends it otherwise. */
export async function eventually (is: () => boolean): Promise<void> {
  while (!is()) await new Promise(resolve => { setTimeout(resolve, 5) })
}
