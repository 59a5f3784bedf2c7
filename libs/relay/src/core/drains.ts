/**
 * What is asked to drain (gateways.md 5.9): the gateway, a zone, a peer, a pair. It takes nothing new, what there is is finished until the deadline, then it is returned, and the
 * streams are closed. How far each has come is told at every moment.
 */
import type { DrainProgress, GatewayAssignment } from '@dialtone/contracts'
import type { Clock } from '@dialtone/kernel'
import type { Selection } from '../seams.ts'

/** What is to drain, and how fast: 0 is at once. */
export type Wish = { scope: string, selection: Selection, seconds: number }
/** What a drain needs of the engine. */
export type Drainable = {
  /** Stanzas that wait and streams that are open, of what is selected. */
  left: (selection: Selection) => { queued: number, streams: number }
  /** What still waits is returned to its senders. */
  returnAll: (selection: Selection) => void
  /** Streams are closed with system-shutdown, gently. Called until none is left. */
  close: (selection: Selection) => void
  /** It is over: nothing of the scope is open, and nothing of it waits. */
  over: (wish: Wish) => void
  progress: (progress: DrainProgress) => void
}
export type Drains = {
  /** Begins what is new, goes on with what stays, and forgets what is not wanted any more. */
  follow: (wishes: readonly Wish[]) => void
  tick: () => void
  view: () => DrainProgress[]
  isOver: (scope: string) => boolean
}

const DRAIN_SECONDS = 30
/** Before the streams of a scope are closed, what they bring is waited for so long: a stream that is silent has nothing on the way. */
const QUIET_MS = 400
/** After the deadline, so long is waited for streams to end; then the drain is over all the same. */
const CLOSING_MS = 10_000

type Draining = { wish: Wish, since: number, sinceAt: number, deadline: number, closing: boolean, done: boolean, quietSince: number | undefined, told: string }

export function createDrains (clock: Clock, things: Drainable): Drains {
  const drains = new Map<string, Draining>()
  const view = (one: Draining): DrainProgress => {
    const { queued, streams } = things.left(one.wish.selection)
    return { scope: one.wish.scope, since: new Date(one.sinceAt).toISOString(), deadline: new Date(one.sinceAt + one.deadline - one.since).toISOString(), streams, queued, done: one.done }
  }
  const step = (one: Draining) => {
    if (one.done) return
    const now = clock.elapsed()
    const { selection } = one.wish
    const left = things.left(selection)
    const late = now >= one.deadline
    if (left.queued > 0) one.quietSince = undefined
    else one.quietSince ??= now
    if (late && left.queued > 0) things.returnAll(selection)
    if (!one.closing && (late || (one.quietSince !== undefined && now - one.quietSince >= QUIET_MS))) one.closing = true
    if (one.closing) {
      things.close(selection)
      const after = things.left(selection)
      if ((after.queued === 0 && after.streams === 0) || now >= one.deadline + CLOSING_MS) {
        one.done = true
        things.over(one.wish)
      }
    }
    const progress = view(one)
    const told = `${progress.queued} ${progress.streams} ${progress.done}`
    if (told === one.told) return
    one.told = told
    things.progress(progress)
  }
  return {
    follow: wishes => {
      for (const scope of drains.keys()) if (!wishes.some(wish => wish.scope === scope)) drains.delete(scope)
      const now = clock.elapsed()
      for (const wish of wishes) {
        const had = drains.get(wish.scope)
        if (had === undefined) drains.set(wish.scope, { wish, since: now, sinceAt: clock.now(), deadline: now + wish.seconds * 1000, closing: false, done: false, quietSince: undefined, told: '' })
        else {
          had.wish = wish
          had.deadline = had.since + wish.seconds * 1000
        }
      }
    },
    tick: () => { for (const one of drains.values()) step(one) },
    view: () => [...drains.values()].slice(0, 50).map(view),
    isOver: scope => drains.get(scope)?.done === true,
  }
}

/** What a configuration wants to be drained, the whole gateway first. */
export function wishesOf ({ spec }: GatewayAssignment): Wish[] {
  const seconds = spec.drainSeconds ?? DRAIN_SECONDS
  const wish = (scope: string, selection: Selection, wanted: string | undefined): Wish[] => wanted === 'draining' || wanted === 'stopped' ? [{ scope, selection, seconds: wanted === 'stopped' ? 0 : seconds }] : []
  return [
    ...wish('gateway', {}, spec.desired),
    ...(spec.zones ?? []).flatMap(({ name, desired }) => wish(`zone ${name}`, { zone: name }, desired)),
    ...Object.entries(spec.peers ?? {}).flatMap(([peer, wanted]) => wish(`peer ${peer}`, { peer }, wanted)),
    ...Object.entries(spec.pairs ?? {}).flatMap(([pair, wanted]) => {
      const [ours = '', peer = ''] = pair.split(' ')
      return wish(`pair ${pair}`, { ours, peer }, wanted)
    }),
  ]
}

/** The assignment as its parts are to see it: what the gateway does, each of its zones does, and a zone that is wanted stopped is drained first. */
export function effective (assignment: GatewayAssignment): GatewayAssignment {
  const { spec } = assignment
  const zones = (spec.zones ?? []).map(zone => ({ ...zone, desired: spec.desired === 'running' && (zone.desired ?? 'running') === 'running' ? 'running' as const : 'draining' as const }))
  return { ...assignment, spec: { ...spec, ...(spec.zones === undefined ? {} : { zones }) } }
}
