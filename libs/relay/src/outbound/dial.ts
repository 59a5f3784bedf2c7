/** Opening streams: one attempt for one pair, over all targets of the peer, to an authenticated way out or the reason why there is none. */
import type { RouteExplanation } from '@dialtone/contracts'
import { canonicalDomain, type DialbackAnswer, type Pair, type Plan } from '@dialtone/stream'
import { reportFault } from '../faults.ts'
import type { Dial, DialRequest, Intake, Selection, Surroundings, World, Zone } from '../seams.ts'
import { createBadTargets, type BadTargets } from './bad-targets.ts'
import { ofFailure, ofNoTargets, ofNoWay, type Lost } from './failures.ts'
import { LIMITS, type OutboundLimits, type Weakened } from './limits.ts'
import { dialsTotal, outboundAuthenticated, outboundClosed, outboundTls } from './metrics.ts'
import { negotiate } from './negotiate.ts'
import { Stream } from './out-stream.ts'
import { names } from './own-certificate.ts'
import { createSharing, type Opened } from './sharing.ts'
import { findTargets, nameOf } from './targets.ts'
import { walk, type Attempt } from './walk.ts'
import { createWheel } from './wheel.ts'
import { Wire } from './wire.ts'

export type OutboundOptions = {
  /** Takes the stanzas of bidirectional streams (XEP-0288); without it none is asked for. */
  intake?: Intake
  /** Whether a key is ours that the peer of such a stream asks about; without it none is known. `remote` is address:port. */
  asked?: (question: { zone: Zone, pair: Pair, id: string, key: string, address: string, remote: string }) => DialbackAnswer
  limits?: Partial<OutboundLimits>
  /** What dialing and verifying both remember; give it to both. */
  badTargets?: BadTargets
  /** For tests alone. */
  weakened?: Weakened
}

export type Dialing = Dial & {
  /** What would be tried, in which order, and why; asks DNS, connects to nobody. Ends within ten seconds. */
  plan: (request: Omit<DialRequest, 'signal' | 'step'>) => Promise<Pick<RouteExplanation['way'], 'targets'> & { failed?: Lost['failed'] }>
  /** The operator wants it tried now: what was remembered as bad is not any more. Returns how many targets that were. */
  forget: (selection: Selection) => number
  readonly badTargets: BadTargets
}

const PLAN_MS = 10_000
const IDLE_SECONDS = 900
const STANZA_BYTES = 262_144

