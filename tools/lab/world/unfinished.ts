/**
 * A server that asks whoever calls it about his key, hears that it is valid, and never says so. No server in use does that on purpose; one that hangs there does. It speaks in
 * clear, for its own domain alone.
 */
import type { NetworkHost } from '@dialtone/testkit'
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'

const OPENING = `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' version='1.0'`
const FOOTER = '</stream:stream>'

/** `whereIs`: the address of a domain that calls, or nothing where it calls nobody back. */
export async function listenUnfinished (host: NetworkHost, address: string, domain: string, whereIs: (domain: string) => string | undefined): Promise<void> {
  const server = await host.listen({ address, port: 5269 })
  const callBack = async (to: Parameters<NetworkHost['connect']>[0], question: Question): Promise<void> => { ask(await host.connect(to), question) }
  server.on('connection', socket => {
    const id = randomUUID()
    hear(socket, /<stream:stream\s[^>]*>/, header => {
      const [from = '', to = ''] = [attribute(header, 'from'), attribute(header, 'to')]
      socket.write(`${OPENING} id='${id}' from='${to}' to='${from}'>`)
      if (to !== domain) {
        socket.end(`<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>${FOOTER}`)
        return
      }
      socket.write("<stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>")
      hear(socket, /<\/stream:stream>/, () => socket.end(FOOTER))
      hear(socket, /<db:result\s[^>]*>[^<]+<\/db:result>/, result => {
        const caller = attribute(result, 'from') ?? ''
        const there = whereIs(caller)
        const key = /<db:result[^>]*>([^<]+)</.exec(result)?.[1] ?? ''
        if (there !== undefined) callBack({ address: there, port: 5269, from: address }, { from: domain, to: caller, id, key }).catch(() => undefined)
      })
    })
  })
}

type Question = { from: string, to: string, id: string, key: string }

/** The answer is heard, and nothing comes of it. */
function ask (socket: Socket, { from, to, id, key }: Question): void {
  hear(socket, /<stream:features[^>]*\/>|<\/stream:features>/, () => socket.write(`<db:verify from='${from}' to='${to}' id='${id}'>${key}</db:verify>`))
  hear(socket, /<db:verify\s[^>]*type=[^>]*>/, () => socket.end(FOOTER))
  socket.write(`${OPENING} from='${from}' to='${to}'>`)
}

/** The first text that comes and looks like it; no more is kept than a header or features need. */
function hear (socket: Socket, what: RegExp, then: (text: string) => void): void {
  let held = ''
  socket.on('error', () => socket.destroy())
  socket.on('data', function read (bytes: Buffer) {
    held = (held + bytes.toString('utf8')).slice(-MAX)
    const [text] = what.exec(held) ?? []
    if (text === undefined) return
    socket.off('data', read)
    then(text)
  })
}

const MAX = 65_536

function attribute (tag: string, name: string): string | undefined {
  return new RegExp(`\\s${name}=['"]([^'"]*)['"]`).exec(tag)?.[1]
}
