/**
 * What attaches inside servers besides streams between servers (gateways.md §6): the DNS responder of each internal zone, components that come to us, and us as the component
 * of foreign domains. One configuration for all of them: it is taken whole, or nothing of it.
 */
import type { GatewayPresence, StreamCondition, StreamView } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import type { Pair } from '@dialtone/stream'
import type { AwaitedComponent, ConfigurationProblem, Intake, OutStream, Selection, Surroundings, World, Zone } from '../seams.ts'
import { ACCEPT_LIMITS, createAcceptor, type AcceptLimits, type AcceptSpec, type Acceptor } from './component/accept.ts'
import { CONNECT_LIMITS, startConnector, type ConnectLimits, type ConnectSpec, type Connector } from './component/connect.ts'
import { STREAM_LIMITS, type ComponentStream } from './component/stream.ts'
import { startResponder, type Responder, type ResponderOptions } from './dns/responder.ts'

export type AttachmentOptions = Surroundings & {
  intake: Intake
  limits?: Partial<AcceptLimits & ConnectLimits> & { tickMs?: number, responder?: ResponderOptions['limits'] }
}
/** A component's stream, and which pairs of a zone may leave on it. */
export type OutHeard = { zone: string, out: OutStream, takes: (pair: Pair) => boolean }
export type Attachments = {
  /** Takes what `world` says of responders and components, live; default the world at this moment. Resolves with what is wrong, and then nothing has changed. Not to be called again before. */
  configure: (world?: World) => Promise<readonly ConfigurationProblem[]>
  /** The stream of a component on which stanzas of the pair leave in that zone. */
  out: (zone: string, pair: Pair) => OutStream | undefined
  /** The component that is configured for such a pair, which so waits for nothing else. */
  expects: (zone: string, pair: Pair) => AwaitedComponent | undefined
  /** Hears of each stream when it is ready. */
  onOut: (hear: (heard: OutHeard) => void) => void
  select: (selection: Selection) => StreamView[]
  /** Closes the streams of the selection; how many. Those that we opened come again. */
  close: (selection: Selection, condition?: StreamCondition, text?: string) => number
  /** Connects at once where a pause would still last; how many. */
  retry: (selection: Selection) => number
  /** Takes and opens no new stream until the next `configure`, and closes those that there are; resolves when they have ended. The responders go on. */
  drain: () => Promise<void>
  listeners: () => GatewayPresence['listeners']
  findings: () => GatewayPresence['findings']
  /** Ends everything, at once when `at` aborts. */
  stop: (at?: AbortSignal) => Promise<void>
}

const DEFAULT_STANZA_BYTES = 262_144

type Plan = { responders: Map<string, Zone>, acceptors: Map<string, AcceptSpec>, connectors: Map<string, ConnectSpec>, pointers: Map<string, string> }

