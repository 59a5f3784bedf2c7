// A stream that a server of a bench opens: in clear or over STARTTLS, authenticated by dialback (XEP-0220) or by certificate (XEP-0178).
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'
import { STARTTLS, dialbackKeyText, dialbackQuestionText, externalText, headerText, type Keys } from '@dialtone/stream'
import type { Place } from '@dialtone/testkit'
import { attributeOf, listenTo, type Ear } from './ear.ts'

export type Dial = {
  server: Place
  from: string
  to: string
  /** What we send from. */
  localAddress?: string
  tls: boolean
  /** Shown to the server. Without one, none is. */
  context?: SecureContext
}

type Opened = { socket: Socket, ear: Ear, id: string, features: string }

/** A stream over which stanzas may be sent; paused, and nothing but what the server says afterwards is unread. Throws what the server answered instead. */
export async function dial (options: Dial, how: { dialback: Keys } | 'external'): Promise<Socket> {
  const { from, to } = options
  const { socket, ear, id, features } = await open(options)
  if (how === 'external') {
    if (!features.includes('EXTERNAL')) throw new Error(`${to} does not offer EXTERNAL to ${from}: ${features}`)
    socket.write(externalText(Buffer.from(from).toString('base64')))
    await ear.until(/<success[^>]*>/)
    socket.write(headerText({ from, to }))
    await ear.until(FEATURES)
  } else {
    socket.write(dialbackKeyText(from, to, how.dialback.keyFor({ receiving: to, originating: from, streamId: id })))
    const answer = await ear.until(/<db:result[^>]*\/>|<\/db:result>/)
    if (attributeOf(answer, 'type') !== 'valid') throw new Error(`${to} answered the key of ${from} with ${answer}`)
  }
  ear.off()
  return socket
}

/** Asks a server whether it gave that key (XEP-0220 §2.2). */
export async function verify (options: Dial, question: { id: string, key: string }): Promise<boolean> {
  const { socket, ear } = await open(options)
  socket.write(dialbackQuestionText(options.from, options.to, question.id, question.key))
  const answer = await ear.until(/<db:verify[^>]*>/)
  socket.end('</stream:stream>')
  ear.off()
  socket.resume()
  return attributeOf(answer, 'type') === 'valid'
}

/** A stream as a component (XEP-0114). */
export async function dialAsComponent ({ server, name, secret }: { server: Place, name: string, secret: string }): Promise<Socket> {
  const socket = await connected(server)
  const ear = listenTo(socket)
  socket.write(`<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${name}'>`)
  const id = attributeOf(await ear.until(HEADER), 'id')
  socket.write(`<handshake>${createHash('sha1').update(id + secret).digest('hex')}</handshake>`)
  await ear.until(/<handshake[^>]*>/)
  ear.off()
  return socket
}

const HEADER = /<stream:stream[^>]*>/
const FEATURES = /<stream:features[^>]*\/>|<\/stream:features>/

/** Up to the features after which we authenticate. */
async function open ({ server, from, to, localAddress, tls, context }: Dial): Promise<Opened> {
  let socket: Socket = await connected(server, localAddress)
  let ear = listenTo(socket)
  const begin = async (): Promise<Pick<Opened, 'id' | 'features'>> => {
    socket.write(headerText({ from, to }))
    const header = await ear.until(HEADER)
    return { id: attributeOf(HEADER.exec(header)?.[0] ?? '', 'id'), features: await ear.until(FEATURES) }
  }
  let begun = await begin()
  if (tls) {
    socket.write(STARTTLS)
    await ear.until(/<proceed[^>]*>/)
    ear.off()
    const secured = connectTls({ socket, rejectUnauthorized: false, servername: to, ...(context === undefined ? {} : { secureContext: context }) })
    await once(secured, 'secureConnect')
    socket = quiet(secured)
    ear = listenTo(socket)
    begun = await begin()
  }
  return { socket, ear, ...begun }
}

async function connected ({ address, port }: Place, localAddress?: string): Promise<Socket> {
  const socket = connectTcp({ host: address, port, noDelay: true, ...(localAddress === undefined ? {} : { localAddress }) })
  await once(socket, 'connect')
  return quiet(socket)
}

/** What goes wrong later is told by what does not arrive. */
function quiet (socket: Socket): Socket {
  return socket.on('error', () => undefined)
}
