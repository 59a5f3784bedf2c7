/**
 * What the responder does not answer itself: asked of the operator's resolvers, in their order, the last one that answered first. Answers are kept as long as they live, equal
 * questions are asked once at a time, and every question has its own port and id (RFC 5452).
 */
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { ResponderSpec } from '@dialtone/contracts'
import type { Clock, Meter, Random } from '@dialtone/kernel'
import { forClient, readAnswer, type Answer } from './answer.ts'
import { responderForwarded, responderInFlight, responderLimits, responderResolver } from './metrics.ts'
import { RCODE, forwardedQuery, keyOf, type Query } from './wire.ts'

type Place = ResponderSpec['forwardTo'][number]
/** `limited`: there is no room to ask; the answer is SERVFAIL, as where no resolver answers. */
export type Forwarded = { message: Buffer } | 'failed' | 'limited'
export type Forwarder = {
  /** Never rejects. */
  ask: (query: Query, client: string) => Promise<Forwarded>
  /** Other resolvers from the next question on; what is kept came from others, and is forgotten. */
  configure: (places: readonly Place[]) => void
  /** What waits fails at once. */
  stop: () => void
}
export type ForwardLimits = { tryMs: number, deadlineMs: number, inFlight: number, inFlightPerClient: number, waiting: number, kept: number, keptBytes: number }
export const FORWARD_LIMITS: ForwardLimits = { tryMs: 1500, deadlineMs: 4500, inFlight: 500, inFlightPerClient: 250, waiting: 100, kept: 5000, keptBytes: 4_194_304 }

type Kept = { answer: Answer, at: number }
type Asking = { answer: Promise<Answer | undefined>, waiting: number }
type Surroundings = { zone: string, clock: Clock, random: Random, meter: Meter }

export function createForwarder ({ zone, clock, random, meter }: Surroundings, limits: ForwardLimits): Forwarder {
  let places: readonly Place[] = []
  let preferred = 0
  let generation = 0
  let keptBytes = 0
  const kept = new Map<string, Kept>()
  const asking = new Map<string, Asking>()
  const perClient = new Map<string, number>()
  const stopping = new AbortController()
  const limited = (limit: 'in-flight' | 'waiting'): Forwarded => {
    meter.add(responderLimits, { zone, limit })
    return 'limited'
  }
  const from = (source: 'cache' | 'joined' | 'resolver' | 'none') => meter.add(responderForwarded, { zone, from: source })

  const forget = (key: string) => {
    const known = kept.get(key)
    if (known === undefined) return
    kept.delete(key)
    keptBytes -= known.answer.bytes.length
  }
  const keep = (key: string, answer: Answer) => {
    forget(key)
    if (answer.ttl === 0) return
    kept.set(key, { answer, at: clock.elapsed() })
    keptBytes += answer.bytes.length
    for (const oldest of kept.keys()) {
      if (kept.size <= limits.kept && keptBytes <= limits.keptBytes) break
      forget(oldest)
      meter.add(responderLimits, { zone, limit: 'cache' })
    }
  }

  /** One resolver after the other until one answers or the time is up. */
  const resolve = async (query: Query): Promise<Answer | undefined> => {
    const deadline = clock.elapsed() + limits.deadlineMs
    const order = places.map((_, index) => (preferred + index) % places.length)
    // A resolver that lost one datagram is asked once more.
    for (const index of [...order, ...order]) {
      const place = places[index]
      const left = Math.min(limits.tryMs, deadline - clock.elapsed())
      if (place === undefined || left <= 0 || stopping.signal.aborted) break
      const answer = await attempt(place, query, left)
      if (answer === undefined) continue
      if (answer.rcode === RCODE.servfail || answer.rcode === RCODE.refused) {
        meter.add(responderResolver, { zone, why: 'failed' })
        continue
      }
      preferred = index
      return answer
    }
    return undefined
  }
  const attempt = async (place: Place, query: Query, timeoutMs: number): Promise<Answer | undefined> => {
    const bytes = random.bytes(4)
    const told = (why: 'timeout' | 'unreachable' | 'stray') => meter.add(responderResolver, { zone, why })
    const id = ((bytes[0] as number) << 8) | (bytes[1] as number)
    const answer = await overUdp(place, query, id, { timeoutMs, signal: stopping.signal, told })
    if (answer?.truncated !== true) return answer
    return await overTcp(place, query, ((bytes[2] as number) << 8) | (bytes[3] as number), { timeoutMs, signal: stopping.signal, told })
  }

  return {
    ask: async (query, client) => {
      const key = keyOf(query)
      const known = kept.get(key)
      if (known !== undefined) {
        const age = Math.trunc((clock.elapsed() - known.at) / 1000)
        if (age < known.answer.ttl) {
          from('cache')
          return { message: forClient(known.answer, query, age) }
        }
        forget(key)
      }
      let one = asking.get(key)
      if (one !== undefined) {
        if (one.waiting >= limits.waiting) return limited('waiting')
        one.waiting++
      } else {
        const mine = perClient.get(client) ?? 0
        if (asking.size >= limits.inFlight || mine >= limits.inFlightPerClient) return limited('in-flight')
        const began = generation
        perClient.set(client, mine + 1)
        const answer = resolve(query).then(found => {
          asking.delete(key)
          const others = (perClient.get(client) ?? 1) - 1
          if (others === 0) perClient.delete(client)
          else perClient.set(client, others)
          meter.set(responderInFlight, { zone }, asking.size)
          if (found !== undefined && began === generation) keep(key, found)
          return found
        })
        one = { answer, waiting: 1 }
        asking.set(key, one)
        meter.set(responderInFlight, { zone }, asking.size)
      }
      const joined = one.waiting > 1
      const answer = await one.answer
      from(answer === undefined ? 'none' : joined ? 'joined' : 'resolver')
      return answer === undefined ? 'failed' : { message: forClient(answer, query, 0) }
    },
    configure: next => {
      if (JSON.stringify(next) === JSON.stringify(places)) return
      places = next
      preferred = 0
      generation++
      kept.clear()
      keptBytes = 0
    },
    stop: () => stopping.abort(),
  }
}