export function createDial (surroundings: Surroundings, options: OutboundOptions = {}): Dialing {
  const { clock, random, meter, tell: announce } = surroundings
  const limits = { ...LIMITS, ...options.limits }
  const weakened = options.weakened ?? {}
  const badTargets = options.badTargets ?? createBadTargets(surroundings, limits)
  const wheel = createWheel(limits.tickMs)
  const sharing = createSharing()
  const finding = { badTargets, random, limits, weakened }
  const idOf = () => Buffer.from(random.bytes(9)).toString('base64url')

  const dial: Dial = async request => {
    const { zone, pair, step, signal, ...wanted } = request
    const refused = problemOf(request)
    const alone = () => walk<Stream>({ ...wanted, ...finding, zone, domain: pair.to, clock, meter, step, signal, attempt: attempt => open(attempt, request) })
    const result: Opened & { joined?: true } = refused !== undefined ? { lost: refused } : await sharing.open(request, alone)
    if ('won' in result && result.joined === true) {
      const { id } = result.won
      step({ step: 'ready', outcome: 'ok', says: `The pair is authenticated on the stream ${id}, which others use, too.` })
      announce({ on: 'stream-opened', zone: zone.name, from: pair.from, to: pair.to, stream: id, says: `A stream to ${pair.to} takes stanzas of ${pair.from}, too, authenticated by dialback.` })
    }
    if ('won' in result && signal.aborted) {
      if (result.joined !== true) result.won.close()
      meter.add(dialsTotal, { zone: zone.name, outcome: 'cancelled' })
      return { failed: { reason: 'internal-fault', says: 'The attempt was given up here before it ended.', temporary: true, failure: { at: 'probe', why: 'cancelled' } } }
    }
    meter.add(dialsTotal, { zone: zone.name, outcome: 'won' in result ? 'ready' : 'cancelled' in result ? 'cancelled' : result.lost.failed.reason })
    if ('won' in result) return { stream: result.won }
    step({ step: 'failed', outcome: 'failed', says: result.lost.failed.says })
    return { failed: result.lost.failed }
  }

  async function open ({ target, connected: { connection, address, abandon }, deadline, tell, measured, signal }: Attempt, { zone, pair, leg, lang }: DialRequest): Promise<{ won: Stream } | { lost: Lost }> {
    const world = surroundings.world()
    const { limits: configured = {} } = world.assignment.spec
    const fault = (error: unknown) => reportFault(surroundings, 'outbound', error)
    const id = idOf()
    const wire = new Wire(connection, { event: () => undefined }, fault, { of: { id, zone: zone.name, pairs: [pair], names: undefined }, trace: surroundings.tracing })
    const certificate = zone.certificateFor(pair.from)
    let stream: Stream | undefined
    const outcome = await negotiate(wire, {
      plan: planFor(target.kind, { pair, leg, zone }), pair, ...(lang === undefined ? {} : { lang }), keys: zone.keys, anchors: anchorsFor(world, zone, pair), leg, certificate, limits, weakened, clock, deadline, tell, measured, signal,
      judged: ({ is }, protocol) => meter.add(outboundTls, { zone: zone.name, protocol: PROTOCOLS.includes(protocol) ? protocol : 'other', verdict: is }),
      established: (state, commands, seen) => {
        const [least, most] = limits.keepAliveMs
        const idle = seen.features?.limits?.idleSeconds
        const about = { zone: zone.name, from: pair.from, to: pair.to, stream: id, remote: `${address.includes(':') ? `[${address}]` : address}:${target.port}` }
        stream = new Stream(wire, state, commands, {
          id, zone: zone.name, pair, lang, keys: zone.keys, remote: about.remote, seen, intake: options.intake,
          asked: question => options.asked?.({ zone, ...question, address, remote: about.remote }) ?? { type: 'error', condition: 'item-not-found' }, stanzaBytes: configured.stanzaBytes ?? STANZA_BYTES,
          idleMs: (configured.idleSeconds ?? IDLE_SECONDS) * 1000, keepAliveMs: Math.min(least + (most - least) * (random.bytes(1)[0] ?? 0) / 256, idle === undefined ? most : Math.max(5000, idle * 800)), limits, weakened, clock, wheel, fault,
          closed: (how, because) => {
            meter.add(outboundClosed, { zone: zone.name, how })
            announce({ on: 'stream-closed', ...about, says: because === undefined ? `The stream to ${pair.to} ended (${how}).` : `The stream to ${pair.to} ended (${how}): ${because.at} ${because.why}.` })
          },
        })
        meter.add(outboundAuthenticated, { zone: zone.name, by: state.by })
        announce({ on: 'stream-opened', ...about, says: `A stream to ${pair.to} is authenticated by ${state.by}${seen.tls === undefined ? ', without TLS' : ` over ${seen.tls.protocol}, certificate ${seen.verdict?.is ?? 'none'}`}.` })
      },
    })
    if (stream === undefined) {
      // Whoever gave the attempt up does not wait for a goodbye.
      if (signal.aborted) abandon.abort()
      return typeof outcome === 'object' && 'lost' in outcome ? outcome : { lost: ofNoWay('The stream was not authenticated.') }
    }
    await stream.ready()
    if (!stream.open) return { lost: ofFailure(stream.because ?? { at: 'stream', why: 'ended', received: connection.received }, { at: 'negotiating', said: stream.because?.at === 'stream' && stream.because.why === 'stream-error' }) }
    tell('ready', 'ok', `The stream is authenticated by ${stream.by}.`)
    return { won: stream }
  }

  /** What cannot be, whatever the peer does. */
  function problemOf ({ pair, leg, zone }: DialRequest): Lost | undefined {
    if (canonicalDomain(pair.to) !== pair.to) return ofNoTargets('domain-invalid', 'The address has no domain that could be looked up.')
    return methodsFor({ pair, leg, zone }).length > 0 ? undefined : ofNoWay(`There is no way to authenticate as ${pair.from}: dialback is not allowed, and there is no certificate for it or none may be used.`)
  }

  function planFor (kind: Plan['kind'], given: Pick<DialRequest, 'pair' | 'leg' | 'zone'>): Plan {
    const { pair, leg } = given
    return {
      kind, pair, tls: leg.tls === 'none' ? 'never' : leg.tls === 'required' && weakened.stripped !== true ? 'insist' : 'offered', authenticate: methodsFor(given), certificate: leg.certificate === 'any' ? 'any' : 'valid',
      bidi: leg.bidi && options.intake !== undefined, streamManagement: leg.streamManagement, ...(weakened.externalInClear === true ? { externalInClear: true } : {}),
    }
  }

  return Object.assign(dial, {
    badTargets,
    forget: ({ zone, peer }: Selection) => badTargets.forget(zone, peer),
    plan: async ({ zone, pair, ...wanted }: Omit<DialRequest, 'signal' | 'step'>) => {
      try {
        const found = await findTargets({ ...wanted, zone, domain: pair.to }, finding, AbortSignal.timeout(PLAN_MS))
        const skipped = found.skipped.map(({ target, says }) => ({ target: target.slice(0, 300), kind: 'skipped', says: says.slice(0, 300) }))
        if ('lost' in found) return { targets: skipped, failed: found.lost.failed }
        return { targets: [...found.targets.map(target => ({ target: nameOf(target).slice(0, 300), kind: target.kind, says: saysOf(target, found.by) })), ...skipped].slice(0, 100) }
      } catch {
        return { targets: [], failed: ofNoTargets('dns-failed', `The resolver did not say where ${pair.to} is within ${PLAN_MS / 1000} seconds.`).failed }
      }
    },
  })
}

