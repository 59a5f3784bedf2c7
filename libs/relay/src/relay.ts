/**
 * The engine as its process sees it: one configuration at a time, the parts that work by it, and what an operator may ask of them (gateways.md 5.9, 5.10). Everything is given its
 * time, its randomness and its secrets.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { GatewayAssignment, GatewayPresence, QueueView, StreamView } from '@dialtone/contracts'
import { OperatorError, type Clock } from '@dialtone/kernel'
import { startAttachments, type Attachments } from './attach/attachments.ts'
import { Core, TICK_MS, keyOf } from './core/core.ts'
import { createDrains, effective, wishesOf, type Drains, type Wish } from './core/drains.ts'
import { explainRoute, queueView } from './core/explain.ts'
import { measuring, survey } from './core/metrics.ts'
import { reportFault } from './faults.ts'
import { createFacts, type Facts } from './facts/facts.ts'
import { startInbound, type Inbound } from './inbound/inbound.ts'
import { createBadTargets } from './outbound/bad-targets.ts'
import { createDial, type Dialing } from './outbound/dial.ts'
import { LIMITS } from './outbound/limits.ts'
import { createVerify } from './outbound/verify.ts'
import type { ConfigurationProblem, Intake, Relay, RelayOptions, Selection, Surroundings, World } from './seams.ts'
import { MOST_TRACE_SECONDS, Trace } from './trace/trace.ts'
import { createWorld, type WorldFinding } from './world.ts'

type Findings = GatewayPresence['findings']
type Parts = { core: Core, inbound: Inbound, attachments: Attachments, dial: Dialing, facts: Facts, drains: Drains, measure: () => void }

const MEASURE_TICKS = 5
/** Streams have so long to end when the process does. */
const STOP_MS = 30_000
/** How long what comes in a rush is collected. */
const TURN_MS = 1
const MOST = 100
/** Of the event loop: above, everything that the gateway does is late. */
const LATE_MS = 500
const LOOP_WINDOW_TICKS = 50

