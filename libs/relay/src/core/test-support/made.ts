/** A core in a world of fakes: a clock that is turned by hand, streams that do what the test says, and a true policy table. */
import type { GatewayAssignment, StreamCondition } from '@dialtone/contracts'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { compilePolicy, legOfZone } from '@dialtone/routing'
import { AFTER_AUTHENTICATION, createFramer, type ElementFrame, type HeaderFrame, type Pair } from '@dialtone/stream'
import type { DialFailure, DialRequest, Lane, OutStream, Source, World, Zone } from '../../seams.ts'
import { Core, TICK_MS, type CoreOptions } from '../core.ts'

export type FakeClock = { now: () => number, elapsed: () => number, pass: (ms: number) => void }

export function fakeClock (): FakeClock {
  let elapsed = 1000
  return { now: () => 1_800_000_000_000 + elapsed, elapsed: () => elapsed, pass: ms => { elapsed += ms } }
}

/** A number from 0 up to 1, the same ones for the same seed (mulberry32). */
export function seeded (seed: number): () => number {
  let state = seed | 0
  return () => {
    state = state + 0x6D2B79F5 | 0
    let t = Math.imul(state ^ state >>> 15, 1 | state)
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
    return ((t ^ t >>> 14) >>> 0) / 4_294_967_296
  }
}

type Spec = GatewayAssignment['spec']
export type Configured = { spec?: Partial<Spec>, policies?: GatewayAssignment['policies'], routes?: GatewayAssignment['routes'] }

/** `inside.example` and what is below it are inside; everything else is foreign. */
export function assignmentOf ({ spec = {}, policies = {}, routes = {} }: Configured = {}): GatewayAssignment {
  return {
    v: 1, revision: 1, gateway: 'g', policies, routes, peers: {}, domains: { 'inside.example': { internal: [{ host: '127.0.0.1', port: 5269 }] } },
    spec: {
      desired: 'running', host: 'gateway.example',
      zones: [{ name: 'outside', side: 'external', listen: [] }, { name: 'inside', side: 'internal', listen: [], domains: ['inside.example', '*.inside.example'] }],
      ...spec,
    },
  }
}

export function worldOf (assignment: GatewayAssignment, clock: FakeClock): World {
  const table = compilePolicy(assignment)
  const zones = new Map((assignment.spec.zones ?? []).map(spec => [spec.name, { name: spec.name, side: spec.side, spec, leg: legOfZone(spec), allowNets: [] } as unknown as Zone]))
  const world: Partial<World> = {
    revision: assignment.revision, assignment, zones,
    external: [...zones.values()].find(({ side }) => side === 'external'),
    zoneOf: domain => zones.get(table.zoneOf(domain) ?? ''),
    decide: (sides, direction) => table.decide(sides, direction, clock.now()),
    wayTo: table.wayTo,
    allowNetsFor: () => [],
  }
  return world as World
}

/** A way out whose peer is the test. What it has received is in `received`. */
export class FakeStream implements OutStream {
  readonly id: string
  readonly pair: Pair
  by: OutStream['by'] = 'dialback'
  /** Told of each that was received. */
  heard: ((text: string) => void) | undefined
  lang: string | undefined
  maxBytes: number | undefined
  drained: (() => void) | undefined
  acknowledged: number | undefined
  acked: (() => void) | undefined
  ending: (() => void) | undefined
  readonly ended: Promise<{ clean: boolean }>
  readonly received: string[] = []
  writes = 0
  closed: StreamCondition | 'closed' | undefined
  over = false
  /** The peer does not read. */
  slow = false
  tls: string | undefined = 'TLSv1.3'
  private collected: string[] = []
  private pending: string[] = []
  private resolve: (how: { clean: boolean }) => void = () => undefined

  constructor (pair: Pair, id = 'stream') {
    this.id = id
    this.pair = pair
    this.ended = new Promise(resolve => { this.resolve = resolve })
  }

  write (data: Uint8Array, start: number, end: number): void {
    if (this.over) return
    this.collected.push(new TextDecoder().decode(data.subarray(start, end)))
  }

  flush (): void {
    if (this.over || this.collected.length === 0) return
    this.writes++
    this.pending.push(...this.collected)
    this.collected = []
    if (!this.slow) this.take(Infinity)
  }

  get open (): boolean { return !this.over }

  get unsent (): number { return this.pending.reduce((sum, text) => sum + text.length, 0) }

  /** The peer reads so many. */
  take (most: number): void {
    const had = this.pending.length
    for (const text of this.pending.splice(0, most)) {
      this.received.push(text)
      this.heard?.(text)
    }
    if (had > 0 && this.pending.length === 0) this.drained?.()
  }

  ack (count: number): void {
    if (this.acknowledged === undefined) return
    this.acknowledged = Math.min(this.received.length, this.acknowledged + count)
    this.acked?.()
  }