export function startAttachments (options: AttachmentOptions): Attachments {
  const { clock, random, meter, logger } = options
  const limits = { ...STREAM_LIMITS, ...ACCEPT_LIMITS, ...CONNECT_LIMITS, ...options.limits }
  const responders = new Map<string, { responder: Responder, zone: Zone }>()
  const acceptors = new Map<string, { acceptor: Acceptor, spec: AcceptSpec }>()
  const connectors = new Map<string, Connector>()
  const streams = new Set<ComponentStream>()
  const hearing: ((heard: OutHeard) => void)[] = []
  const ending = new Set<Promise<void>>()
  let ids = 0

  const nextId = () => `component-${++ids}`
  /** Whether a component of that domain comes to us: nobody else has it, not a server either of which we are a component. */
  const comes = (zone: string, domain: string) => acceptors.get(zone)?.spec.secrets.has(domain) === true
  const takes = (stream: ComponentStream, pair: Pair) => stream.takes(pair) && (stream.mode === 'accept' || !comes(stream.zone, pair.to))
  const heard = (stream: ComponentStream) => {
    streams.add(stream)
    void stream.ended.finally(() => streams.delete(stream))
    // When who asked for it has returned: nobody writes to a stream in the middle of its first chunk.
    queueMicrotask(() => {
      try {
        for (const hear of hearing) hear({ zone: stream.zone, out: stream, takes: pair => takes(stream, pair) })
      } catch (error) {
        stream.fault(error)
      }
    })
  }
  const selected = (selection: Selection) => [...streams].filter(stream => isSelected(stream, selection))
  const ticking = setInterval(() => {
    for (const stream of streams) {
      try { stream.tick() } catch (error) { stream.fault(error) }
    }
  }, limits.tickMs ?? 5000)
  ticking.unref()

  const stopConnector = (key: string) => {
    const stopped = connectors.get(key)?.stop()
    connectors.delete(key)
    if (stopped === undefined) return
    ending.add(stopped)
    void stopped.finally(() => ending.delete(stopped))
  }

  const open = async (plan: Plan): Promise<ConfigurationProblem[]> => {
    const undo: (() => Promise<void>)[] = []
    const problems: ConfigurationProblem[] = []
    const tryTo = async (pointer: string, act: () => Promise<() => Promise<void>>): Promise<void> => {
      try {
        undo.push(await act())
      } catch (error) {
        if (!(error instanceof OperatorError)) throw error
        problems.push({ pointer, says: error.message.replace(', or name another with --listen', ', or name another') })
      }
    }
    for (const [name, zone] of plan.responders) {
      const known = responders.get(name)
      const spec = zone.spec.responder
      if (spec === undefined) continue
      await tryTo(plan.pointers.get(`responder ${name}`) ?? '', async () => {
        if (known === undefined) {
          const responder = await startResponder({ zone: name, spec, ours: domain => options.world().zoneOf(domain) !== undefined, clock, random, meter, logger, ...(options.limits?.responder === undefined ? {} : { limits: options.limits.responder }) })
          responders.set(name, { responder, zone })
          return async () => {
            responders.delete(name)
            await responder.stop()
          }
        }
        await known.responder.configure(spec)
        responders.set(name, { ...known, zone })
        return async () => {
          responders.set(name, known)
          await known.responder.configure(known.zone.spec.responder as NonNullable<typeof spec>)
        }
      })
    }
    for (const [name, spec] of plan.acceptors) {
      const known = acceptors.get(name)
      await tryTo(plan.pointers.get(`accept ${name}`) ?? '', async () => {
        const acceptor = known?.acceptor ?? createAcceptor(options, limits, heard, nextId)
        await acceptor.configure(spec)
        acceptors.set(name, { acceptor, spec })
        return async () => {
          if (known === undefined) {
            acceptors.delete(name)
            await acceptor.stop()
          } else {
            acceptors.set(name, known)
            await acceptor.configure(known.spec)
          }
        }
      })
    }
    if (problems.length > 0) for (const back of undo.toReversed()) await back()
    return problems
  }

  return {
    configure: async (world = options.world()) => {
      const planned = planOf(world)
      if ('problems' in planned) return planned.problems
      const { plan } = planned
      const problems = await open(plan)
      if (problems.length > 0) return problems
      for (const [name, { responder }] of responders) {
        if (plan.responders.has(name)) continue
        responders.delete(name)
        await responder.stop()
      }
      for (const [name, { acceptor, spec }] of acceptors) {
        if (plan.acceptors.has(name)) continue
        acceptors.delete(name)
        await acceptor.configure({ ...spec, listen: [], secrets: new Map() })
      }
      for (const [key, { spec }] of connectors) if (!isSame(spec, plan.connectors.get(key))) stopConnector(key)
      for (const [key, spec] of plan.connectors) {
        if (!connectors.has(key)) connectors.set(key, startConnector(spec, options, limits, heard, nextId))
      }
      return []
    },
    out: (zone, pair) => [...streams].find(stream => stream.zone === zone && takes(stream, pair)),
    expects: (zone, { from, to }) => comes(zone, to) ? 'server' : connectors.has(`${zone} ${from}`) ? 'peer' : undefined,
    onOut: hear => { hearing.push(hear) },
    select: selection => selected(selection).map(stream => stream.view()),
    close: (selection, condition, text) => {
      const those = selected(selection)
      for (const stream of those) stream.close(condition, text)
      return those.length
    },
    retry: ({ zone, ours, peer, stream }) => {
      const those = [...connectors.values()].filter(({ spec, state }) => state === 'waiting' && ours === undefined && stream === undefined && (zone ?? spec.zone.name) === spec.zone.name && (peer ?? spec.domain) === spec.domain)
      for (const connector of those) connector.retry()
      return those.length
    },
    drain: async () => {
      for (const key of connectors.keys()) stopConnector(key)
      await Promise.all([...acceptors.values()].map(({ acceptor, spec }) => acceptor.configure({ ...spec, listen: [] })))
      const those = [...streams]
      for (const stream of those) stream.close()
      await Promise.all([...those.map(stream => stream.ended), ...ending])
    },
    listeners: () => [
      ...[...responders].flatMap(([zone, { responder }]) => responder.listening.map(({ address, port }) => ({ zone, address, port, kind: 'dns' as const, open: true }))),
      ...[...acceptors].flatMap(([zone, { acceptor }]) => acceptor.listening.map(({ address, port }) => ({ zone, address, port, kind: 'component' as const, open: true }))),
    ],
    findings: () => {
      const down = [...connectors.values()].filter(({ state }) => state !== 'ready')
      const [first] = down
      if (first === undefined) return []
      const more = down.length === 1 ? '' : `, and ${down.length - 1} more`
      return [{ what: 'component', unhealthy: false, says: `not attached to the inside server as ${first.spec.domain}${more}: ${first.failure ?? 'connecting'}`.slice(0, 400) }]
    },
    stop: async at => {
      clearInterval(ticking)
      for (const key of connectors.keys()) stopConnector(key)
      const those = [...streams]
      for (const stream of those) stream.close('system-shutdown')
      const abort = () => { for (const stream of those) stream.abort() }
      at?.addEventListener('abort', abort, { once: true })
      if (at?.aborted === true) abort()
      await Promise.all([...those.map(stream => stream.ended), ...ending])
      at?.removeEventListener('abort', abort)
      await Promise.all([...[...acceptors.values()].map(({ acceptor }) => acceptor.stop()), ...[...responders.values()].map(({ responder }) => responder.stop())])
      acceptors.clear()
      responders.clear()
    },
  }
}

