/**
 * A small receiving server that stands on a public port 5269 for the probe's own domain. It answers questions about keys from the secret, to anybody
 * and without state; it lets in only peers that are under check at this moment, and of them only the answer to our ping. One event a line tells
 * what happened (ListenerEvent).
 */
import type { EndpointKind, ListenerEvent } from '@dialtone/contracts'
import type { Clock, Random } from '@dialtone/kernel'
import { RANDOM, listen, type Accepted, type Listening } from '@dialtone/net'
import type { Keys } from '@dialtone/stream'
import { createBuckets } from './buckets.ts'
import type { Expectation } from './expectation.ts'
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
  /** From now on the pair (peer, domain) is under check; the result ends that. One check of a peer at a time: throws where there is one. */
  expect: (expectation: Expectation) => () => void
  /** Connections at this moment. */
  readonly connections: number
  /** Stops listening and ends every connection. */
  stop: () => Promise<void>
}

const SYSTEM: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
/** Wrong keys of one address in a minute that are told one by one. */
const WRONG_KEYS_TOLD = 10
const MINUTE_MS = 60_000
/** One slot in so many is kept for peers under check. */
const RESERVE = 10

/** Listens on every place, or on none: rejects with an OperatorError that names the one where it cannot. */
export async function startListener ({ domain, places, keys, certificate, anchors, limits: given, tell = () => undefined, clock = SYSTEM, random = RANDOM }: ListenerOptions): Promise<Listener> {
  const limits = { ...LISTENER_LIMITS, ...given }
  const stopping = new AbortController()
  const expected = new Map<string, Expectation>()
  const open = new Map<string, number>()
  const running = new Set<Promise<void>>()
  const questions = createBuckets({ burst: limits.questions, perSecond: limits.questionsPerSecond }, clock)
  const wrong = createWrongKeys(clock)
  let total = 0
  let numbered = 0

  const isExpected = (address: string) => [...expected.values()].some(({ addresses }) => addresses.has(address))
  const admit = (address: string): boolean => {
    const known = isExpected(address)
    const why = total >= (known ? limits.connections : limits.connections - Math.ceil(limits.connections / RESERVE)) ? 'too-many-connections'
      : !known && (open.get(address) ?? 0) >= limits.connectionsPerAddress ? 'too-many-from-this-address' : undefined
    if (why !== undefined) tell({ on: 'turned-away', at: new Date(clock.now()).toISOString(), source: address, why })
    return why === undefined
  }
  const served: Served = {
    domain, anchors, limits, tell,
    ...(certificate === undefined ? {} : { certificate }),
    underCheck: ({ from, to }) => to === domain ? expected.get(from) : undefined,
    isOurs: keys.isOurs,
    mayAsk: address => isExpected(address) || questions.take(address),
    wrongKey: wrong.count,
    // 128 bits, new for every header (row D12).
    freshId: () => Buffer.from(random.bytes(16)).toString('hex'),
    now: clock.now,
  }
  const accepted = (kind: EndpointKind, place: () => string) => (connection: Accepted) => {
    const { address } = connection
    total++
    open.set(address, (open.get(address) ?? 0) + 1)
    const done = serve(connection, kind, ++numbered, place(), served).finally(() => {
      running.delete(done)
      total--
      const left = (open.get(address) ?? 1) - 1
      if (left === 0) open.delete(address)
      else open.set(address, left)
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
      const at: Listening = await listen({ address, port, admit, accepted: connection => accepted(kind, () => shown(at))(connection), signal: stopping.signal })
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
      expected.set(expectation.peer, expectation)
      return () => { expected.delete(expectation.peer) }
    },
    get connections () { return total },
    stop,
  }
}

/** address:port, an IPv6 address in brackets. */
export function shown ({ address, port }: { address: string, port: number }): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`
}

/** The first wrong keys of an address in a minute are told one by one, then their number once, then nothing until the minute is over (row D17). */
function createWrongKeys (clock: Clock): { count: (address: string) => 'tell' | 'quiet' | number } {
  const counts = new Map<string, { since: number, count: number }>()
  return {
    count: address => {
      const now = clock.elapsed()
      const known = counts.get(address)
      const entry = known === undefined || now - known.since > MINUTE_MS ? { since: now, count: 0 } : known
      entry.count++
      counts.delete(address)
      counts.set(address, entry)
      for (const oldest of counts.keys()) {
        if (counts.size <= 10_000) break
        counts.delete(oldest)
      }
      if (entry.count <= WRONG_KEYS_TOLD) return 'tell'
      // At 11, 110, 1100, …: a flood is a handful of lines.
      return Number.isInteger(Math.log10(entry.count / (WRONG_KEYS_TOLD + 1))) ? entry.count : 'quiet'
    },
  }
}
