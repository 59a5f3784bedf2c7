/**
 * How our gateways reach the server of a domain, of all pairs that they carry: what comes from one peer and is not handed on would not be for another either. Kept with the domain.
 */
import type { PairFacts, Refusal } from '@dialtone/contracts'
import type { Store } from '@dialtone/store'
import type { InsideWays } from '@dialtone/verdict'

type Journal = Pick<Store['journal'], 'fact' | 'setFact'>
/**
 * Of one gateway, in milliseconds of its own clock, 0: never. They are compared with each other, however late they are told. `carried`: the last stanza for the domain that it took.
 * `behind`: how far that clock is behind ours.
 */
type Way = { ready: number, failed: number, carried: number, behind: number, reason?: string }

/** So long after an attempt that failed, it says something of now: where anything comes for the domain it is tried again within minutes. So long after a stanza, a stream that took it does. */
const SAID_MS = 15 * 60_000
/** What has nothing to do with whom it was for; a key or a name that the server refuses may be of this peer alone. */
const OF_THE_SERVER: ReadonlySet<string> = new Set<Refusal>(['dns-absent', 'dns-failed', 'unreachable', 'tls-failed', 'certificate-refused', 'host-unknown', 'stream-failed', 'inside-down'])
/** Stanzas come all the time: what they say is written again after so long. */
const CARRIED_EVERY_MS = 60_000

/**
 * `gateways`: those that are to carry the domain; what others say or said is not heard. `toldAt`: when the bus took it, milliseconds. Answers whether the gateway now reaches the
 * server and did not before, or the other way round.
 */
export function takeInsideWay (journal: Journal, { gateway, at, startedAt, ours, inbound, inside }: PairFacts, toldAt: number, gateways: ReadonlySet<string>): boolean {
  if (inside === undefined || !gateways.has(gateway)) return false
  const ways = read(journal, ours)
  const before = ways[gateway]
  // What is later than the clock that says it was said before that clock was set back.
  const known = (what = 0): number => what - time(at) > SAID_MS ? 0 : what
  const ready = Math.max(known(time(inside.readyAt)), known(before?.ready))
  const carried = Math.max(known(time(inbound.lastStanzaAt)), known(before?.carried))
  // What failed before the gateway started is over.
  const failedBefore = known(before?.failed) > time(startedAt) ? known(before?.failed) : 0
  const failed = OF_THE_SERVER.has(inside.reason ?? '') ? known(time(inside.failedAt)) : 0
  const newest = failed >= failedBefore
  const now: Way = { ready, failed: newest ? failed : failedBefore, carried, behind: toldAt - time(at), ...reasonOf(newest ? inside.reason : before?.reason) }
  if (before?.ready === now.ready && before.failed === now.failed && Math.abs(now.carried - before.carried) < CARRIED_EVERY_MS) return false
  const others = Object.fromEntries(Object.entries(ways).filter(([name]) => gateways.has(name)))
  journal.setFact(keyOf(ours), JSON.stringify({ ...others, [gateway]: now }))
  return (before !== undefined && fails(before)) !== fails(now)
}

/** Of one domain, at this time in milliseconds. A gateway works that has a stream and took something for it lately: one that stands idle proves nothing. */
export function insideWaysAt (journal: Pick<Journal, 'fact'>, ours: string, at: number, gateways: ReadonlySet<string>): InsideWays {
  const ways = Object.entries(read(journal, ours)).filter(([name]) => gateways.has(name)).toSorted(([a], [b]) => a < b ? -1 : 1)
  const lately = ({ behind }: Way, when: number): boolean => Math.abs(at - behind - when) <= SAID_MS
  return {
    failing: ways.filter(([, way]) => fails(way) && lately(way, way.failed)).map(([gateway, { reason }]) => ({ gateway, ...reasonOf(reason) })),
    working: ways.filter(([, way]) => !fails(way) && way.ready > 0 && (lately(way, way.ready) || lately(way, way.carried))).map(([gateway]) => gateway),
  }
}

function time (of: string | undefined): number {
  return of === undefined ? 0 : Date.parse(of)
}

function fails ({ ready, failed }: Way): boolean {
  return failed > ready
}

function reasonOf (reason: string | undefined): { reason?: string } {
  return reason === undefined ? {} : { reason }
}

function keyOf (ours: string): string {
  return `${ours} inside-ways`
}

function read (journal: Pick<Journal, 'fact'>, ours: string): Record<string, Way> {
  const text = journal.fact(keyOf(ours))
  return text === undefined ? {} : JSON.parse(text) as Record<string, Way>
}
