/**
 * How our gateways reach the server of a domain, of all pairs that they carry: what comes from one peer and is not handed on would not be for another either. Kept with the domain.
 */
import type { PairFacts, Refusal } from '@dialtone/contracts'
import type { Store } from '@dialtone/store'
import type { InsideWays } from '@dialtone/verdict'

type Journal = Pick<Store['journal'], 'fact' | 'setFact'>
type Failed = { at: number, peer: string, reason: string }
/**
 * Of one gateway, in milliseconds of its own clock, 0: never. They are compared with each other, however late they are told. `carried`: the last stanza for the domain that it took.
 * `failures`: the last one, and the last of another peer. `behind`: how far that clock is behind ours.
 */
type Way = { ready: number, carried: number, failures: readonly Failed[], behind: number }
type Ways = Readonly<Record<string, Way>>

/** So long after an attempt that failed, it says something of now: where anything comes for the domain it is tried again within minutes. */
const SAID_MS = 15 * 60_000
/** So long after a stanza, a stream that took it works: of a pair that goes on it is told every ten minutes. */
const WORKED_MS = 30 * 60_000
/** Who was not reached at all is reached for no peer. */
const OF_THE_SERVER: ReadonlySet<string> = new Set<Refusal>(['dns-absent', 'dns-failed', 'unreachable', 'tls-failed', 'certificate-refused', 'host-unknown', 'inside-down'])
/** A stream that the server ends: of one peer it may be for its sake, of two it is not. What of keys and names it refuses says nothing. */
const ENDED = 'stream-failed' satisfies Refusal
/** Stanzas come all the time: what they say is written again after so long. */
const CARRIED_EVERY_MS = 60_000
/** What is later than the clock that says it was said before that clock was set back. */
const AHEAD_MS = 60_000

/**
 * `gateways`: those that are to carry the domain; what others say or said is not heard. `toldAt`: when the bus took it, milliseconds. Answers whether something else is said now of
 * which gateways reach the server.
 */
export function takeInsideWay (journal: Journal, { gateway, at, startedAt, ours, peer, inbound, inside }: PairFacts, toldAt: number, gateways: ReadonlySet<string>): boolean {
  if (inside === undefined || !gateways.has(gateway)) return false
  const ways = read(journal, ours)
  const before = ways[gateway]
  const known = (what = 0): number => what - time(at) > AHEAD_MS ? 0 : what
  const { reason = '' } = inside
  const failure = { at: time(inside.failedAt), peer, reason }
  const told = reason === ENDED || OF_THE_SERVER.has(reason) ? [failure] : []
  const now: Way = {
    ready: Math.max(known(time(inside.readyAt)), known(before?.ready)), carried: Math.max(known(time(inbound.lastStanzaAt)), known(before?.carried)), behind: toldAt - time(at),
    // What failed before the gateway started is over.
    failures: lastOfTwo([...told, ...before?.failures ?? []].filter(failed => known(failed.at) > known(time(startedAt)))),
  }
  if (before?.ready === now.ready && sameFailures(before, now) && Math.abs(now.carried - before.carried) < CARRIED_EVERY_MS) return false
  const after: Ways = { ...Object.fromEntries(Object.entries(ways).filter(([name]) => gateways.has(name))), [gateway]: now }
  journal.setFact(keyOf(ours), JSON.stringify(after))
  return outlineOf(waysAt(ways, toldAt, gateways)) !== outlineOf(waysAt(after, toldAt, gateways))
}

/** Of one domain, at this time in milliseconds. */
export function insideWaysAt (journal: Pick<Journal, 'fact'>, ours: string, at: number, gateways: ReadonlySet<string>): InsideWays {
  return waysAt(read(journal, ours), at, gateways)
}

/**
 * A gateway works that has a stream and took something for it lately: one that stands idle proves nothing. For one peer alone it fails while nothing else is known since.
 */
function waysAt (known: Ways, at: number, gateways: ReadonlySet<string>): InsideWays {
  const ways = Object.entries(known).filter(([name]) => gateways.has(name)).toSorted(([a], [b]) => a < b ? -1 : 1)
  const lately = ({ behind }: Way, when: number, withinMs = SAID_MS): boolean => Math.abs(at - behind - when) <= withinMs
  return {
    failing: ways.flatMap(([gateway, way]) => {
      const failures = since(way).filter(failed => lately(way, failed.at))
      const [last] = failures
      if (last === undefined) return []
      if (isOfServer(failures)) return [{ gateway, reason: last.reason }]
      return last.at > way.carried ? [{ gateway, reason: last.reason, forPeer: last.peer }] : []
    }),
    working: ways.filter(([, way]) => !isOfServer(since(way)) && way.ready > 0 && (lately(way, way.ready) || lately(way, way.carried, WORKED_MS))).map(([gateway]) => gateway),
  }
}

/** The last first. */
function lastOfTwo (failures: readonly Failed[]): Failed[] {
  const ordered = failures.toSorted((a, b) => b.at - a.at)
  return ordered.filter(({ peer }, index) => ordered.findIndex(each => each.peer === peer) === index).slice(0, 2)
}

/** What failed since there was a stream. */
function since ({ ready, failures }: Way): readonly Failed[] {
  return failures.filter(({ at }) => at > ready)
}

function isOfServer (failures: readonly Failed[]): boolean {
  return failures.length > 1 || failures.some(({ reason }) => reason !== ENDED)
}

function sameFailures (one: Way, other: Way): boolean {
  return JSON.stringify(one.failures) === JSON.stringify(other.failures)
}

/** But for the words of why. */
function outlineOf ({ failing, working }: InsideWays): string {
  return JSON.stringify([failing.map(({ gateway, forPeer }) => [gateway, forPeer]), working])
}

function time (of: string | undefined): number {
  return of === undefined ? 0 : Date.parse(of)
}

function keyOf (ours: string): string {
  return `${ours} inside-ways`
}

/** Earlier releases kept no failures by peer: what failed is told again. */
function read (journal: Pick<Journal, 'fact'>, ours: string): Ways {
  const text = journal.fact(keyOf(ours))
  const kept = text === undefined ? {} : JSON.parse(text) as Record<string, Omit<Way, 'failures'> & Partial<Way>>
  return Object.fromEntries(Object.entries(kept).map(([gateway, way]) => [gateway, { ...way, failures: way.failures ?? [] }]))
}
