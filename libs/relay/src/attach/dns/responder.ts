/**
 * The inside DNS responder (gateways.md §6.5) over UDP and TCP: to the inside servers every foreign domain's XMPP service is this gateway. Nobody but the configured clients
 * gets a byte, no answer over UDP is larger than the client says and than 1232 bytes, and there are so many a second for each client: it is no use to whoever forges addresses.
 */
import { createSocket, type Socket } from 'node:dgram'
import { BlockList, isIPv6 } from 'node:net'
import type { ResponderSpec } from '@dialtone/contracts'
import { OperatorError, quoted, type Clock, type Logger, type Meter, type Random } from '@dialtone/kernel'
import { listen, parseCidr, type Accepted, type Listening } from '@dialtone/net'
import { reportFault } from '../../faults.ts'
import { FORWARD_LIMITS, createForwarder, type ForwardLimits } from './forward.ts'
import { responderAnswers, responderLimits, type ResponderLimit } from './metrics.ts'
import { TCP_LIMITS, serveTcp, type TcpLimits } from './over-tcp.ts'
import { RATE_LIMITS, clientOf, createRate, type RateLimits } from './rate.ts'
import { tell } from './view.ts'
import { RCODE, readQuery, udpRoom, writeError, writeReply, writeTruncated, type Query } from './wire.ts'

export type ResponderOptions = {
  /** The zone that it belongs to: a label of its metrics. */
  zone: string
  spec: ResponderSpec
  /** Whether the server of a domain is inside; asked at every question, so that a new configuration counts at once. */
  ours: (domain: string) => boolean
  clock: Clock
  random: Random
  meter: Meter
  logger: Logger
  limits?: { tcp?: Partial<TcpLimits>, rate?: Partial<RateLimits>, forward?: Partial<ForwardLimits> }
}
export type Responder = {
  /** As bound, in the order of the configuration. */
  readonly listening: readonly { address: string, port: number }[]
  /** Replaces the configuration; places that stay stay open. Rejects with an OperatorError, and then nothing has changed, where a place cannot be bound or a network is none. */
  configure: (spec: ResponderSpec) => Promise<void>
  /** Closes everything; what waits for a resolver is not answered any more. */
  stop: () => Promise<void>
}

type Open = { wanted: string, address: string, port: number, close: () => Promise<void> }
type Transport = 'udp' | 'tcp'
/** A system-chosen port of TCP is mostly free over UDP; a few tries suffice. */
const TRIES = 20