/** Of the closed set of versions that are spoken here. */
const PROTOCOLS: readonly string[] = ['TLSv1.2', 'TLSv1.3']

/** Those of the policy for a foreign peer; inside, those of the zone. */
export function anchorsFor (world: World, zone: Zone, { from, to }: Pair): Zone['anchors'] {
  return zone.side === 'external' ? world.anchorsFor(world.decide({ ours: from, peer: to }, 'outbound')) : zone.anchors
}

/** EXTERNAL needs a certificate that names us: inside, another may be shown, which proves nothing. */
function methodsFor ({ pair, leg, zone }: { pair: DialRequest['pair'], leg: DialRequest['leg'], zone: Zone }): ('external' | 'dialback')[] {
  return [...(leg.external && names(zone.certificateFor(pair.from), pair.from) ? ['external' as const] : []), ...(leg.dialback === 'never' ? [] : ['dialback' as const])]
}

function saysOf ({ addresses, priority, weight, waitsMs }: { addresses: readonly string[], priority?: number, weight?: number, waitsMs?: number }, by: 'records' | 'fallback' | 'given'): string {
  const place = by === 'given' ? 'Configured' : by === 'fallback' ? 'Address of the domain' : `Priority ${priority ?? 0}, weight ${weight ?? 0}`
  return `${place}; ${addresses.join(', ')}${waitsMs === undefined ? '' : `; failed lately, and is tried last for ${Math.ceil(waitsMs / 1000)} s`}.`.slice(0, 300)
}
