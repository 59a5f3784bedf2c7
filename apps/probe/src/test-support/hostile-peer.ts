// A peer that makes up every text it sends, anew on each connection: names of mechanisms, of features, of error conditions, ids, languages, addresses.
import { randomBytes, randomInt } from 'node:crypto'
import { createServer, type AddressInfo, type Socket } from 'node:net'

export type HostilePeer = { port: number, /** Texts that were made up and sent. */ sent: () => number, /** Keys that were answered. */ keysAnswered: () => number, /** Every one begins with this. */ mark: string, close: () => Promise<void> }

/** Half of them mechanisms, half of them features; the framer refuses more than 64 elements in one. */
const ELEMENTS = 40
const CLOSE = '</stream:stream>'

export async function startHostilePeer (address: string): Promise<HostilePeer> {
  const mark = 'zq'
  let sent = 0
  let keysAnswered = 0
  const text = (): string => {
    sent += 1
    return `${mark}${randomBytes(9).toString('base64url').replaceAll('-', '.')}`
  }
  const some = (make: () => string): string => Array.from({ length: ELEMENTS / 2 }, make).join('')
  const header = (): string => `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams' id='${text()}' from='${text()}' to='${text()}' xml:lang='${text()}' version='1.0'>`
  const features = (): string => `<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${some(() => `<mechanism>${text()}</mechanism>`)}</mechanisms>${some(() => `<${text()} xmlns='urn:${text()}'/>`)}<dialback xmlns='urn:xmpp:features:dialback'/></stream:features>`
  const error = (): string => `<stream:error><${text()} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>${text()}</text><${text()} xmlns='urn:${text()}'/></stream:error>${CLOSE}`

  /** To whoever sends a key: an answer about the right pair, of a kind or with a condition that nobody knows. */
  const dialback = (said: string): string => {
    const [, to = '', from = ''] = /<db:result (?=[^>]*from='([^']*)')[^>]*to='([^']*)'/.exec(said) ?? []
    if (to === '') return ''
    keysAnswered += 1
    return randomInt(2) === 0 ? `<db:result from='${from}' to='${to}' type='${text()}'/>` : `<db:result from='${from}' to='${to}' type='error'><error type='${text()}'><${text()} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>`
  }

  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    let answered = false
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined).on('data', bytes => {
      if (answered) return void socket.end(dialback(bytes.toString('latin1')) + CLOSE)
      answered = true
      switch (randomInt(4)) {
        case 0: return void socket.end(header() + error())
        case 1: return void socket.end(text().repeat(3))
        default: return void socket.write(header() + features())
      }
    })
  })
  await new Promise<void>(resolve => { server.listen(0, address, resolve) })
  return {
    port: (server.address() as AddressInfo).port,
    sent: () => sent,
    keysAnswered: () => keysAnswered,
    mark,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => { server.close(resolve) })
    },
  }
}
