/**
 * When is each target due, and how deep? Pure but for its arguments. Times of a target follow from the hash of its name, on a grid that every agent of
 * the vantage computes alike, so that load is spread, a restart causes no rush, and who takes a target over checks it when its former owner would have.
 * Judges nothing: "failing" is a failed step, "changed" another outline than last time.
 */
import type { Clock } from '@dialtone/kernel'
import type { Budget } from './budget.ts'
import { createDueQueue } from './due-queue.ts'
import { entryFor, freshEntry, isFast, nextSlot, type Entry, type Kept } from './entry.ts'
import type { Pace } from './pace.ts'

/** One target as the schedule sees it. */
export type Plan = { id: string, domain: string, pace: Pace, /** The pair of a deep check, of which only one runs at a time; absent: no deep check. */ pair?: string }
export type Due = { id: string, deep: boolean }
/** What a check has shown. */
export type Outcome = { deep: boolean, outline: string, troubled: boolean, refused: boolean, connections: number }
/** Why an operator's check cannot be made now. */
export type Denied = { why: 'unknown' | 'running' | 'budget' | 'retry-window' | 'pair-busy' | 'no-deep', retryAfterMs: number }

export type Schedule = {
  /** What there is to do, and what of it is mine; everything that is known of a target that stays is kept. `fresh`: a target that was not known is nobody else's, and is checked at once. */
  assign: (plans: readonly Plan[], mine: (plan: Plan) => boolean, how: { fresh: boolean, graceMs: number }) => void
  /** Those that are due, the longest waiting first; they run from now on. */
  take: (most: number) => Due[]
  /** Takes one out of turn, whosever it is. */
  claim: (id: string, deep: boolean) => { ok: true } | Denied
  done: (id: string, outcome: Outcome) => void
  /** It was cut short, and says nothing. */
  dropped: (id: string) => void
  /** Forgets what was seen of it, and checks it afresh; of all without a name. Returns how many. */
  reset: (id?: string) => number
  /** Of mine, those whose peers are not asked in our name for some time, the longest first: `ms` from now. */
  waits: (most: number) => { id: string, ms: number }[]
  /** Another agent was refused: nor do we ask before that is over, should it become ours. Not longer than its retry window. */
  heed: (id: string, ms: number) => void
  /** Milliseconds until the next is due; undefined: nothing ever. */
  nextMs: () => number | undefined
  counts: () => { mine: number, all: number, failing: number, overdue: number }
  /** Checks that were put off because the budget of their domain was used. */
  readonly putOff: number
  save: () => Record<string, Kept>
}

/** Targets that are checked at once are started so far apart. */
const APART_MS = 50
/** Deep checks out of turn (first sight, changes, failures): so many at once, and then one in so long, so that trouble of our own does not become the peers'. */
const EAGER = 20
const EAGER_MS = 500
const BUSY_MS = 1000
/** Estimates before the first check of its kind. */
const COST = { light: 3, deep: 6 }

