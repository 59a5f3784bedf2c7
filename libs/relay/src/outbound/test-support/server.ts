/**
 * A server that authenticates whoever comes and then does what the test says: for streams that live longer than a script. It looks for texts in what it reads,
 * which is enough for what we ourselves write.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { TLSSocket, createSecureContext } from 'node:tls'
import { DIALBACK, PROCEED, STARTTLS, STREAMS } from '@dialtone/stream'
import { certificateFor, type CertificateSpec } from '@dialtone/zoo'
import { OURS, PEER } from './rig.ts'

export type Served = {
  /** That it was shown. */
  readonly key: string
  say: (text: string) => void
  /** All that came since authentication, or since the last `until`. */
  readonly read: string
  /** Resolves with what came up to and with the text; rejects when the stream ends before. */
  until: (text: string) => Promise<string>
  /** Takes nothing any more, or again. */
  pause: () => void
  resume: () => void
  reset: () => void
  readonly gone: Promise<void>
}
export type Server = { address: string, port: number, /** The next stream that is authenticated. */ next: () => Promise<Served>, close: () => Promise<void> }

/** `features`: offered inside TLS beside dialback. `behind`: said in one go with what authenticates. */
export async function startServer ({ features = '', behind = '', certificate = { names: { dns: [PEER] } }, clear = false, keepFooter = false, errors = true }: { features?: string, behind?: string, certificate?: CertificateSpec, clear?: boolean, /** The footer is not answered. */ keepFooter?: boolean, /** It can refuse a key and keep the stream (XEP-0220 §2.5). */ errors?: boolean } = {}): Promise<Server> {
  const issued = await certificateFor(certificate)
  const ready: Served[] = []
  const waiting: ((served: Served) => void)[] = []
  const sockets = new Set<Socket>()
  const listener = createServer({ noDelay: true }, plain => {
    sockets.add(plain)
    plain.on('error', () => undefined).on('close', () => sockets.delete(plain))
    void serve(plain).catch(() => plain.destroy())
  })
  async function serve (plain: Socket): Promise<void> {
    let reader = readerOf(plain)
    let socket: Socket = plain
    await reader.until("version='1.0'>")
    if (!clear) {
      socket.write(headerText(1) + `<stream:features>${STARTTLS}</stream:features>`)
      await reader.until(STARTTLS)
      reader.leave()
      plain.write(PROCEED)
      socket = new TLSSocket(plain, { isServer: true, secureContext: createSecureContext({ cert: issued.chain, key: issued.key }), ALPNProtocols: ['xmpp-server'] })
      socket.on('error', () => undefined)
      reader = readerOf(socket)
      await reader.until("version='1.0'>")
    }
    socket.write(headerText(2) + `<stream:features><dialback xmlns='urn:xmpp:features:dialback'>${errors ? '<errors/>' : ''}</dialback>${features}</stream:features>`)
    const [, from = OURS, key = ''] = /<db:result[^>]* from='([^']*)'[^>]*>([0-9a-f]+)<\/db:result>/.exec(await reader.until('</db:result>')) ?? []
    reader.footer = () => { if (!keepFooter) socket.end('</stream:stream>') }
    socket.write(`<db:result from='${PEER}' to='${from}' type='valid'/>${behind}`)
    const served: Served = {
      key, say: text => { socket.write(text) }, get read () { return reader.text }, until: text => reader.until(text), pause: () => { socket.pause() }, resume: () => { socket.resume() }, reset: () => { plain.resetAndDestroy() },
      gone: new Promise(resolve => { plain.once('close', () => resolve()) }),
    }
    const taker = waiting.shift()
    if (taker === undefined) ready.push(served)
    else taker(served)
  }
  await new Promise<void>(resolve => { listener.listen({ host: '127.0.0.1', port: 0 }, () => resolve()) })
  return {
    address: '127.0.0.1', port: (listener.address() as AddressInfo).port,
    next: () => new Promise(resolve => {
      const one = ready.shift()
      if (one === undefined) waiting.push(resolve)
      else resolve(one)
    }),
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>(resolve => { listener.close(() => resolve()) })
    },
  }
}

function headerText (id: number): string {
  return `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='${STREAMS}' xmlns:db='${DIALBACK}' id='id${id}' from='${PEER}' to='${OURS}' xml:lang='en' version='1.0'>`
}

function readerOf (socket: Socket): { text: string, until: (text: string) => Promise<string>, leave: () => void, footer: () => void } {
  let wanted: { text: string, resolve: (read: string) => void, reject: (error: Error) => void } | undefined
  let over = false
  let tail = ''
  const look = () => {
    const at = wanted === undefined ? -1 : reader.text.indexOf(wanted.text)
    if (at >= 0 && wanted !== undefined) {
      const { text, resolve } = wanted
      wanted = undefined
      const read = reader.text.slice(0, at + text.length)
      reader.text = reader.text.slice(at + text.length)
      resolve(read)
    } else if (over) wanted?.reject(new Error(`the stream ended before '${wanted.text}'; what came was '${reader.text.slice(0, 400)}'`))
  }
  const take = (bytes: Buffer) => {
    const text = bytes.toString('latin1')
    reader.text += text
    // Not a look at the end of all that was read: that would copy it at every chunk.
    if ((tail + text).includes('</stream:stream>')) reader.footer()
    tail = text.slice(-15)
    if (wanted !== undefined) look()
  }
  const end = () => {
    over = true
    look()
  }
  const reader = {
    text: '', footer: () => undefined as void,
    until: (text: string) => new Promise<string>((resolve, reject) => {
      wanted = { text, resolve, reject }
      look()
    }),
    leave: () => { socket.off('data', take).off('close', end) },
  }
  socket.on('data', take).on('close', end).on('end', end)
  return reader
}
