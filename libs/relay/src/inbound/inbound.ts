/**
 * The listeners of the gateway, live: they are opened, kept and closed as the zones of the configuration say, take streams in, and hand the stanzas of
 * proven pairs to the core. Specification: gateways.md 5.0 to 5.5 (RFC 6120, XEP-0178, XEP-0220, XEP-0344, XEP-0368).
 */
import type { StreamCondition, StreamView } from '@dialtone/contracts'
import { createSparing } from '@dialtone/net'
import type { DialbackAnswer, Pair } from '@dialtone/stream'
import type { ConfigurationProblem, Intake, Selection, Surroundings, Verify, World, Zone } from '../seams.ts'
import { createAdmission } from './admission.ts'
import { GUARDS, type Guards } from './guards.ts'
import type { InboundHooks } from './hooks.ts'
import { limitsOf, type InboundLimits } from './limits.ts'
import { connections, limited, streams as streamsGauge, verifying } from './metrics.ts'
import { createPlaces, isProxy, type PlaceView } from './places.ts'
import { createQuestions } from './questions.ts'
import { concerns } from './selection.ts'
import type { Shared } from './shared.ts'
import { InboundStream } from './stream.ts'
import { createVerifications } from './verifications.ts'

export type InboundOptions = Surroundings & {
  intake: Intake
  verify: Verify
  hooks?: InboundHooks
  /** For tests alone: over the configured limits; guards that are taken away; how often times are looked at. */
  limits?: Partial<InboundLimits>
  guards?: Partial<Guards>
  sweepMs?: number
}

export type Inbound = {
  /**
   * Follows `next`, or `world()`: listeners are opened and closed; then it is in force, which `adopt` makes true, and streams are judged anew; those that still comply go on.
   * Resolves with what is wrong, and then the listeners are as they were.
   */
  configure: (next?: World, adopt?: () => void) => Promise<readonly ConfigurationProblem[]>
  /** What was decided may have ended by itself: streams are judged anew. */
  judge: () => void
  select: (selection: Selection) => StreamView[]
  /** Ends streams, or of a stream that carries other pairs, too, those that are meant. Returns how many were. */
  close: (selection: Selection, condition: StreamCondition, text: string) => number
  /** Takes nothing new: of a zone, or where none is selected, at all; what has not authenticated ends with `system-shutdown`, what is ready goes on until it is closed. A zone is opened again by `configure`; the gateway is not. */
  drain: (selection?: Selection) => void
  /** Whether a key is ours, asked on a bidirectional stream that we have opened; told and counted as on any other. */
  asked: (question: { zone: Zone, pair: Pair, id: string, key: string, address: string, remote: string }) => DialbackAnswer
  listeners: () => PlaceView[]
  counts: () => { streams: number, negotiating: number, verifying: number }
  /** Closes listeners and streams, gently, and waits for them until `at` aborts; resolves when nothing is left. */
  stop: (at?: AbortSignal) => Promise<void>
}

const SWEEP_MS = 500