  close (condition?: StreamCondition): void {
    this.closed ??= condition ?? 'closed'
  }

  abort (): void {
    this.finish(false)
  }

  /** Ends it: cleanly, everything has arrived; broken, the peer has what it had read. */
  finish (clean: boolean): void {
    if (this.over) return
    if (clean) {
      this.flush()
      this.slow = false
      this.take(Infinity)
    }
    this.over = true
    this.resolve({ clean })
  }

  view (): ReturnType<OutStream['view']> {
    return { id: this.id, zone: 'outside', direction: 'outbound', state: 'ready', remote: '', pairs: [], since: '', ...(this.tls === undefined ? {} : { tls: this.tls }), bidi: false, stanzas: { in: 0, out: 0 }, bytes: { in: 0, out: 0 }, paused: false }
  }
}

export class FakeSource implements Source {
  readonly id = 'source'
  readonly zone: string
  readonly lang: string | undefined
  header!: HeaderFrame
  pauses = 0
  closed: string | undefined
  private readonly core: Core
  private taker: ((frame: ElementFrame) => void) | undefined
  private readonly lanes: { pair: Pair, lane: Lane }[] = []
  private readonly framer = createFramer({ limits: { ...AFTER_AUTHENTICATION, elementBytes: 1_000_000 } }, {
    header: header => { this.header = header },
    element: frame => this.taker === undefined ? this.lanes.find(({ pair }) => pair.from === domain(frame.from) && pair.to === domain(frame.to))?.lane.accept(frame) : this.taker(frame),
    end: () => undefined,
    error: ({ detail }) => { throw new Error(detail) },
  })

  constructor (core: Core, zone: string, header = '<stream:stream xmlns=\'jabber:server\' xmlns:stream=\'http://etherx.jabber.org/streams\'>', lang?: string) {
    this.core = core
    this.zone = zone
    this.lang = lang
    this.framer.write(new TextEncoder().encode(header))
  }

  lane (pair: Pair): Lane {
    const lane = this.core.lane(this, pair)
    this.lanes.push({ pair, lane })
    return lane
  }

  send (...stanzas: string[]): void {
    this.framer.write(new TextEncoder().encode(stanzas.join('')))
    this.core.settled()
  }

  /** To whoever takes it instead of a lane. */
  sendTo (taker: (frame: ElementFrame) => void, stanza: string): void {
    this.taker = taker
    this.send(stanza)
    this.taker = undefined
  }

  pause (): void { this.pauses++ }
  resume (): void { this.pauses-- }
  close (condition: StreamCondition): void { this.closed = condition }
}

function domain (jid: string | undefined): string {
  return (jid ?? '').split('/', 1)[0]?.replace(/^.*@/, '').toLowerCase() ?? ''
}

/** An attempt that the test ends. */
export type Dialing = { request: DialRequest, succeed: (change?: (stream: FakeStream) => void) => Promise<FakeStream>, fail: (failed: DialFailure) => Promise<void>, /** The pair is authenticated on a stream that others use, too. */ join: (stream: FakeStream) => Promise<void> }

export function made (configured: Configured = {}, options: Partial<CoreOptions> & { seed?: number } = {}) {
  const clock = fakeClock()
  const random = seeded(options.seed ?? 1)
  let world = worldOf(assignmentOf(configured), clock)
  const dialings: Dialing[] = []
  let streams = 0
  const core = new Core({
    world: () => world, clock, random: { bytes: count => Uint8Array.from({ length: count }, () => Math.floor(random() * 256)) }, meter: NO_METER, logger: NO_LOGGER, tell: () => undefined,
    dial: request => new Promise(resolve => {
      dialings.push({
        request,
        succeed: async change => {
          const stream = new FakeStream(request.pair, `stream-${streams++}`)
          stream.lang = request.lang
          change?.(stream)
          resolve({ stream })
          await turn()
          return stream
        },
        join: async stream => {
          resolve({ stream })
          await turn()
        },
        fail: async failed => {
          resolve({ failed })
          await turn()
        },
      })
    }),
    ...options,
  })
  return {
    core, clock, dialings, random,
    ledger: core.context.ledger,
    configure: (change: Configured) => {
      world = worldOf(assignmentOf(change), clock)
      core.judge()
    },
    /** Time passes, and the clock ticks on the way. */
    pass: async (ms: number) => {
      for (let left = ms; left > 0; left -= TICK_MS) {
        clock.pass(Math.min(left, TICK_MS))
        core.tick()
      }
      await turn()
    },
  }
}

/** What was promised is told. */
export async function turn (): Promise<void> {
  for (let round = 0; round < 20; round++) await Promise.resolve()
}

export function message (from: string, to: string, id: number | string, rest = '<body>x</body>', type?: string): string {
  return `<message from='${from}' to='${to}' id='${id}'${type === undefined ? '' : ` type='${type}'`}>${rest}</message>`
}
