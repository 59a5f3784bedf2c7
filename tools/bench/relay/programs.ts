// What is measured: Debian's Prosody and ejabberd, each set up so that nothing but the relaying costs anything.
import { certificateOf, startEjabberd, startProsody, testRoot, type Place } from '@dialtone/testkit'
import { ADDRESSES, COMPONENT_SECRET, INSIDE } from './names.ts'
import type { SinkErrands } from './sink.ts'
import type { Helper } from './remote.ts'
import type { World } from './world.ts'

export type Program = {
  pid: number
  /** Where the outside connects to. */
  outside: Place
  /** Leads it to the sink; to be called once. */
  attach: (sink: Helper<SinkErrands>) => Promise<void>
  /** What it says of the messages: how many it accepted, where it counts, and what it did not deliver, by what became of it. */
  accounts: () => Promise<Accounts>
  logs: () => string
  stop: () => Promise<void>
}

export type Accounts = { accepted?: number, undelivered: Readonly<Record<string, number>> }
export type StartProgram = (world: World) => Promise<Program>

/** Nothing may be missing then. */
const NOTHING_COUNTED: Accounts = { undelivered: {} }
const component = { name: INSIDE, secret: COMPONENT_SECRET }

/** Prosody with the inside domain as a component. */
export async function prosodyToComponent ({ host }: World): Promise<Program> {
  return toComponent(await startProsody({ ...await common(host.namespace), quiet: true }))
}

/** The same with ejabberd. */
export async function ejabberdToComponent ({ host }: World): Promise<Program> {
  return toComponent(await startEjabberd({ ...await common(host.namespace), quiet: true }))
}

/** Nobody: the outside speaks to the sink itself. */
export async function nothingBetween (): Promise<Program> {
  return await Promise.resolve({
    pid: process.pid, outside: { address: ADDRESSES.inside, port: 5269 }, logs: () => '', stop: async () => await Promise.resolve(),
    attach: async sink => {
      const certificate = await certificateOf('good', INSIDE)
      await sink.ask('server', { place: { address: ADDRESSES.inside, port: 5269 }, authoritative: { address: ADDRESSES.outside, port: 5269 }, certificate })
    },
    accounts: async () => await Promise.resolve(NOTHING_COUNTED),
  })
}

/** A Node process that moves bytes and knows nothing of stanzas: the floor. */
export async function pipeToServer ({ startPipe }: World): Promise<Program> {
  const pipe = startPipe()
  const outside = { address: ADDRESSES.program, port: 5269 }
  const [gate, inside] = [{ address: ADDRESSES.gate, port: 5269 }, { address: ADDRESSES.inside, port: 5269 }]
  await pipe.ask('start', { outside, gate, inside, authoritative: { address: ADDRESSES.outside, port: 5269 }, certificate: await certificateOf('good', INSIDE) })
  return {
    pid: pipe.pid, outside, logs: () => '', stop: pipe.stop,
    attach: async sink => { await sink.ask('server', { place: inside, authoritative: gate }) },
    accounts: async () => await Promise.resolve(NOTHING_COUNTED),
  }
}

async function common (namespace: string) {
  return { hosts: ['host.example'], tls: 'optional', certificate: await certificateOf('good', INSIDE), address: ADDRESSES.program, namespace, component, trusts: await testRoot() } as const
}

function toComponent ({ pids, address, port, componentPort = 0, logs, stop }: Awaited<ReturnType<typeof startProsody>>): Program {
  return {
    pid: pids[0] ?? 0, outside: { address, port }, logs, stop,
    attach: async sink => { await sink.ask('component', { server: { address, port: componentPort }, ...component }) },
    accounts: async () => await Promise.resolve(NOTHING_COUNTED),
  }
}