/** Does nothing before the first `configure`. */
export function createRelay (options: RelayOptions): Relay {
  const { gateway, readSecret, salt, clock, random, meter, logger, tell } = options
  let world: World | undefined
  let asked: GatewayAssignment | undefined
  let findings: readonly WorldFinding[] = []
  let problems: readonly ConfigurationProblem[] = []
  let parts: Parts | undefined
  let stopped = false
  let last: Promise<unknown> = Promise.resolve()
  const loop = monitorEventLoopDelay({ resolution: 20 })
  let lateMs = 0
  let ticks = 0

  const here = (): World => {
    if (world === undefined) throw new Error('there is no configuration yet')
    return world
  }
  const trace = new Trace(() => world, clock)
  const surroundings: Surroundings = {
    world: here, clock, random, meter, logger, tracing: trace,
    tell: event => {
      if (trace.on) trace.told(event)
      tell(event)
    },
  }

  const begin = (): Parts => {
    const badTargets = createBadTargets(surroundings, LIMITS)
    // Streams that go both ways hand in what comes, and the core is what dials them.
    const intake: Intake = { lane: (...given) => core.lane(...given), refuse: (...given) => core.refuse(...given), offer: (...given) => core.offer(...given), settled: () => core.settled() }
    const dial = createDial(surroundings, { intake, badTargets, asked: question => inbound.asked(question) })
    const core: Core = new Core({
      ...surroundings, dial,
      turnEnds: createTurns(clock),
      offered: (zone, pair) => attachments.out(zone, pair),
      expects: (zone, pair) => attachments.expects(zone, pair),
      ended: () => inbound.judge(),
      wantedInside: ({ from, to }, result) => facts.wantedInside({ ours: to, peer: from }, result),
      attempted: ({ zone, pair, rules }, { at, trace }, result) => {
        if (rules.side === 'external') facts.dialed(zone, { ours: pair.from, peer: pair.to }, at, result)
        if ('stream' in result) return
        const { reason, says, temporary } = result.failed
        logger.info({ zone, from: pair.from, to: pair.to, trace, reason, temporary }, 'an attempt to open a stream has failed')
        tell({ on: 'route-failed', zone, from: pair.from, to: pair.to, says: says.slice(0, 400) })
      },
    })
    const facts = createFacts({ gateway, facts: options.facts, tell, clock, random, world: () => world, countOf: ({ ours, peer }) => core.pairs.get(`${ours} ${peer}`) })
    const attachments = startAttachments({ ...surroundings, intake })
    attachments.onOut(({ zone, out, takes }) => core.came(zone, out, takes))
    const inbound = startInbound({ ...surroundings, intake, verify: createVerify(surroundings, { badTargets }), hooks: facts })
    const drains = createDrains(clock, {
      left: selection => left(selection),
      returnAll: selection => {
        for (const route of core.selected(selection)) route.refuseAll('draining')
        core.settled()
      },
      close: selection => close(selection),
      over: wish => over(wish),
      progress: ({ scope, queued, streams, done }) => tell({ on: 'drain', says: done ? `${scope} has drained.` : `${scope} drains: ${queued} stanzas wait, ${streams} streams are open.`, count: queued }),
    })
    return { core, inbound, attachments, dial, facts, drains, measure: measuring(core, meter) }
  }

  /** Streams and stanzas of a part of the gateway. */
  const left = (selection: Selection) => {
    const { core, inbound } = running(parts)
    const routes = core.selected(selection)
    return { queued: routes.reduce((sum, { queue }) => sum + queue.stanzas, 0), streams: inbound.select(selection).length + waysOf(core, selection).length }
  }
  /** Those who bring are closed first; what they brought leaves before those who take it are. */
  const close = (selection: Selection) => {
    const { core, inbound, attachments } = running(parts)
    const still = inbound.select(selection)
    if (still.some(({ state }) => state !== 'closing')) inbound.close(selection, 'system-shutdown', 'the service is going down')
    if (still.length > 0) return
    for (const route of core.selected(selection)) if (route.queue.stanzas === 0) route.release()
    if (selection.ours === undefined && selection.peer === undefined) attachments.close(selection, 'system-shutdown', 'the service is going down')
  }
  const over = (wish: Wish) => {
    logger.info({ scope: wish.scope }, 'a drain is over')
    if (wish.scope === 'gateway') void running(parts).attachments.drain()
    closeZones()
  }
  /** Zones that have drained take nothing any more. */
  const closeZones = () => {
    const { core, drains } = running(parts)
    const before = here()
    const closed = [...before.zones.keys()].filter(name => drains.isOver('gateway') || drains.isOver(`zone ${name}`))
    if (closed.length === 0) return
    world = { ...before, zones: new Map([...before.zones].map(([name, zone]) => [name, closed.includes(name) ? { ...zone, spec: { ...zone.spec, desired: 'stopped' as const } } : zone])) }
    core.judge()
  }

  const configureNow = async (assignment: GatewayAssignment): Promise<readonly ConfigurationProblem[]> => {
    if (stopped) return [{ pointer: '', says: 'the gateway has stopped' }]
    const made = await createWorld(effective(assignment), { readSecret, salt, clock, random, meter, ...(world === undefined ? {} : { previous: world }) })
    if ('problems' in made) return made.problems
    const before = world
    const isFirst = parts === undefined
    // What is refused is never in force: places are bound first.
    if (isFirst) world = made.world
    parts ??= begin()
    const { core, inbound, attachments, drains } = parts
    const wrong = [...await attachments.configure(made.world)]
    // Of the first one everything that is wrong is said: all of it is ended again.
    if (wrong.length === 0 || isFirst) wrong.push(...await inbound.configure(made.world, () => { world = made.world }))
    if (wrong.length > 0) {
      if (before !== undefined) {
        await attachments.configure(before)
        core.judge()
      }
      if (isFirst) {
        await Promise.all([inbound.stop(), attachments.stop()])
        parts = undefined
        world = undefined
      }
      return wrong
    }
    asked = assignment
    findings = made.findings
    core.start()
    for (const { name, spec } of here().zones.values()) if (spec.desired !== 'running') inbound.drain({ zone: name })
    drains.follow(wishesOf(assignment))
    core.judge()
    if (drains.isOver('gateway')) await attachments.drain()
    closeZones()
    return []
  }

  const safely = (act: () => void) => {
    try { act() } catch (error) { reportFault({ meter, logger }, 'tick', error) }
  }
  const tick = () => {
    if (parts === undefined) return
    const { core, facts, drains, measure } = parts
    safely(() => core.tick())
    safely(() => trace.tick())
    safely(() => drains.tick())
    safely(() => facts.tick())
    if (++ticks % MEASURE_TICKS === 0) safely(measure)
    if (ticks % LOOP_WINDOW_TICKS !== 0) return
    lateMs = loop.percentile(99) / 1e6
    loop.reset()
  }
  loop.enable()
  const ticking = setInterval(tick, TICK_MS)

  const relay: Relay = {
    configure: assignment => {
      const next = last.then(async () => {
        const wrong = await configureNow(assignment)
        problems = wrong
        tell({ on: 'configuration', says: wrong.length === 0 ? `Revision ${assignment.revision} is in force.` : `Revision ${assignment.revision} was not taken: ${wrong[0]?.pointer} ${wrong[0]?.says}`.slice(0, 400) })
        return wrong
      })
      last = next.catch(() => undefined)
      return next
    },
    presence: () => {
      if (parts === undefined || world === undefined) {
        const health = findingsOf(problems)
        return { state: stopped ? 'stopped' : 'starting', healthy: health.every(({ unhealthy }) => !unhealthy), findings: health, revision: 0, listeners: [], streams: { inbound: 0, outbound: 0, negotiating: 0 }, stanzas: NO_STANZAS, queued: { stanzas: 0, bytes: 0, oldestSeconds: 0 }, drains: [], secrets: {}, certificates: {} }
      }
      const { core, inbound, attachments, drains } = parts
      const listeners = [...inbound.listeners(), ...attachments.listeners()].slice(0, 200)
      const health: Findings = [...findingsOf(problems), ...listeners.filter(({ open }) => !open && asked?.spec.desired === 'running').map(({ zone, address, port }) => ({ what: 'listener' as const, unhealthy: true, says: `${address}:${port} of the zone ${zone} is not open` })), ...attachments.findings(), ...findings]
      const bytes = asked?.spec.limits?.queuedBytes ?? 64 * 1024 * 1024
      if (core.context.queuedBytes > bytes * 0.9) health.unshift({ what: 'memory', unhealthy: true, says: `${core.context.queuedBytes} bytes wait, of at most ${bytes}: new stanzas are returned` })
      if (lateMs > LATE_MS) health.unshift({ what: 'event-loop', unhealthy: true, says: `the process is ${Math.round(lateMs)} ms late (99 in 100 are less): it has more to do than one processor can` })
      const { streams, negotiating } = inbound.counts()
      return {
        state: stateOf(), healthy: health.every(({ unhealthy }) => !unhealthy), findings: health.slice(0, 16), revision: world.revision, listeners,
        streams: { inbound: streams - negotiating, outbound: waysOf(core, {}).length, negotiating: negotiating + core.dialing },
        stanzas: core.context.ledger.conservation(), queued: { stanzas: core.context.ledger.queued, bytes: core.context.queuedBytes, oldestSeconds: survey(core).oldestMs / 1000 },
        drains: drains.view(),
        secrets: Object.fromEntries([...world.zones.values()].map(({ name, secretPrint }) => [name, secretPrint])),
        certificates: Object.fromEntries([...world.certificateEnds].map(([domain, ends]) => [domain, new Date(ends).toISOString()])),
      }
    },
    act: async ({ act, stream, zone, ours, peer, seconds, after }) => {
      const { core, inbound, attachments, dial } = running(parts)
      const selection: Selection = { ...(zone === undefined ? {} : { zone }), ...(ours === undefined ? {} : { ours }), ...(peer === undefined ? {} : { peer }), ...(stream === undefined ? {} : { stream }) }
      const routes = core.selected(selection)
      switch (act) {
        case 'retry': {
          const targets = dial.forget(selection) + attachments.retry(selection)
          for (const route of routes) route.again()
          core.settled()
          if (routes.length === 0 && targets === 0) return { affected: 0, says: 'Nothing waits to be tried again.' }
          return { affected: routes.length, says: `${routes.length} routes are tried again now, and nothing that was remembered of their targets counts.` }
        }
        case 'close': {
          const closed = inbound.close(selection, 'reset', 'an operator closes the stream') + waysOf(core, selection).length + attachments.close(selection, 'reset', 'an operator closes the stream')
          for (const route of routes) route.release()
          if (closed === 0) return { affected: 0, says: stream === undefined ? 'No stream of this kind is open.' : `There is no stream ${stream}: look at the streams of the gateway for those that are open.` }
          return { affected: closed, says: `${closed} streams are closed; what is needed opens again.` }
        }
        case 'flush': {
          const held = routes.filter(({ queue }) => queue.stanzas > 0)
          const waiting = held.reduce((sum, { queue }) => sum + queue.stanzas, 0)
          for (const route of held) route.flush()
          core.settled()
          if (waiting === 0) return { affected: 0, says: 'Nothing waits.' }
          return { affected: waiting, says: `${waiting} stanzas of ${held.length} routes go out as soon as there is a stream; what comes after them waits again where it is held.` }
        }
        case 'drop': {
          const waiting = routes.reduce((sum, route) => sum + route.refuseAll('dropped'), 0)
          core.settled()
          if (waiting === 0) return { affected: 0, says: 'Nothing waits.' }
          return { affected: waiting, says: `${waiting} stanzas were returned to their senders; errors and results among them are gone.` }
        }
        case 'reload': {
          if (asked === undefined) throw nothing('configuration')
          const wrong = await relay.configure(asked)
          const [first] = wrong
          if (first !== undefined) throw new OperatorError('not-reloaded', `What the configuration refers to was not taken, and what was in force is: ${first.pointer}: ${first.says}`)
          return { affected: here().zones.size, says: 'Secrets, certificates and keys were read again.' }
        }
        case 'trace': {
          if (seconds !== undefined && seconds > MOST_TRACE_SECONDS) throw new OperatorError('too-long', `A trace lasts ${MOST_TRACE_SECONDS} seconds at most: ask for fewer, and again after that.`)
          if (seconds !== undefined) trace.start(selection, seconds)
          const { lines, next, left } = trace.read(after ?? (seconds === undefined ? 0 : trace.next))
          return { affected: lines.length, says: left > 0 ? `It is recorded for ${left} seconds more.` : 'Nothing is recorded at this moment.', lines, next }
        }
        default: return act satisfies never
      }
    },
    streams: ({ most = MOST, ...selection }) => {
      const views = allStreams(running(parts), selection)
      return { streams: views.slice(0, most), all: views.length }
    },
    queues: ({ most = MOST, ...selection }) => {
      const { core } = running(parts)
      const views: QueueView[] = core.selected(selection).filter(route => route.queue.stanzas > 0 || route.failure !== undefined || route.way !== undefined).map(route => queueView(route, clock.elapsed()))
      return { queues: views.toSorted((a, b) => b.stanzas - a.stanzas).slice(0, most), all: views.length }
    },
    explain: async pair => {
      const all = running(parts)
      const { core, attachments, dial } = all
      return explainRoute(pair, {
        gateway, world: here(), now: clock.now(), elapsed: clock.elapsed(),
        routeOf: (zone, { from, to }) => core.routes.get(keyOf(zone, { from, to })),
        hasComponent: (zone, of) => attachments.out(zone, of) !== undefined || attachments.expects(zone, of) !== undefined,
        plan: request => dial.plan(request),
        streams: sides => allStreams(all, sides),
      })
    },
    stop: async at => {
      await last
      stopped = true
      if (parts !== undefined && asked !== undefined && world !== undefined) {
        const { core, inbound, attachments, drains } = parts
        inbound.drain()
        const seconds = asked.spec.drainSeconds ?? 30
        const wish = (of: number): Wish[] => [{ scope: 'gateway', selection: {}, seconds: of }]
        drains.follow(wish(at?.aborted === true ? 0 : seconds))
        const hurry = () => drains.follow(wish(0))
        at?.addEventListener('abort', hurry, { once: true })
        await untilOver(drains)
        at?.removeEventListener('abort', hurry)
        // A peer that takes one byte now and then is not waited for without end.
        const late = AbortSignal.timeout(STOP_MS)
        const now = at === undefined ? late : AbortSignal.any([at, late])
        await Promise.all([inbound.stop(now), core.stop('draining', now)])
        await attachments.stop(now)
        parts.facts.last()
        parts.measure()
      }
      clearInterval(ticking)
      loop.disable()
    },
  }
  return relay

  function stateOf (): GatewayPresence['state'] {
    if (!stopped && asked?.spec.desired === 'running') return 'running'
    return parts?.drains.isOver('gateway') === true ? 'stopped' : 'draining'
  }
}