/** Opens nothing before the first `configure`. */
export function startInbound (options: InboundOptions): Inbound {
  const { world, clock, random, meter } = options
  let bounds: { of: World, limits: InboundLimits } | undefined
  const limits = () => {
    const now = world()
    if (bounds?.of !== now) bounds = { of: now, limits: limitsOf(now.assignment.spec.limits, options.limits) }
    return bounds.limits
  }
  const guards: Guards = { ...GUARDS, ...options.guards }
  const open = new Set<InboundStream>()
  /** By pair, oldest first. */
  const byPair = new Map<string, Set<InboundStream>>()
  const stopping = new AbortController()
  const admission = createAdmission(limits, clock)
  const verifications = createVerifications(limits, clock)
  const refusals = createSparing(clock)
  let draining = false
  let numbered = 0
  let idle: (() => void) | undefined

  const shared: Shared = {
    ...options, limits, guards, admission, verifications,
    hooks: options.hooks ?? {},
    questions: createQuestions(options, limits(), options.hooks ?? {}),
    mayTell: network => refusals.count(network) === 'tell',
    freshId: () => Buffer.from(random.bytes(16)).toString('hex'),
    proved: (stream, pair, most) => {
      const id = idOf(pair)
      const all = byPair.get(id) ?? new Set()
      byPair.set(id, all.add(stream))
      if (all.size <= most) return
      // The newest has just proved who it is; the oldest may be what is left of a connection that broke.
      meter.add(limited, { zone: stream.zone, limit: 'streams' })
      for (const oldest of all) {
        oldest.withdraw(other => idOf(other) === id, 'resource-constraint', `more than ${most} streams of ${pair.from} to ${pair.to}`)
        break
      }
    },
    gone: (stream, pairs) => {
      for (const pair of pairs) {
        const all = byPair.get(idOf(pair))
        if (all?.delete(stream) === true && all.size === 0) byPair.delete(idOf(pair))
      }
      if (!stream.isOver) return
      open.delete(stream)
      if (open.size === 0) idle?.()
    },
  }
  const places = createPlaces({
    signal: stopping.signal,
    admit: (name, address) => {
      const zone = world().zones.get(name)
      const why = draining || zone === undefined ? 'draining' : admission.refuses(zone, address)
      meter.add(connections, { zone: name, outcome: why ?? 'accepted' })
      return why === undefined
    },
    accepted: ({ zone, kind }, accepted) => {
      const stream = new InboundStream(shared, accepted, zone, kind, `in-${(++numbered).toString(36)}`)
      if (!stream.isOver) open.add(stream)
    },
    mayProxy: (name, address) => isProxy(world().zones.get(name), address),
    refusedProxy: name => meter.add(connections, { zone: name, outcome: 'no-proxy' }),
  })

  const timer = setInterval(() => {
    const now = clock.elapsed()
    const counts = new Map([...world().zones.keys()].map(name => [name, { ready: 0, negotiating: 0 }]))
    for (const stream of open) {
      try { stream.sweep(now) } catch (error) { stream.fault(error) }
      const count = counts.get(stream.zone)
      if (count !== undefined) count[stream.ready ? 'ready' : 'negotiating']++
    }
    for (const [zone, { ready, negotiating }] of counts) {
      meter.set(streamsGauge, { zone, state: 'ready' }, ready)
      meter.set(streamsGauge, { zone, state: 'negotiating' }, negotiating)
    }
    meter.set(verifying, {}, verifications.running)
  }, options.sweepMs ?? SWEEP_MS)

  const judge = () => { for (const stream of open) stream.rejudge() }
  const selected = (selection: Selection) => [...open].filter(stream => concerns(selection, world(), stream))
  return {
    configure: async (next = world(), adopt = () => undefined) => {
      const problems = await places.follow(next, ({ spec }) => !draining && (spec.desired ?? 'running') === 'running')
      if (problems.length > 0) return problems
      adopt()
      judge()
      return problems
    },
    judge,
    select: selection => selected(selection).map(stream => stream.view()),
    close: (selection, condition, text) => {
      let count = 0
      for (const stream of selected(selection)) {
        const pairs = stream.pairs.filter(pair => concerns(selection, world(), stream, pair))
        if (pairs.length > 0) stream.withdraw(pair => pairs.some(each => idOf(each) === idOf(pair)), condition, text)
        else stream.close(condition, text)
        count++
      }
      return count
    },
    drain: (selection = {}) => {
      if (Object.keys(selection).length === 0) {
        draining = true
        void places.close()
      } else if (selection.zone !== undefined && selection.ours === undefined && selection.peer === undefined) void places.close(selection.zone)
      for (const stream of selected(selection)) if (!stream.ready) stream.close('system-shutdown', 'nothing new is taken')
    },
    asked: question => {
      const answer = shared.questions.answer({ ...question, standing: guards.standing(world(), question.zone, question.pair), known: true })
      return answer === 'valid' || answer === 'invalid' ? { type: answer } : { type: 'error', condition: answer }
    },
    listeners: places.views,
    counts: () => {
      const ready = [...open].filter(stream => stream.ready).length
      return { streams: open.size, negotiating: open.size - ready, verifying: verifications.running }
    },
    stop: async at => {
      draining = true
      await places.close()
      const quiet = new Promise<void>(resolve => {
        idle = resolve
        if (open.size === 0) resolve()
      })
      for (const stream of open) stream.close('system-shutdown', 'the gateway stops')
      const late = Promise.withResolvers<void>()
      const most = setTimeout(late.resolve, limits().closeMs)
      const hurry = () => late.resolve()
      at?.addEventListener('abort', hurry, { once: true })
      if (at?.aborted !== true) await Promise.race([quiet, late.promise])
      at?.removeEventListener('abort', hurry)
      clearTimeout(most)
      clearInterval(timer)
      stopping.abort()
    },
  }
}

function idOf ({ from, to }: Pair): string {
  return `${from} ${to}`
}
