/**
 * The latest of every slot in memory, and the witnesses that a judge hears about a subject. A target is checked lightly often and deeply seldom: what one testifies is
 * the newest light facts with the newest deep ones, as if seen at once. Observations are read from the store when they are needed; the last used stay.
 */
import { endsAt } from '@dialtone/checks'
import type { Observation, Standpoint, Witness } from '@dialtone/contracts'
import type { SlotRow, Store } from '@dialtone/store'
import { recent } from './recent.ts'
import { slotKey } from './taken.ts'

export type Slot = SlotRow & {
  /** Nothing was heard for too long: no witness any more. */
  stale: boolean
  certificateEnd?: number
  /** When one was last kept in full. */
  keptAt: number
}

export type Witnesses = {
  load: () => void
  get: (key: string) => Slot | undefined
  put: (slot: Slot, observation?: Observation) => void
  /** A number for a new slot. */
  next: () => number
  drop: (slot: Slot) => void
  all: () => Iterable<Slot>
  /** Of observations of this domain. */
  of: (domain: string) => readonly Slot[]
  /** Of those that check peers in the name of this domain and fail, a few: deep ones first. They may show a fault of ours. */
  failingFor: (ours: string) => readonly Slot[]
  /** What these slots testify. `standpoint` undefined: not heard. */
  testify: (slots: readonly Slot[], standpoint: (vantage: string) => Standpoint | undefined) => Witness[]
  observation: (id: string) => Observation | undefined
}

/** Observations that stay in memory. Few on purpose: those of a subject are asked for together, and what stays for a while and then goes is dear to collect. */
const KEPT = 48
const FAILING_HEARD = 6
/** A witness that says the same is not made anew for each time that it says so. */
const RESTAMP_MS = 60_000

export function createWitnesses (store: Store): Witnesses {
  const slots = new Map<string, Slot>()
  let numbers = 0
  const byDomain = new Map<string, Slot[]>()
  /** By our domain, then deep and light, in the order in which they began to fail. */
  const failing = new Map<string, readonly [deep: Map<string, Slot>, light: Map<string, Slot>]>()
  const observations = recent<Observation>(KEPT)
  const stamped = recent<{ at: number, observation: Observation }>(KEPT)

  const observation = (id: string): Observation | undefined => observations.get(id) ?? observations.set(id, store.observations.get(id, { transcripts: false })?.observation)
  const note = (slot: Slot, fails: boolean): void => {
    if (slot.job !== 'peer' || slot.ours === undefined) return
    const known = failing.get(slot.ours) ?? [new Map<string, Slot>(), new Map<string, Slot>()] as const
    const those = known[slot.deep ? 0 : 1]
    if (fails) those.set(slot.key, slot)
    else those.delete(slot.key)
    failing.set(slot.ours, known)
  }
  const put = (slot: Slot, seen?: Observation): void => {
    if (seen !== undefined) observations.set(slot.observation, seen)
    note(slot, slot.failing)
    const was = slots.get(slot.key)
    numbers = Math.max(numbers, slot.n)
    slots.set(slot.key, slot)
    const others = byDomain.get(slot.domain)
    if (others === undefined) byDomain.set(slot.domain, [slot])
    else if (was === undefined) others.push(slot)
    else others[others.indexOf(was)] = slot
  }
  /** What else is known of the same target: deep of a light one, light of a deep one. */
  const otherOf = (slot: Slot): Slot | undefined => slots.get(slotKey(slot.vantage, slot.target, !slot.deep))
  const siblingOf = (slot: Slot): Slot | undefined => {
    const other = otherOf(slot)
    return other?.stale === true ? undefined : other
  }
  /** The newest of both speaks for both, whichever was named: where that is too old to be heard, the other is older still. */
  const speaker = (slot: Slot): Slot => {
    const sibling = otherOf(slot)
    return sibling !== undefined && (sibling.at > slot.at || (sibling.at === slot.at && sibling.deep)) ? sibling : slot
  }
  /** The newest light facts with the newest deep ones. */
  const joined = (newest: Slot, deep: Slot | undefined): Observation | undefined => {
    const key = deep === undefined ? newest.observation : `${newest.observation}+${deep.observation}`
    const known = stamped.get(key)
    if (known !== undefined && newest.at - known.at < RESTAMP_MS) return known.observation
    const base = observation(newest.observation)
    const more = deep === undefined ? undefined : observation(deep.observation)
    if (base === undefined) return undefined
    const startedAt = new Date(newest.at).toISOString()
    const made = { ...withDeepOf(base, more), startedAt }
    stamped.set(key, { at: newest.at, observation: made })
    return made
  }
  return {
    load: () => {
      slots.clear()
      numbers = 0
      byDomain.clear()
      failing.clear()
      observations.clear()
      stamped.clear()
      for (const row of store.slots.all()) put({ ...row, stale: false, keptAt: row.since })
    },
    get: key => slots.get(key),
    put,
    drop: slot => {
      slots.delete(slot.key)
      note(slot, false)
      const left = (byDomain.get(slot.domain) ?? []).filter(each => each !== slot)
      if (left.length === 0) byDomain.delete(slot.domain)
      else byDomain.set(slot.domain, left)
    },
    next: () => ++numbers,
    all: () => slots.values(),
    failingFor: ours => (failing.get(ours) ?? []).flatMap(those => firstOf(those.values(), FAILING_HEARD)),
    of: domain => byDomain.get(domain) ?? [],
    testify: (some, standpointOf) => [...new Set(some.map(speaker))].flatMap(slot => {
      const standpoint = standpointOf(slot.vantage)
      if (standpoint === undefined || slot.stale) return []
      const sibling = siblingOf(slot)
      const deep = !slot.deep && sibling !== undefined && sibling.aside === undefined ? sibling : undefined
      const seen = joined(slot, deep)
      if (seen === undefined) return []
      slot.certificateEnd ??= endOf(seen)
      const { job } = slot
      const witness: Witness = { observation: seen, job, standpoint, ...(deep === undefined ? {} : { deepAt: deep.at }), ...(slot.aside === undefined ? {} : { aside: slot.aside }) }
      // That a refusal is repeated shows in the first that was like it.
      const earlier = [slot, ...(deep === undefined ? [] : [deep])].flatMap(each => {
        const first = each.failing && each.same > 0 ? observation(each.observation) : undefined
        const { deepAt: _, ...same } = witness
        return first === undefined || first.startedAt === seen.startedAt ? [] : [{ ...same, observation: first }]
      })
      return [witness, ...earlier]
    }),
    observation,
  }
}

/** Light facts with the deep ones of another observation of the same target. */
export function withDeepOf (light: Observation, other: Observation | undefined): Observation {
  if (other?.deep === undefined) return light
  const { deep, certificates, asked: { depth, clientCertificate } } = other
  return { ...light, deep, certificates: { ...certificates, ...light.certificates }, asked: { ...light.asked, depth, clientCertificate } }
}

function endOf (observation: Observation): number {
  return Math.min(...observation.endpoints.map(endpoint => endsAt(endpoint, observation) ?? Number.POSITIVE_INFINITY))
}

function firstOf<T> (values: Iterable<T>, most: number): T[] {
  const taken: T[] = []
  for (const value of values) {
    if (taken.length === most) break
    taken.push(value)
  }
  return taken
}
