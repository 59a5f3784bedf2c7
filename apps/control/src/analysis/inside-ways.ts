/**
 * How our gateways reach the server of a domain, of all pairs that they carry: what comes from one peer and is not handed on would not be for another either. Kept with the domain.
 */
import type { PairFacts, Refusal } from '@dialtone/contracts'
import type { Store } from '@dialtone/store'
import type { InsideWays } from '@dialtone/verdict'

type Journal = Pick<Store['journal'], 'fact' | 'setFact'>
/** Of what one peer sent, in milliseconds of the clock of the gateway. */
type Seen = { at: number, peer: string }
type Failed = Seen & { reason: string }
/**
 * Of one gateway, by its own clock: its times are compared with each other, however late they are told. `ready`: when there was a stream last, 0: never. `carried`: a stanza that it took and had
 * a stream for; of that and of failures the last one, and the last of another peer. `behind`: how far that clock is behind ours.
 */
type Way = { ready: number, carried: readonly Seen[], failures: readonly Failed[], behind: number }
type Ways = Readonly<Record<string, Way>>

/** So long after an attempt that failed, it says something of now: where anything comes for the domain it is tried again within minutes. */
const SAID_MS = 15 * 60_000
/** So long after a stanza, a stream that took it works: of a pair that goes on it is told every ten minutes. */
const WORKED_MS = 30 * 60_000
/** Who was not reached at all is reached for no peer. */
const OF_THE_SERVER: ReadonlySet<string> = new Set<Refusal>(['dns-absent', 'dns-failed', 'unreachable', 'tls-failed', 'certificate-refused', 'host-unknown', 'inside-down'])
/** A stream that the server ends: of one peer it may be for its sake, of two whom it took before it is not. What of keys and names it refuses says nothing. */
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
  const { [gateway]: before = NEVER } = ways
  const known = (what: number): number => what - time(at) > AHEAD_MS ? 0 : what
  const { readyAt, failedAt, reason = '' } = inside
  const [started, ready] = [known(time(startedAt)), Math.max(known(time(readyAt)), known(before.ready))]
  const tells = OF_THE_SERVER.has(reason) || (reason === ENDED && (readyAt !== undefined || ready <= started))
  const carries = failedAt === undefined && inbound.lastStanzaAt !== undefined
  const now: Way = {
    ready, behind: toldAt - time(at),
    carried: lastOfTwo([...(carries ? [{ at: time(inbound.lastStanzaAt), peer }] : []), ...before.carried].filter(seen => known(seen.at) > 0)),
    // What failed before the gateway started is over.
    failures: lastOfTwo([...(tells ? [{ at: time(failedAt), peer, reason }] : []), ...before.failures].filter(seen => known(seen.at) > started)),
  }
  if (before !== NEVER && isMuchTheSame(before, now)) return false
  const after: Ways = { ...Object.fromEntries(Object.entries(ways).filter(([name]) => gateways.has(name))), [gateway]: now }
  journal.setFact(keyOf(ours), JSON.stringify(after))
  return outlineOf(waysAt(ways, toldAt, gateways)) !== outlineOf(waysAt(after, toldAt, gateways))
}

/** Of one domain, at this time in milliseconds. */
export function insideWaysAt (journal: Pick<Journal, 'fact'>, ours: string, at: number, gateways: ReadonlySet<string>): InsideWays {
  return waysAt(read(journal, ours), at, gateways)
}

/** A gateway works that has a stream and took something for it lately: one that stands idle proves nothing. For one peer it fails only while it carries nothing for others. */
function waysAt (known: Ways, at: number, gateways: ReadonlySet<string>): InsideWays {
  const ways = Object.entries(known).filter(([name]) => gateways.has(name)).toSorted(([a], [b]) => a < b ? -1 : 1)
  const lately = ({ behind }: Way, when: number, withinMs = SAID_MS): boolean => Math.abs(at - behind - when) <= withinMs
  const failing = ways.flatMap(([gateway, way]): InsideWays['failing'][number][] => {
    const failures = way.failures.filter(failed => failed.at > way.ready && lately(way, failed.at))
    const [last] = failures
    if (last === undefined) return []
    const { reason, peer } = last
    if (failures.length > 1 || reason !== ENDED) return [{ gateway, reason }]
    return way.carried.some(seen => seen.peer !== peer && lately(way, seen.at, WORKED_MS)) ? [] : [{ gateway, reason, forPeer: peer }]
  })
  const works = ([gateway, way]: [string, Way]): boolean => way.ready > 0 && !failing.some(each => each.gateway === gateway) && (lately(way, way.ready) || way.carried.some(seen => lately(way, seen.at, WORKED_MS)))
  return { failing, working: ways.filter(works).map(([gateway]) => gateway) }
}

const NEVER: Way = { ready: 0, carried: [], failures: [], behind: 0 }

/** The last first. */
function lastOfTwo<S extends Seen> (seen: readonly S[]): S[] {
  const ordered = seen.toSorted((a, b) => b.at - a.at)
  return ordered.filter(({ peer }, index) => ordered.findIndex(each => each.peer === peer) === index).slice(0, 2)
}

function isMuchTheSame (before: Way, now: Way): boolean {
  const last = ({ carried: [seen] }: Way): number => seen?.at ?? 0
  return before.ready === now.ready && JSON.stringify(before.failures) === JSON.stringify(now.failures) && before.carried.length === now.carried.length && Math.abs(last(now) - last(before)) < CARRIED_EVERY_MS
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

/** Earlier releases kept nothing by peer: it is told again. */
function read (journal: Pick<Journal, 'fact'>, ours: string): Ways {
  const text = journal.fact(keyOf(ours))
  const kept = text === undefined ? {} : JSON.parse(text) as Record<string, Way | Pick<Way, 'ready' | 'behind'>>
  return Object.fromEntries(Object.entries(kept).map(([gateway, way]) => [gateway, 'failures' in way ? way : { ...NEVER, ready: way.ready, behind: way.behind }]))
}
