/**
 * What every subject is now, in memory and in order, so that a page is read without asking the store: worst first, then by name. A subject is a domain of ours or a pair;
 * a pair has two halves and is as well as the worse of them.
 */
import type { Confidence, Cause, FleetVerdict, HalfView, OverviewFilter, OverviewRow, Side, State, Subject } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'

export type Half = {
  key: string, direction?: 'out' | 'in', state: State, cause: Cause, side: Side, sentence: string, confidence: Confidence, agreement: FleetVerdict['agreement'],
  since: number,
  /** So many answers in a row said so; whose are counted. */
  same: number, counted?: string
}

export type Entry = {
  key: string, domain: string, peer?: string
  /** One of a domain, `out` and `in` of a pair. Never empty on the board. */
  halves: Half[]
  checkedAt?: number, staleAfter?: number, incident?: string, quietBecause?: string
  /** When the first certificate on a path of it ends, milliseconds. */
  certificateEnd?: number
  /** When it was last worked out. */
  judgedAt: number
}

const BADNESS: Readonly<Record<State, number>> = { down: 0, degraded: 1, unknown: 2, up: 3 }

export type Board = {
  get: (key: string) => Entry | undefined
  /** Puts it where it belongs now. */
  place: (entry: Entry) => void
  remove: (key: string) => void
  clear: () => void
  all: () => readonly Entry[]
  page: (filter: OverviewFilter, page: { limit: number, cursor?: string }) => { rows: OverviewRow[], next?: string }
}

export function createBoard (): Board {
  const byKey = new Map<string, { entry: Entry, order: string }>()
  let sorted: { entry: Entry, order: string }[] = []
  const take = (key: string): void => {
    const was = byKey.get(key)
    if (was === undefined) return
    byKey.delete(key)
    sorted.splice(firstFrom(sorted, was.order), 1)
  }
  return {
    get: key => byKey.get(key)?.entry,
    place: entry => {
      const order = orderOf(worse(entry.halves).state, entry)
      const was = byKey.get(entry.key)
      if (was !== undefined && was.order === order) {
        was.entry = entry
        return
      }
      take(entry.key)
      const placed = { entry, order }
      byKey.set(entry.key, placed)
      sorted.splice(firstFrom(sorted, order), 0, placed)
    },
    remove: take,
    clear: () => {
      byKey.clear()
      sorted = []
    },
    all: () => sorted.map(({ entry }) => entry),
    page: (filter, { limit, cursor }) => paged(sorted, filter, limit, cursor),
  }
}

/** The same of entries that are on no board: as it was at another time. */
export function pageOfEntries (entries: readonly Entry[], filter: OverviewFilter, { limit, cursor }: { limit: number, cursor?: string }): { rows: OverviewRow[], next?: string } {
  const sorted = entries.map(entry => ({ entry, order: orderOf(worse(entry.halves).state, entry) })).sort((a, b) => a.order < b.order ? -1 : 1)
  return paged(sorted, filter, limit, cursor)
}

function paged (sorted: readonly { entry: Entry, order: string }[], filter: OverviewFilter, limit: number, cursor: string | undefined): { rows: OverviewRow[], next?: string } {
  const rows: OverviewRow[] = []
  const fits = fitting(filter)
  let last = ''
  for (let at = cursor === undefined ? 0 : firstFrom(sorted, `${readCursor(cursor)}\u0000`); at < sorted.length; at++) {
    const { entry, order } = sorted[at] as { entry: Entry, order: string }
    if (!fits(entry)) continue
    if (rows.length === limit) return { rows, next: Buffer.from(last).toString('base64url') }
    rows.push(rowOf(entry))
    last = order
  }
  return { rows }
}

export function rowOf (entry: Entry): OverviewRow {
  const { domain, peer, halves, checkedAt, staleAfter, incident, quietBecause } = entry
  const { state, cause, side, sentence, since, confidence } = worse(halves)
  const [out, inward] = peer === undefined ? [] : (['out', 'in'] as const).map(direction => halves.find(half => half.direction === direction))
  return {
    domain, ...(peer === undefined ? {} : { peer }), state, cause, side, sentence, since: iso(since), confidence,
    ...(out === undefined ? {} : { out: halfView(out, checkedAt) }), ...(inward === undefined ? {} : { in: halfView(inward, checkedAt) }),
    ...(checkedAt === undefined ? {} : { checkedAt: iso(checkedAt) }), ...(staleAfter === undefined ? {} : { staleAfter: iso(staleAfter) }),
    ...(incident === undefined ? {} : { incident }), ...(quietBecause === undefined ? {} : { quietBecause }),
  }
}

/** Of two halves the one that is worse; of equally bad ones the first. */
export function worse (halves: readonly Half[]): Half {
  const [first, second] = halves
  if (first === undefined) throw new TypeError('a subject without a verdict is not on the board')
  return second !== undefined && BADNESS[second.state] < BADNESS[first.state] ? second : first
}

export function keyOf ({ domain, peer, direction }: Subject): string {
  return peer === undefined ? domain : direction === undefined ? `${domain}>${peer}` : `${domain}>${peer}#${direction}`
}

export function iso (at: number): string {
  return new Date(at).toISOString()
}

function halfView ({ state, cause, side, sentence, since, confidence }: Half, checkedAt: number | undefined): HalfView {
  return { state, cause, side, sentence, since: iso(since), confidence, ...(checkedAt === undefined ? {} : { checkedAt: iso(checkedAt) }) }
}

function orderOf (state: State, { domain, peer }: Pick<Entry, 'domain' | 'peer'>): string {
  return `${BADNESS[state]} ${domain} ${peer ?? ''}`
}

/** Only what the filter asks for is looked at: of a large fleet every entry is, and most do not fit. */
function fitting ({ states, causes, sides, domain, peer, q, only }: OverviewFilter): (entry: Entry) => boolean {
  const isJudged = states !== undefined || causes !== undefined || sides !== undefined
  return entry => {
    if ((domain !== undefined && entry.domain !== domain) || (peer !== undefined && entry.peer !== peer) || (only !== undefined && (only === 'pairs') !== (entry.peer !== undefined))) return false
    if (q !== undefined && !entry.domain.includes(q) && entry.peer?.includes(q) !== true) return false
    if (!isJudged) return true
    const { state, cause, side } = worse(entry.halves)
    return (states === undefined || states.includes(state)) && (causes === undefined || causes.includes(cause)) && (sides === undefined || sides.includes(side))
  }
}

/** Where the first entry stands that is not before `order`. */
function firstFrom (sorted: readonly { order: string }[], order: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle]?.order ?? '') < order) low = middle + 1
    else high = middle
  }
  return low
}

function readCursor (cursor: string): string {
  const order = Buffer.from(cursor, 'base64url').toString()
  if (cursor.length > 1000 || !/^[0-3] [\w.-]+ [\w.-]*$/.test(order)) throw new OperatorError('bad-cursor', 'This cursor is none that was given out: begin again without one.')
  return order
}
