// A client and a resolver for tests of the responder, whose messages another program's library writes and reads.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, isIPv6, type AddressInfo, type Server } from 'node:net'
import { RECURSION_DESIRED, decode, encode, type DecodedPacket, type RecordType } from 'dns-packet'

export type Place = { address: string, port: number }
export type AskOptions = { id?: number, flags?: number, edns?: number | false, dnssec?: boolean, from?: string, class?: 'IN' | 'CH', ednsVersion?: number }

export function question (name: string, type: RecordType | 'ANY', { id = 4711, flags = RECURSION_DESIRED, edns = 1232, dnssec = false, class: kind = 'IN', ednsVersion = 0 }: AskOptions = {}): Buffer {
  return encode({
    type: 'query', id, flags, questions: [{ name, type: type as RecordType, class: kind }],
    additionals: edns === false ? [] : [{ type: 'OPT', name: '.', udpPayloadSize: edns, extendedRcode: 0, ednsVersion, flags: dnssec ? 0x8000 : 0, flag_do: dnssec, options: [] }],
  })
}

/** The whole answer over UDP, and its bytes. */
export async function overUdp (to: Place, name: string, type: RecordType | 'ANY', options: AskOptions = {}): Promise<Packet & { raw: Buffer }> {
  const raw = await exchange(to, question(name, type, options), options.from)
  return Object.assign(decode(raw) as Packet, { raw })
}

/** What comes back for these bytes. */
export async function exchange (to: Place, bytes: Uint8Array, from?: string): Promise<Buffer> {
  const socket = await openUdp(from ?? to.address)
  try {
    socket.send(bytes, to.port, to.address)
    const [message] = await once(socket, 'message', { signal: AbortSignal.timeout(8000) }) as [Buffer]
    return message
  } finally {
    socket.close()
  }
}

export async function openUdp (address: string): Promise<Socket> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  socket.bind(0, address)
  await once(socket, 'listening')
  return socket
}

/** One connection that sends these messages in one go; resolves with as many answers, or fewer where the other side ends it. */
export async function overTcp (to: Place, messages: readonly Uint8Array[], from = to.address): Promise<Packet[]> {
  const socket = connect({ host: to.address, port: to.port, localAddress: from })
  socket.on('error', () => undefined)
  const answers: Packet[] = []
  const all = new Promise<void>(resolve => {
    let received = Buffer.alloc(0)
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        answers.push(decode(received.subarray(2, 2 + received.readUInt16BE(0))) as Packet)
        received = received.subarray(2 + received.readUInt16BE(0))
      }
      if (answers.length >= messages.length) resolve()
    })
    socket.on('close', () => resolve())
  })
  socket.write(Buffer.concat(messages.map(framed)))
  await all
  socket.destroy()
  return answers
}

export function framed (message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message])
}

/** The library's types leave out what it reads. */
export type Packet = DecodedPacket & { rcode: string }

export type Asked = { packet: DecodedPacket, raw: Buffer, from: RemoteInfo, transport: 'udp' | 'tcp' }
/** A resolver that does what it is told with each question; `answer` may send as often as it likes. */
export async function startResolver (address: string, answer: (asked: Asked, send: (message: Uint8Array) => void) => void): Promise<Place & { asked: Asked[], close: () => void }> {
  const asked: Asked[] = []
  for (;;) {
    const udp = await openUdp(address)
    const { port } = udp.address()
    const tcp = await tcpAt(address, port)
    if (tcp === undefined) {
      udp.close()
      continue
    }
    const hear = (raw: Buffer, from: RemoteInfo, transport: 'udp' | 'tcp', send: (message: Uint8Array) => void) => {
      const one = { packet: decode(raw), raw, from, transport }
      asked.push(one)
      answer(one, send)
    }
    let closed = false
    udp.on('message', (raw, from) => hear(raw, from, 'udp', message => { if (!closed) udp.send(message, from.port, from.address) }))
    tcp.on('connection', socket => {
      socket.on('error', () => undefined)
      socket.on('data', chunk => hear(chunk.subarray(2), { address, port: 0, family: 'IPv4', size: 0 }, 'tcp', message => socket.write(framed(message))))
    })
    return { address, port, asked, close: () => { closed = true; udp.close(); tcp.close() } }
  }
}

async function tcpAt (address: string, port: number): Promise<Server | undefined> {
  const server = createServer()
  return await new Promise(resolve => {
    server.once('error', () => resolve(undefined))
    server.listen(port, address, () => resolve((server.address() as AddressInfo).port === port ? server : undefined))
  })
}

/** A right answer to what was asked, with these records. */
export function answerTo ({ packet }: Asked, parts: { answers?: NonNullable<DecodedPacket['answers']>, authorities?: NonNullable<DecodedPacket['authorities']>, rcode?: number, flags?: number, id?: number, name?: string }): Buffer {
  const asked = packet.questions?.[0]
  if (asked === undefined) throw new TypeError('no question')
  return encode({
    type: 'response', id: parts.id ?? packet.id ?? 0, flags: (parts.flags ?? 0) | (parts.rcode ?? 0) | RECURSION_DESIRED,
    questions: [{ ...asked, name: parts.name ?? asked.name }], answers: parts.answers ?? [], authorities: parts.authorities ?? [],
    additionals: packet.additionals?.some(({ type }) => type === 'OPT') === true ? [{ type: 'OPT', name: '.', udpPayloadSize: 4096, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }] : [],
  })
}
