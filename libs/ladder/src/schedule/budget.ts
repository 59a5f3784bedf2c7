/**
 * How many connections a domain has been made to bear in the last hour, and whether one more check fits (a probe must never be what a peer blocks us
 * for). Counted are connections that were made. Time is cut into slots of five minutes; a connection is forgotten between 60 and 65 minutes after, by
 * the time that has passed: what the wall clock says matters only over a restart, and what it dates after now was written by one that was ahead.
 */
import type { Clock } from '@dialtone/kernel'

const SLOT_MS = 5 * 60_000
const SLOTS = 13
const HOUR_MS = 60 * 60_000
/** Of a slot, in what is kept. */
const ROUNDING = 0.01

export type Spent = { domain: string, connections: number, of: number }

export type Budget = {
  /** Per domain and hour. */
  limit: number
  used: (domain: string) => number
  add: (domain: string, connections: number) => void
  /** Milliseconds until so many fit; 0: now. */
  waitMs: (domain: string, connections: number) => number
  /** How far apart checks of so many connections must be: 0 until half of the budget is used, then so that the other half lasts. */
  paceMs: (domain: string, connections: number) => number
  /** What another agent of the vantage says that it has made: for an hour from then it counts, for its work may be ours next. Replaces what it said before. */
  heed: (agent: string, spent: readonly Pick<Spent, 'domain' | 'connections'>[]) => void
  /** Of what was made here, those that used the greatest share, most first. */
  top: (most: number) => Spent[]
  /** By domain, [slot of the wall clock, connections] each. Of domains that `keep` names. */
  save: (keep: (domain: string) => boolean) => KeptBudget
}
export type KeptBudget = Record<string, [slot: number, connections: number][]>

export function createBudget ({ clock, limit, kept = {} }: { clock: Clock, limit: number, kept?: KeptBudget }): Budget {
  const ledgers = new Map<string, Ledger>()
  /** More than none have passed at the start, so that what was before it has a slot too. */
  const slotNow = () => SLOTS + Math.floor(clock.elapsed() / SLOT_MS)
  /** From a slot of this run to one of the wall clock. */
  const shift = () => (clock.now() - clock.elapsed()) / SLOT_MS - SLOTS
  for (const [domain, slots] of Object.entries(kept)) {
    const ledger: Ledger = { slot: slotNow(), counts: Array<number>(SLOTS).fill(0), sum: 0 }
    for (const [wall, connections] of slots) {
      const slot = Math.min(Math.ceil(wall - shift() - ROUNDING), ledger.slot)
      if (slot <= ledger.slot - SLOTS || connections < 0) continue
      ledger.sum += connections
      ledger.counts[slot % SLOTS] = (ledger.counts[slot % SLOTS] ?? 0) + connections
    }
    ledgers.set(domain, ledger)
  }
  const current = (domain: string): Ledger | undefined => {
    const ledger = ledgers.get(domain)
    if (ledger === undefined) return undefined
    const now = slotNow()
    for (let passed = Math.min(now - ledger.slot, SLOTS); passed > 0; passed--) {
      const at = (now - passed + 1) % SLOTS
      ledger.sum -= ledger.counts[at] ?? 0
      ledger.counts[at] = 0
    }
    ledger.slot = now
    return ledger
  }
  const heard = new Map<string, { at: number, spent: ReadonlyMap<string, number> }>()
  const heardOf = (domain: string) => {
    let connections = 0
    let oldest = Infinity
    for (const { at, spent } of heard.values()) {
      const many = spent.get(domain) ?? 0
      if (many <= 0 || clock.elapsed() - at >= HOUR_MS) continue
      connections += many
      oldest = Math.min(oldest, at)
    }
    return { connections, oldest }
  }
  const made = (domain: string): number => {
    const ledger = current(domain)
    if (ledger === undefined) return 0
    if (ledger.sum === 0) ledgers.delete(domain)
    return ledger.sum
  }
  const used = (domain: string): number => made(domain) + heardOf(domain).connections
  const budget: Budget = {
    limit,
    used,
    add: (domain, connections) => {
      if (connections <= 0) return
      const ledger = current(domain) ?? { slot: slotNow(), counts: Array<number>(SLOTS).fill(0), sum: 0 }
      const at = ledger.slot % SLOTS
      ledger.counts[at] = (ledger.counts[at] ?? 0) + connections
      ledger.sum += connections
      ledgers.set(domain, ledger)
    },
    waitMs: (domain, connections) => {
      let left = used(domain)
      const ledger = ledgers.get(domain)
      // What never fits is done when nothing else was.
      const room = Math.max(0, budget.limit - connections)
      if (left <= room) return 0
      if (ledger !== undefined) for (let age = SLOTS - 1; age >= 0; age--) {
        left -= ledger.counts[(ledger.slot - age + SLOTS) % SLOTS] ?? 0
        if (left <= room) return Math.max(1, (ledger.slot - age) * SLOT_MS - clock.elapsed())
      }
      const { oldest } = heardOf(domain)
      return Number.isFinite(oldest) ? Math.max(1, oldest + HOUR_MS - clock.elapsed()) : HOUR_MS
    },
    heed: (agent, spent) => {
      const now = clock.elapsed()
      for (const [name, { at }] of heard) if (now - at >= HOUR_MS) heard.delete(name)
      heard.set(agent, { at: now, spent: new Map(spent.map(({ domain, connections }) => [domain, connections])) })
    },
    paceMs: (domain, connections) => used(domain) * 2 < budget.limit ? 0 : connections * HOUR_MS * 2 / budget.limit,
    top: most => {
      const found: Spent[] = []
      for (const domain of ledgers.keys()) {
        const connections = made(domain)
        if (connections === 0 || (found.length >= most && connections <= (found.at(-1)?.connections ?? 0))) continue
        const place = found.findIndex(other => other.connections < connections)
        found.splice(place < 0 ? found.length : place, 0, { domain, connections, of: budget.limit })
        found.length = Math.min(found.length, most)
      }
      return found
    },
    save: keep => Object.fromEntries([...ledgers.keys()].filter(domain => keep(domain) && made(domain) > 0).map(domain => [domain, slotsOf(current(domain), shift())])),
  }
  return budget
}

/** `sum`: of the counts. */
type Ledger = { slot: number, counts: number[], sum: number }

function slotsOf (ledger: Ledger | undefined, shift: number): [number, number][] {
  if (ledger === undefined) return []
  return ledger.counts.flatMap((count, at): [number, number][] => count === 0 ? [] : [[Math.round(1000 * (ledger.slot - (ledger.slot - at + SLOTS) % SLOTS + shift)) / 1000, count]])
}