/** A turn ends when all that can be read now has been read; in a rush of small ones, once a millisecond: what comes alone is not kept waiting. */
function createTurns (clock: Clock): (flush: () => void) => void {
  let ended = -Infinity
  return flush => {
    const end = () => {
      ended = clock.elapsed()
      flush()
    }
    if (clock.elapsed() - ended < TURN_MS) setTimeout(end, TURN_MS)
    else setImmediate(end)
  }
}

async function untilOver (drains: Drains): Promise<void> {
  while (!drains.isOver('gateway')) await new Promise(resolve => { setTimeout(resolve, TICK_MS) })
}

function running (parts: Parts | undefined): Parts {
  if (parts === undefined) throw new OperatorError('not-configured', 'This gateway has no configuration yet: give it one, or look at its health for what is wrong with the one that it was given.')
  return parts
}

function nothing (of: string): OperatorError {
  return new OperatorError('nothing-selected', `There is no ${of} of this kind here: look at the streams and queues of the gateway for what there is.`)
}

/** Of the streams out that are selected, each once; those that their peers have opened are with the inbound ones. */
function waysOf (core: Core, selection: Selection) {
  return [...new Set(core.selected(selection).flatMap(({ way }) => way === undefined || way.out.by === 'component' || way.out.by === 'bidi' ? [] : [way.out]))]
}

function allStreams ({ core, inbound, attachments }: Parts, selection: Selection): StreamView[] {
  return [...inbound.select(selection), ...waysOf(core, selection).map(out => out.view()), ...attachments.select(selection)]
}

function findingsOf (problems: readonly ConfigurationProblem[]): Findings {
  return problems.slice(0, 8).map(({ pointer, says }) => ({ what: 'configuration', unhealthy: true, says: `${pointer}: ${says}`.slice(0, 400) }))
}

const NO_STANZAS: GatewayPresence['stanzas'] = { accepted: 0, outcomes: { acknowledged: 0, written: 0, 'unknown-fate': 0, bounced: 0, expired: 0, 'dropped-by-rule': 0 }, queued: 0, onStream: 0, retried: 0 }