export function createSchedule ({ clock, random, budget, salt, kept = {} }: { clock: Clock, random: () => number, budget: Budget, salt: string, kept?: Readonly<Record<string, Kept>> }): Schedule {
  const entries = new Map<string, Entry>()
  const queue = createDueQueue<Entry>()
  const busy = new Set<string>()
  let ofDomain = new Map<string, number>()
  let eager = EAGER
  let eagerAt = clock.elapsed()
  let putOff = 0

  const enqueue = (entry: Entry) => {
    entry.due = Math.min(entry.light, entry.plan.pair === undefined ? Infinity : Math.max(entry.deep, entry.retryUntil))
    if (!entry.mine || entry.plan.pace.paused || entry.running !== undefined) queue.remove(entry)
    else queue.put(entry)
  }
  /** When a deep check out of turn may be made, if that is sooner than its turn. */
  const eagerly = (turn: number): number => {
    const now = clock.elapsed()
    eager = Math.min(EAGER, eager + (now - eagerAt) / EAGER_MS)
    eagerAt = now
    const at = eager >= 1 ? now : now + (1 - eager) * EAGER_MS
    if (at >= turn) return turn
    eager -= 1
    return at
  }
  const cost = (entry: Entry, deep: boolean): number => (deep ? entry.deepCost : entry.lightCost) ?? (deep ? COST.deep : COST.light)
  const slot = (entry: Entry, interval: number, after: number): number => nextSlot({ entry, interval, after, clock, random })
  const deepSlot = (entry: Entry, after: number): number => entry.plan.pair === undefined ? Infinity : slot(entry, entry.plan.pace.deepMs, after)
  const begin = (entry: Entry, deep: boolean): Due => {
    entry.running = deep ? 'deep' : 'light'
    entry.startedAt = clock.elapsed()
    if (deep && entry.plan.pair !== undefined) busy.add(entry.plan.pair)
    queue.remove(entry)
    return { id: entry.plan.id, deep }
  }
  const end = (entry: Entry) => {
    if (entry.running === 'deep' && entry.pairHeld !== undefined) busy.delete(entry.pairHeld)
    entry.running = undefined
    if (entry.gone) entries.delete(entry.plan.id)
  }
  const isBusy = ({ plan }: Entry) => plan.pair !== undefined && busy.has(plan.pair)

  return {
    assign: (plans, mine, { fresh, graceMs }) => {
      const now = clock.elapsed()
      const wanted = new Set(plans.map(({ id }) => id))
      for (const [id, entry] of entries) {
        if (wanted.has(id)) continue
        queue.remove(entry)
        if (entry.running === undefined) entries.delete(id)
        else Object.assign(entry, { mine: false, gone: true })
      }
      ofDomain = new Map()
      for (const { domain } of plans) ofDomain.set(domain, (ofDomain.get(domain) ?? 0) + 1)
      let started = 0
      for (const plan of plans) {
        const known = entries.get(plan.id)
        const isMine = mine(plan)
        if (known === undefined) {
          const entry = entryFor(plan, salt, kept[plan.id], clock)
          const remembered = kept[plan.id] !== undefined
          entry.mine = isMine
          entries.set(plan.id, entry)
          if (!isMine) {
            Object.assign(entry, { light: Infinity, deep: Infinity })
            continue
          }
          const at = now + APART_MS * started
          if (!remembered) {
            entry.light = slot(entry, plan.pace.lightMs, now + graceMs)
            entry.deep = deepSlot(entry, now + graceMs)
          }
          // What was due while nobody was here is made up for, one after the other.
          if (fresh && (!remembered || entry.light <= now)) {
            entry.light = Math.min(at, remembered ? at : entry.light)
            started++
          }
          if (remembered) {
            if (entry.light <= now + graceMs) entry.light = fresh ? Math.max(entry.light, at) : slot(entry, plan.pace.lightMs, now + graceMs)
            if (entry.deep <= now + graceMs) entry.deep = deepSlot(entry, now + graceMs)
          } else if (fresh && plan.pair !== undefined) entry.deep = Math.max(entry.light, eagerly(entry.deep))
          enqueue(entry)
          continue
        }
        const wasMine = known.mine
        const paceChanged = !samePace(known.plan.pace, plan.pace)
        const gainedPair = known.plan.pair === undefined && plan.pair !== undefined
        known.plan = plan
        known.mine = isMine
        known.gone = false
        if (isMine && (!wasMine || paceChanged)) {
          const from = wasMine ? now : now + graceMs
          const light = slot(known, isFast(known) ? plan.pace.failingMs : plan.pace.lightMs, from)
          known.light = wasMine && !paceChanged ? Math.min(known.light, light) : light
          known.deep = deepSlot(known, from)
        }
        if (isMine && wasMine && gainedPair) known.deep = eagerly(deepSlot(known, now))
        if (!wasMine || !isMine || paceChanged || gainedPair) enqueue(known)
      }
    },

    take: most => {
      const now = clock.elapsed()
      const taken: Due[] = []
      // Every turn takes one out or puts it off.
      for (let turns = 2 * queue.size; turns > 0 && taken.length < most; turns--) {
        const entry = queue.first()
        if (entry === undefined || entry.due > now) break
        const { domain, pair } = entry.plan
        let deep = pair !== undefined && Math.max(entry.deep, entry.retryUntil) <= now
        if (deep && isBusy(entry)) {
          entry.deep = now + BUSY_MS
          deep = false
          if (entry.light > now) { enqueue(entry); continue }
        }
        const wait = budget.waitMs(domain, cost(entry, deep))
        if (wait > 0) {
          putOff++
          if (deep) entry.deep = now + wait
          else entry.light = now + wait
          enqueue(entry)
          continue
        }
        entry.pairHeld = pair
        taken.push(begin(entry, deep))
      }
      return taken
    },

    claim: (id, deep) => {
      const entry = entries.get(id)
      const now = clock.elapsed()
      if (entry === undefined) return { why: 'unknown', retryAfterMs: 0 }
      if (entry.running !== undefined) return { why: 'running', retryAfterMs: BUSY_MS }
      if (deep && entry.plan.pair === undefined) return { why: 'no-deep', retryAfterMs: 0 }
      if (deep && entry.retryUntil > now) return { why: 'retry-window', retryAfterMs: entry.retryUntil - now }
      if (deep && isBusy(entry)) return { why: 'pair-busy', retryAfterMs: BUSY_MS }
      const wait = budget.waitMs(entry.plan.domain, cost(entry, deep))
      if (wait > 0) return { why: 'budget', retryAfterMs: wait }
      entry.pairHeld = entry.plan.pair
      begin(entry, deep)
      return { ok: true }
    },

    done: (id, { deep, outline, troubled, refused, connections }) => {
      const entry = entries.get(id)
      if (entry === undefined) return
      const now = clock.elapsed()
      const { pace, domain } = entry.plan
      end(entry)
      budget.add(domain, connections)
      if (entry.gone) return
      if (deep) entry.deepCost = Math.max(1, connections)
      else entry.lightCost = Math.max(1, connections)

      const before = deep ? entry.seenDeep : entry.seen
      const changed = before !== undefined && before !== outline
      const newlyTroubled = troubled && !(deep ? entry.deepTroubled : entry.troubled)
      // What is well at depth is well on the way there.
      if (deep) Object.assign(entry, { seenDeep: outline, deepTroubled: troubled, ...(troubled ? {} : { troubled }) })
      else Object.assign(entry, { seen: outline, troubled })
      entry.same = changed || newlyTroubled ? 1 : Math.min(entry.same + 1, pace.confirmations)
      if (changed || newlyTroubled) entry.fastLeft = freshEntry.fastLeft
      if (refused) entry.retryUntil = now + pace.retryWindowMs

      const fast = isFast(entry) && !(refused && !deep)
      if (fast) entry.fastLeft--
      const paced = budget.paceMs(domain, cost(entry, false) * (ofDomain.get(domain) ?? 1))
      const regular = fast ? now + pace.failingMs * (1 + pace.jitter * random()) : slot(entry, pace.lightMs, Math.max(now, entry.startedAt + pace.lightMs / 2))
      entry.light = Math.max(regular, entry.startedAt + paced)
      if (deep) {
        entry.deep = deepSlot(entry, Math.max(now, entry.startedAt + pace.deepMs / 2))
        // A failure is looked at again as soon as the peer allows it, a recovery until it is confirmed.
        if (troubled && entry.fastLeft > 0) {
          entry.fastLeft--
          entry.deep = Math.min(entry.deep, now + Math.max(pace.retryWindowMs, pace.lightMs) * (1 + pace.jitter * random()))
        } else if (fast && changed) entry.deep = Math.min(entry.deep, now + pace.lightMs)
      } else if ((changed || newlyTroubled) && entry.plan.pair !== undefined) entry.deep = eagerly(entry.deep) + APART_MS * random()
      if (!entry.mine) Object.assign(entry, { light: Infinity, deep: Infinity })
      enqueue(entry)
    },

    dropped: id => {
      const entry = entries.get(id)
      if (entry === undefined) return
      end(entry)
      if (entry.gone) return
      if (entry.mine) entry.light = slot(entry, entry.plan.pace.lightMs, clock.elapsed())
      enqueue(entry)
    },

    reset: id => {
      const chosen = id === undefined ? [...entries.values()] : [entries.get(id)].filter(entry => entry !== undefined)
      for (const [at, entry] of chosen.entries()) {
        Object.assign(entry, { ...freshEntry, seen: undefined, seenDeep: undefined, retryUntil: -Infinity })
        if (!entry.mine || entry.running !== undefined) continue
        entry.light = clock.elapsed() + Math.min(APART_MS * at, entry.plan.pace.lightMs)
        enqueue(entry)
      }
      return chosen.length
    },

    waits: most => {
      const now = clock.elapsed()
      return [...entries.values()].filter(({ mine, retryUntil }) => mine && retryUntil > now).sort((a, b) => b.retryUntil - a.retryUntil).slice(0, most).map(({ plan: { id }, retryUntil }) => ({ id, ms: retryUntil - now }))
    },

    heed: (id, ms) => {
      const entry = entries.get(id)
      if (entry === undefined || !(ms > 0)) return
      entry.retryUntil = Math.max(entry.retryUntil, clock.elapsed() + Math.min(ms, entry.plan.pace.retryWindowMs))
      enqueue(entry)
    },

    nextMs: () => {
      const first = queue.first()
      return first === undefined ? undefined : Math.max(0, first.due - clock.elapsed())
    },

    counts: () => {
      const now = clock.elapsed()
      const counts = { mine: 0, all: entries.size, failing: 0, overdue: 0 }
      for (const entry of entries.values()) {
        if (!entry.mine) continue
        counts.mine++
        if (entry.troubled || entry.deepTroubled) counts.failing++
        // Waiting for longer than its interval.
        if (entry.place >= 0 && entry.due + entry.plan.pace.lightMs < now) counts.overdue++
      }
      return counts
    },

    get putOff () { return putOff },

    save: () => {
      const shift = clock.now() - clock.elapsed()
      const second = (elapsed: number) => Number.isFinite(elapsed) ? Math.round((elapsed + shift) / 1000) : 0
      return Object.fromEntries([...entries].map(([id, entry]): [string, Kept] => [id, [
        second(entry.light), second(entry.deep), second(entry.retryUntil), entry.seen ?? '', entry.seenDeep ?? '', entry.same, entry.fastLeft, (entry.troubled ? 1 : 0) + (entry.deepTroubled ? 2 : 0), entry.lightCost ?? 0, entry.deepCost ?? 0,
      ]]))
    },
  }
}

function samePace (a: Pace, b: Pace): boolean {
  return a === b || (a.lightMs === b.lightMs && a.deepMs === b.deepMs && a.failingMs === b.failingMs && a.confirmations === b.confirmations && a.jitter === b.jitter && a.retryWindowMs === b.retryWindowMs && a.paused === b.paused)
}
