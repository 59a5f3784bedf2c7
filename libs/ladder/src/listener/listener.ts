/**
 * A small receiving server that stands on a public port 5269 for the probe's own domain. It answers questions about keys from the secret, to anybody
 * and without state; it lets in only peers that are under check at this moment, and of them only the answer to our ping. One event a line tells
 * what happened (ListenerEvent).
 */
import type { EndpointKind, ListenerEvent } from '@dialtone/contracts'
import type { Clock, Random } from '@dialtone/kernel'
import { RANDOM, createBuckets, createSparing, hostOf, listen, networkOf, type Accepted, type Listening } from '@dialtone/net'
import type { Keys } from '@dialtone/stream'
import { MOST_CALLBACKS, type Expectation } from './expectation.ts'
import { LISTENER_LIMITS, type ListenerLimits } from './limits.ts'
import { serve, type Served } from './serve.ts'

export type ListenerOptions = {
  /** The probe's domain, canonical: the one domain that is served. */
  domain: string
  places: readonly { address: string, port: number, kind: EndpointKind }[]
  keys: Keys
  /** PEM. Without it there is no TLS, which strict peers do not accept. */
  certificate?: { certificate: string, key: string }
  /** For the certificates of peers. */
  anchors: { system: boolean, given: readonly string[] }
  limits?: Partial<ListenerLimits>
  tell?: (event: ListenerEvent) => void
  clock?: Clock
  random?: Random
}

export type Listener = {
  readonly domain: string
  /** Where it listens, with the ports that the system chose. */
  readonly places: readonly { address: string, port: number, kind: EndpointKind }[]
  /** From now on the pair (peer, domain) is under check; the result ends that, and the peer's streams, so that the next check is called back anew. One check of a peer at a time: throws where there is one. */
  expect: (expectation: Expectation) => () => void
  /** Whether a check of this peer has begun and is not over. */
  expects: (peer: string) => boolean
  /** Connections at this moment. */
  readonly connections: number
  /** Stops listening and ends every connection. */
  stop: () => Promise<void>
}

const SYSTEM: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
/** One slot in so many is kept for peers under check, who may ask so many times as much. */
const RESERVE = 10