/** What a world asks for, or what is wrong with it. */
function planOf (world: World): { plan: Plan } | { problems: ConfigurationProblem[] } {
  const plan: Plan = { responders: new Map(), acceptors: new Map(), connectors: new Map(), pointers: new Map() }
  const problems: ConfigurationProblem[] = []
  const stanzaBytes = world.assignment.spec.limits?.stanzaBytes ?? DEFAULT_STANZA_BYTES
  for (const [index, { name }] of (world.assignment.spec.zones ?? []).entries()) {
    const zone = world.zones.get(name)
    if (zone === undefined || zone.spec.desired === 'stopped') continue
    const { responder, components } = zone.spec
    const base = `/spec/zones/${index}`
    if (zone.side === 'external' && (responder !== undefined || components !== undefined)) {
      problems.push({ pointer: `${base}/${responder === undefined ? 'components' : 'responder'}`, says: 'inside servers attach to an internal zone: give this to one' })
      continue
    }
    if (responder !== undefined) {
      plan.responders.set(name, zone)
      plan.pointers.set(`responder ${name}`, `${base}/responder`)
    }
    if (components?.accept !== undefined) {
      const at = `${base}/components/accept`
      const secrets = new Map<string, Buffer>()
      for (const [domain, reference] of Object.entries(components.accept.domains)) {
        const pointer = `${at}/domains/${domain.replaceAll('~', '~0').replaceAll('/', '~1')}`
        if (world.zoneOf(domain)?.name !== name) problems.push({ pointer, says: `${domain} is no domain of this zone, and a component serves one: add it to the domains of the zone` })
        secrets.set(domain, Buffer.from(zone.componentSecret(reference)))
      }
      plan.acceptors.set(name, { zone: name, listen: components.accept.listen, from: zone.spec.from, secrets, stanzaBytes })
      plan.pointers.set(`accept ${name}`, `${at}/listen`)
    }
    for (const [number, { domain, to, secret: reference }] of (components?.connect ?? []).entries()) {
      const at = `${base}/components/connect/${number}`
      const key = `${name} ${domain}`
      if (world.zoneOf(domain) !== undefined) problems.push({ pointer: `${at}/domain`, says: `${domain} is a domain of ours, and is served inside: we attach as foreign domains alone` })
      if (plan.connectors.has(key)) problems.push({ pointer: `${at}/domain`, says: `${domain} is attached already in this zone: one stream carries it to one server` })
      plan.connectors.set(key, { zone, domain, to, secret: Buffer.from(zone.componentSecret(reference)), stanzaBytes })
    }
  }
  return problems.length > 0 ? { problems } : { plan }
}

function isSame (a: ConnectSpec, b: ConnectSpec | undefined): boolean {
  return b !== undefined && a.to.host === b.to.host && a.to.port === b.to.port && a.secret.equals(b.secret) && a.stanzaBytes === b.stanzaBytes && a.zone.spec.sourceAddress === b.zone.spec.sourceAddress
}

/** A component that came to us is of ours, one that we are is a peer. */
function isSelected (each: ComponentStream, { zone, ours, peer, stream }: Selection): boolean {
  if ((zone ?? each.zone) !== each.zone || (stream ?? each.id) !== each.id) return false
  return each.mode === 'accept' ? peer === undefined && (ours ?? each.domain) === each.domain : ours === undefined && (peer ?? each.domain) === each.domain
}