type How = { timeoutMs: number, signal: AbortSignal, told: (why: 'timeout' | 'unreachable' | 'stray') => void }

function overUdp ({ address, port }: Place, query: Query, id: number, { timeoutMs, signal, told }: How): Promise<Answer | undefined> {
  return new Promise(resolve => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    let over = false
    const finish = (answer: Answer | undefined, why?: 'timeout' | 'unreachable') => {
      if (over) return
      over = true
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      socket.close()
      if (why !== undefined) told(why)
      resolve(answer)
    }
    const abort = () => finish(undefined)
    const unreachable = () => finish(undefined, 'unreachable')
    const timer = setTimeout(() => finish(undefined, 'timeout'), timeoutMs)
    signal.addEventListener('abort', abort, { once: true })
    socket.on('error', unreachable)
    socket.on('message', message => {
      const answer = readAnswer(message, query, id)
      if (answer === undefined) told('stray')
      else finish(answer)
    })
    // Connected: the kernel takes datagrams of this resolver alone. Without a route the callback brings the error, whatever its type says.
    socket.connect(port, address, ((error?: Error | null) => {
      if (over) return
      if (error != null) unreachable()
      else socket.send(forwardedQuery(query, id), failed => { if (failed !== null) unreachable() })
    }) as () => void)
  })
}

function overTcp ({ address, port }: Place, query: Query, id: number, { timeoutMs, signal, told }: How): Promise<Answer | undefined> {
  return new Promise(resolve => {
    const socket = connect({ host: address, port })
    let received = Buffer.alloc(0)
    const finish = (answer: Answer | undefined, why?: 'timeout' | 'unreachable' | 'stray') => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      socket.destroy()
      if (why !== undefined) told(why)
      resolve(answer)
    }
    const abort = () => finish(undefined)
    const timer = setTimeout(() => finish(undefined, 'timeout'), timeoutMs)
    signal.addEventListener('abort', abort, { once: true })
    socket.on('error', () => finish(undefined, 'unreachable'))
    socket.on('end', () => finish(undefined, 'unreachable'))
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk]) // at most 64 KiB and one chunk: the length is two bytes
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      const answer = readAnswer(received.subarray(2, 2 + received.readUInt16BE(0)), query, id)
      finish(answer, answer === undefined ? 'stray' : undefined)
    })
    const bytes = forwardedQuery(query, id)
    socket.write(Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]))
  })
}