/** Listens on every place, or on none: rejects with an OperatorError that names the one where it cannot. */
export async function startListener ({ domain, places, keys, certificate, anchors, limits: given, tell: told = () => undefined, clock = SYSTEM, random = RANDOM }: ListenerOptions): Promise<Listener> {
  const limits = { ...LISTENER_LIMITS, ...given }
  const stopping = new AbortController()
  const expected = new Map<string, { expectation: Expectation, over: AbortController }>()
  /** How many checks an address is an endpoint of. */
  const known = new Map<string, number>()
  const open = new Map<string, number>()
  const running = new Set<Promise<void>>()
  const accepts = createBuckets({ burst: limits.accepts, perSecond: limits.acceptsPerSecond }, clock)
  const questions = createBuckets({ burst: limits.questions, perSecond: limits.questionsPerSecond }, clock)
  const expectedQuestions = createBuckets({ burst: limits.questions * RESERVE, perSecond: limits.questionsPerSecond * RESERVE }, clock)
  const turnedAway = createSparing(clock)
  let total = 0
  let numbered = 0

  const tell = (event: ListenerEvent) => {
    try {
      told(event)
    } catch (error) {
      // Whoever hears of a connection does not end it, nor the listener.
      process.emitWarning(error instanceof Error ? error : String(error))
    }
  }
  const isExpected = (address: string) => known.has(hostOf(address))
  const admit = (address: string): boolean => {
    const network = networkOf(address)
    const expected = isExpected(address)
    const why = total >= (expected ? limits.connections : limits.connections - Math.ceil(limits.connections / RESERVE)) ? 'too-many-connections'
      : !expected && ((open.get(network) ?? 0) >= limits.connectionsPerAddress || !accepts.take(network)) ? 'too-many-from-this-address' : undefined
    if (why === undefined) return true
    // Where there is no room, it does not matter for whom.
    const how = turnedAway.count(why === 'too-many-connections' ? '' : network)
    if (how !== 'quiet') tell({ on: 'turned-away', at: new Date(clock.now()).toISOString(), source: address, why, ...(how === 'tell' ? {} : { count: how }) })
    return false
  }
  const served: Served = {
    domain, anchors, limits, tell,
    ...(certificate === undefined ? {} : { certificate }),
    underCheck: ({ from, to }) => to === domain ? expected.get(from)?.expectation : undefined,
    whenOver: ({ peer }) => expected.get(peer)?.over.signal,
    isOurs: keys.isOurs,
    mayAsk: address => isExpected(address) ? expectedQuestions.take(networkOf(address)) : questions.take(networkOf(address)),
    strangers: {
      spoke: number => { for (const { expectation } of expected.values()) expectation.strays.delete(number) },
      ended: (number, failure) => { for (const { expectation } of expected.values()) { const stray = expectation.strays.get(number); if (stray !== undefined) stray.failure = failure } },
    },
    wrongKeys: createSparing(clock),
    refusals: createSparing(clock),
    proofs: createProofs(limits),
    // 128 bits, new for every header (row D12).
    freshId: () => Buffer.from(random.bytes(16)).toString('hex'),
    now: clock.now,
  }
  const accepted = (kind: EndpointKind) => (connection: Accepted) => {
    const network = networkOf(connection.address)
    total++
    add(open, network, 1)
    numbered++
    for (const { expectation: { strays } } of expected.values()) if (strays.size < MOST_CALLBACKS) strays.set(numbered, { source: connection.source })
    const done = serve(connection, kind, numbered, served).finally(() => {
      running.delete(done)
      total--
      add(open, network, -1)
    })
    running.add(done)
  }

  const listening: (Listening & { kind: EndpointKind })[] = []
  const stop = async () => {
    stopping.abort()
    await Promise.all(listening.map(({ close }) => close()))
    await Promise.allSettled(running)
  }
  try {
    for (const { address, port, kind } of places) {
      const at: Listening = await listen({ address, port, admit, accepted: accepted(kind), signal: stopping.signal })
      listening.push({ ...at, kind })
    }
  } catch (error) {
    await stop()
    throw error
  }
  return {
    domain,
    places: listening.map(({ address, port, kind }) => ({ address, port, kind })),
    expect: expectation => {
      if (expected.has(expectation.peer)) throw new TypeError(`${expectation.peer} is under check already`)
      const over = new AbortController()
      expected.set(expectation.peer, { expectation, over })
      const hosts = new Set([...expectation.addresses].map(hostOf))
      for (const host of hosts) add(known, host, 1)
      return () => {
        if (expected.get(expectation.peer)?.over !== over) return
        expected.delete(expectation.peer)
        for (const host of hosts) add(known, host, -1)
        over.abort('the check is over')
      }
    },
    expects: peer => expected.has(peer),
    get connections () { return total },
    stop,
  }
}

/** address:port, an IPv6 address in brackets. */
export function shown ({ address, port }: { address: string, port: number }): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`
}

/** Counts up or down; what is not there any more is not kept. */
function add (counts: Map<string, number>, name: string, by: 1 | -1): void {
  const count = (counts.get(name) ?? 0) + by
  if (count > 0) counts.set(name, count)
  else counts.delete(name)
}

/** Each proof is a connection to the peer under check, and anybody may ask for one in its name: bounded, with a share that only its own addresses may use (row R1). */
function createProofs ({ proofsAtOnce, proofs }: ListenerLimits): Served['proofs'] {
  const counts = new WeakMap<Expectation, { now: number, all: number }>()
  return {
    begin: (expectation, address) => {
      const count = counts.get(expectation) ?? { now: 0, all: 0 }
      const share = [...expectation.addresses].some(own => hostOf(own) === hostOf(address)) ? 1 : 2
      if (count.now >= proofsAtOnce / share || count.all >= proofs / share) return false
      counts.set(expectation, { now: count.now + 1, all: count.all + 1 })
      return true
    },
    end: expectation => {
      const count = counts.get(expectation)
      if (count !== undefined) count.now--
    },
  }
}
