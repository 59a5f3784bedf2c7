/**
 * How our gateways reach the server of a domain, of all pairs that they carry: what comes from one peer and is not handed on would not be for another either. Kept with the domain.
 */
import type { PairFacts, Refusal } from '@dialtone/contracts'
import type { Store } from '@dialtone/store'
import type { InsideWays } from '@dialtone/verdict'

type Journal = Pick<Store['journal'], 'fact' | 'setFact'>
/** Of one gateway, in milliseconds of its own clock, 0: never. They are compared with each other, however late they are told. `behind`: how far that clock is behind ours. */
type Way = { ready: number, failed: number, behind: number, reason?: string }

/** So long after an attempt that failed, it says something of now: where anything comes for the domain it is tried again within minutes. */
const SAID_MS = 15 * 60_000
/** What has nothing to do with whom it was for; a key or a name that the server refuses may be of this peer alone. */
const OF_THE_SERVER: ReadonlySet<string> = new Set<Refusal>(['dns-absent', 'dns-failed', 'unreachable', 'tls-failed', 'certificate-refused', 'host-unknown'])
/** Of one domain; more tell nothing new. */
const MOST_GATEWAYS = 64

/** `toldAt`: when the bus took it, milliseconds. Answers whether the gateway now reaches the server and did not before, or the other way round. */
export function takeInsideWay (journal: Journal, { gateway, at, startedAt, ours, inside }: PairFacts, toldAt: number): boolean {
  if (inside === undefined) return false
  const ways = read(journal, ours)
  const before = ways[gateway]
  const ready = Math.max(time(inside.readyAt), before?.ready ?? 0)
  // What failed before the gateway started is over.
  const known = before !== undefined && before.failed > time(startedAt) ? before : undefined
  const failed = OF_THE_SERVER.has(inside.reason ?? '') ? time(inside.failedAt) : 0
  const newest = failed >= (known?.failed ?? 0)
  const now: Way = { ready, failed: newest ? failed : known?.failed ?? 0, behind: toldAt - time(at), ...reasonOf(newest ? inside.reason : known?.reason) }
  if (before === undefined && Object.keys(ways).length >= MOST_GATEWAYS) return false
  if (before?.ready === now.ready && before.failed === now.failed) return false
  journal.setFact(keyOf(ours), JSON.stringify({ ...ways, [gateway]: now }))
  return (before !== undefined && fails(before)) !== fails(now)
}

/** Of one domain, at this time in milliseconds. */
export function insideWaysAt (journal: Pick<Journal, 'fact'>, ours: string, at: number): InsideWays {
  const ways = Object.entries(read(journal, ours)).toSorted(([a], [b]) => a < b ? -1 : 1)
  return {
    failing: ways.filter(([, way]) => fails(way) && at - way.behind - way.failed <= SAID_MS).map(([gateway, { reason }]) => ({ gateway, ...reasonOf(reason) })),
    working: ways.filter(([, way]) => way.ready > 0 && !fails(way)).map(([gateway]) => gateway),
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