/** Listens; rejects as `configure` does. */
export async function startResponder (options: ResponderOptions): Promise<Responder> {
  const { zone, ours, clock, random, meter, logger, limits = {} } = options
  const tcpLimits = { ...TCP_LIMITS, ...limits.tcp }
  const rate = createRate(clock, { ...RATE_LIMITS, ...limits.rate })
  const forwarder = createForwarder({ zone, clock, random, meter }, { ...FORWARD_LIMITS, ...limits.forward })
  const stopping = new AbortController()
  let spec = options.spec
  let clients = new BlockList()
  let open: readonly Open[] = []
  let connections = 0
  const perClient = new Map<string, number>()

  const limited = (limit: ResponderLimit) => meter.add(responderLimits, { zone, limit })
  const isClient = (address: string): boolean => {
    const bare = address.replace(/^::ffff:(?=\d+\.)/, '').split('%')[0] ?? ''
    if (clients.check(bare, isIPv6(bare) ? 'ipv6' : 'ipv4')) return true
    limited('stranger')
    return false
  }

  /** Answers one message; `done` is called when nothing more will come of it. */
  const answer: typeof reply = (message, transport, client, send, done) => {
    try { reply(message, transport, client, send, done) } catch (error) {
      reportFault({ meter, logger }, 'responder', error)
      done()
    }
  }
  const reply = (message: Uint8Array, transport: Transport, client: string, send: (reply: Buffer) => void, done: () => void): void => {
    const query = readQuery(message)
    const say = (what: string, reply: Buffer) => {
      meter.add(responderAnswers, { zone, transport, answer: what })
      send(reply)
      done()
    }
    if (query === undefined) return done()
    if ('rcode' in query) return say(query.rcode === RCODE.notimp ? 'notimp' : 'formerr', writeError(query))
    const room = transport === 'tcp' ? 65_535 : udpRoom(query)
    const recursion = spec.forwardTo.length > 0
    if ((query.edns?.version ?? 0) > 0) return say('badvers', writeReply(query, { rcode: RCODE.badvers, recursion }, room))
    const told = tell(spec, ours, query)
    if (told !== undefined) return say(told.what, writeReply(query, { ...told, authoritative: told.rcode !== RCODE.refused && told.what !== 'any', recursion }, room))
    if (!recursion || !wantsRecursion(query)) return say('refused', writeReply(query, { rcode: RCODE.refused, recursion }, room))
    // What the message lies in may be used again before the resolver has answered.
    void passOn({ ...query, question: Buffer.from(query.question) }, client, room, reply => say('forwarded', reply), done)
  }

  const passOn = async (query: Query, client: string, room: number, say: (reply: Buffer) => void, nothing: () => void): Promise<void> => {
    const recursion = true
    try {
      const found = await forwarder.ask(query, client)
      if (stopping.signal.aborted) return nothing()
      if (typeof found === 'string') return say(writeReply(query, { rcode: RCODE.servfail, recursion }, room))
      return say(found.message.length <= room ? found.message : writeTruncated(query, recursion))
    } catch (error) {
      reportFault({ meter, logger }, 'responder', error)
      return nothing()
    }
  }

  const overUdp = (socket: Socket) => {
    socket.on('message', (message, { address, port }) => {
      if (port === 0 || !isClient(address)) return
      const client = clientOf(address)
      const send = (reply: Buffer) => socket.send(reply, port, address, () => undefined)
      const allowed = rate(client)
      if (allowed === 'answer') return answer(message, 'udp', client, reply => { if (!stopping.signal.aborted) send(reply) }, () => undefined)
      limited('rate')
      const query = allowed === 'truncate' ? readQuery(message) : undefined
      if (query !== undefined && 'question' in query) send(writeTruncated(query, spec.forwardTo.length > 0))
    })
    socket.on('error', error => logger.warn({ zone, code: (error as NodeJS.ErrnoException).code }, 'the responder could not read a datagram'))
  }
  const overTcp = (accepted: Accepted) => {
    const client = clientOf(accepted.address)
    const mine = perClient.get(client) ?? 0
    if (connections >= tcpLimits.connections || mine >= tcpLimits.perClient) {
      limited('connections')
      accepted.connection.destroy()
      return
    }
    connections++
    perClient.set(client, mine + 1)
    serveTcp(accepted, tcpLimits, (message, send, over) => answer(message, 'tcp', client, send, over), limited, () => {
      connections--
      const left = (perClient.get(client) ?? 1) - 1
      if (left === 0) perClient.delete(client)
      else perClient.set(client, left)
    })
  }

  const openPlace = async (wanted: { address: string, port: number }): Promise<Open> => {
    for (let left = wanted.port === 0 ? TRIES : 0; ; left--) {
      const tcp = await listen({ ...wanted, admit: isClient, accepted: overTcp, signal: stopping.signal })
      const udp = await bindUdp(wanted.address, tcp.port).catch(async (error: unknown) => {
        await tcp.close()
        if (left === 0) throw error
        return undefined
      })
      if (udp === undefined) continue
      overUdp(udp)
      return { wanted: keyOf(wanted), address: wanted.address, port: tcp.port, close: () => closeBoth(udp, tcp) }
    }
  }

  const configure = async (next: ResponderSpec): Promise<void> => {
    const allowed = blocksOf(next.clients)
    refuseLoops(next)
    const stay = open.filter(({ wanted }) => next.listen.some(place => keyOf(place) === wanted))
    const fresh: Open[] = []
    try {
      for (const place of next.listen) {
        if (![...stay, ...fresh].some(({ wanted }) => wanted === keyOf(place))) fresh.push(await openPlace(place))
      }
    } catch (error) {
      await Promise.all(fresh.map(({ close }) => close()))
      throw error
    }
    const gone = open.filter(one => !stay.includes(one))
    open = next.listen.flatMap(place => [...stay, ...fresh].find(({ wanted }) => wanted === keyOf(place)) ?? [])
    spec = next
    clients = allowed
    forwarder.configure(next.forwardTo)
    await Promise.all(gone.map(({ close }) => close()))
  }

  await configure(options.spec)
  return {
    get listening () { return open.map(({ address, port }) => ({ address, port })) },
    configure,
    stop: async () => {
      stopping.abort()
      forwarder.stop()
      await Promise.all(open.map(({ close }) => close()))
      open = []
    },
  }
}

function wantsRecursion ({ flags }: Query): boolean {
  return (flags & 0x0100) !== 0
}

function keyOf ({ address, port }: { address: string, port: number }): string {
  return `${address} ${port}`
}

function blocksOf (clients: readonly string[]): BlockList {
  const list = new BlockList()
  for (const block of clients) {
    const { address, prefix, family } = parseCidr(block)
    list.addSubnet(address, prefix, family)
  }
  return list
}

function refuseLoops ({ listen: places, forwardTo }: ResponderSpec): void {
  const loop = forwardTo.find(to => to.port !== 0 && places.some(place => keyOf(place) === keyOf(to)))
  if (loop !== undefined) throw new OperatorError('configuration', `the responder would forward to itself at ${quoted(loop.address, 60)} port ${loop.port}: name another resolver in forwardTo`)
}

function bindUdp (address: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(address) ? { type: 'udp6', ipv6Only: address !== '::' } : { type: 'udp4' })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close()
      reject(new OperatorError('cannot-listen', `cannot listen on ${address} port ${port} over UDP: ${error.code === 'EADDRINUSE' ? 'the port is taken; see ss -lunp' : error.code ?? error.message}`))
    })
    socket.bind(port, address, () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}

async function closeBoth (udp: Socket, tcp: Listening): Promise<void> {
  const closed = tcp.close()
  await Promise.all([closed, new Promise<void>(resolve => { udp.close(() => resolve()) })])
}
