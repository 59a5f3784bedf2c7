// Attachments with a world of their own, an intake that keeps what it takes, and a component that speaks as it is told.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import type { ZoneSpec } from '@dialtone/contracts'
import { NO_LOGGER, type Meter } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import type { Intake, OutStream, World, Zone } from '../../seams.ts'
import { startAttachments, type AttachmentOptions, type Attachments } from '../attachments.ts'

export const SECRET = 'sixteen bytes or more'
export type Taken = { from: string, to: string, canonical: boolean, text: string }
export type Site = {
  attachments: Attachments
  taken: Taken[]
  ended: string[]
  outs: OutStream[]
  counted: Record<string, number>
  /** Domains of ours; changes count from the next stanza on. */
  inside: Set<string>
  /** Another configuration of the zone, taken whole or not at all. */
  configure: (spec: Partial<ZoneSpec>) => ReturnType<Attachments['configure']>
  /** Where components go. */
  place: () => { address: string, port: number }
  time: { elapsed: number }
}

export async function startSite (spec: Partial<ZoneSpec>, { inside = ['ours.example'], ...options }: Partial<AttachmentOptions> & { inside?: string[] } = {}): Promise<Site> {
  const counted: Record<string, number> = {}
  const meter: Meter = {
    add: ({ name }, labels = {}, by = 1) => {
      const key = `${name.replace('dialtone_component_', '').replace('_total', '')} ${Object.entries(labels).filter(([label]) => label !== 'zone').map(([, value]) => value).join(' ')}`
      counted[key] = (counted[key] ?? 0) + by
    },
    set: () => undefined, observe: () => undefined, remove: () => undefined,
  }
  const domains = new Set(inside)
  const [taken, ended, outs]: [Taken[], string[], OutStream[]] = [[], [], []]
  let now = worldOf(spec, domains)
  const time = { elapsed: 0 }
  const intake: Intake = {
    lane: (_, { from, to }) => ({
      from: Buffer.from(from), to: Buffer.from(to),
      accept: frame => taken.push({ from, to, canonical: frame.canonical, text: Buffer.from(frame.bytes).toString() }),
      end: () => ended.push(`${from} ${to}`),
    }),
    refuse: () => undefined,
    offer: () => undefined,
    settled: () => undefined,
  }
  const attachments = startAttachments({
    world: () => now, clock: { now: () => Date.now(), elapsed: () => time.elapsed }, random: RANDOM, meter, logger: NO_LOGGER, tell: () => undefined, intake,
    ...options,
    limits: { closeMs: 30, ...options.limits },
  })
  attachments.onOut(({ out }) => outs.push(out))
  const problems = await attachments.configure(now)
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  return {
    attachments, taken, ended, outs, counted, inside: domains, time,
    configure: async next => {
      const world = worldOf(next, domains)
      const found = await attachments.configure(world)
      if (found.length === 0) now = world
      return found
    },
    place: () => {
      const found = attachments.listeners().find(({ kind }) => kind === 'component')
      if (found === undefined) throw new Error('nothing listens')
      return found
    },
  }
}

function worldOf (given: Partial<ZoneSpec>, inside: ReadonlySet<string>): World {
  const spec: ZoneSpec = { name: 'inside', side: 'internal', listen: [], ...given }
  const componentSecret = (reference: string) => reference === 'env:secret' ? SECRET : reference
  const zone = { name: 'inside', side: spec.side, spec, componentSecret, allowNets: ['127.0.0.0/8'], resolver: { ask: () => Promise.reject(new Error('no name is asked for')) } } as unknown as Zone
  return { revision: 1, assignment: { spec: { zones: [spec] } }, zones: new Map([['inside', zone]]), zoneOf: (domain: string) => inside.has(domain) ? zone : undefined } as unknown as World
}

/** The other side of a stream: says text, and keeps what it hears. */
export class Talker {
  heard = ''
  closed = false
  readonly socket: Socket

  constructor (socket: Socket) {
    this.socket = socket
    socket.on('error', () => undefined).on('close', () => { this.closed = true })
    socket.setEncoding('utf8').on('data', (text: string) => { this.heard += text })
  }

  static async to ({ address, port }: { address: string, port: number }): Promise<Talker> {
    const socket = connect(port, address)
    await once(socket, 'connect')
    return new Talker(socket)
  }

  say (text: string): void { this.socket.write(text) }

  async hears (pattern: RegExp): Promise<RegExpExecArray> {
    for (const deadline = performance.now() + 8000; performance.now() < deadline;) {
      const found = pattern.exec(this.heard)
      if (found !== null) return found
      await new Promise(resolve => { setTimeout(resolve, 2) })
    }
    throw new Error(`did not hear ${String(pattern)}, but: ${this.heard}`)
  }
}

/** An inside server for our connections. */
export async function startServer (address: string): Promise<{ server: Server, port: number, next: () => Promise<Talker> }> {
  const server = createServer()
  const came: Talker[] = []
  server.on('connection', socket => came.push(new Talker(socket)))
  server.listen(0, address)
  await once(server, 'listening')
  return {
    server, port: (server.address() as AddressInfo).port,
    next: async () => {
      await until(() => came.length > 0)
      return came.shift() as Talker
    },
  }
}

export async function until (holds: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 10_000; !holds();) {
    if (performance.now() > deadline) throw new Error(`it did not come about: ${String(holds)}`)
    await new Promise(resolve => { setTimeout(resolve, 2) })
  }
}
