// A fleet of processes on loopback that sees something all the time: controls and agents, each with its own NATS user, around the domains of the demo. What the bus is, one
// server or three, is for the test to say, and to break.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Overview, OverviewRow } from '@dialtone/contracts'
import { fleetProcess, freePort, loopbackAddress, readExposition, spawnTied, untilReady, type FleetProcess } from '@dialtone/testkit'
import { startFleet } from '@dialtone/zoo'

/** `urls`: for the apps. `options`: the other options of an app's bus; `seeds`: where the files of the users are. */
export type BusOfFleet = { urls: string, seeds: string, options?: readonly string[], controlOptions?: readonly string[] }
export type LoopbackControl = FleetProcess & { url: string, store: string }
export type LoopbackAgent = FleetProcess & { url: string, state: string }

export type LoopbackFleet = {
  folder: string
  resources: readonly { kind: string, name: string, spec: unknown }[]
  /** Starts one and resolves when it is ready; by the same name again with the same files, where it has ended. */
  control: (name: string, bus: BusOfFleet) => Promise<LoopbackControl>
  agent: (vantage: 'inside' | 'outside', bus: BusOfFleet) => Promise<LoopbackAgent>
  /** A request with the admin token. Rejects with the problem where it is refused. */
  ask: <T>(of: { url: string }, path: string, body?: object, method?: string) => Promise<T>
  row: (of: { url: string }, domain: string, peer?: string) => Promise<OverviewRow | undefined>
  /** The admin token; the first control that was ever started printed it. */
  token: string
  stop: () => Promise<void>
}

const MAIN = resolve(import.meta.dirname, '../main.ts')
export const VANTAGES = ['inside', 'outside'] as const

export async function startLoopbackFleet (): Promise<LoopbackFleet> {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-fleet-'))
  const ending = new AbortController()
  const demo = await startFleet({ signal: ending.signal, directory: mkdirIn(folder, 'demo') })
  const processes: FleetProcess[] = []
  const host = { spawn: (command: string, args: readonly string[], options: object = {}) => spawnTied(command, args, options) }
  const process = (name: string, args: readonly string[]): FleetProcess => {
    const made = fleetProcess({ host, name, main: MAIN, args, folder })
    processes.push(made)
    return made
  }
  const shared = ({ urls, seeds, options = [] }: BusOfFleet, user: string) => ['--bus', urls, '--bus-seed', join(seeds, `${user}.nk`), ...options]

  const fleet: LoopbackFleet = {
    folder, resources: demo.resources, token: '',
    control: async (name, bus) => {
      const [address, store, config] = [loopbackAddress(), join(folder, `${name}.db`), join(folder, `${name}.json`)]
      const port = await freePort(address)
      writeFileSync(config, JSON.stringify({ instance: name, listen: { address, port }, store, limits: { perAddressPerMinute: 100_000, perTokenPerMinute: 100_000 } }))
      const made = { ...process(name, ['control', ...shared(bus, 'control'), ...bus.controlOptions ?? [], '--config', config]), url: `http://${address}:${port}`, store }
      await made.start()
      await untilReady(`${made.url}/readyz`, made)
      fleet.token = /dlt_[\w-]+/.exec(made.logs())?.[0] ?? fleet.token
      return made
    },
    agent: async (vantage, bus) => {
      const [address, state] = [loopbackAddress(), mkdirIn(folder, `${vantage}-1`)]
      const port = await freePort(address)
      const made = { ...process(`${vantage}-1`, ['probe', ...shared(bus, `probe-${vantage}`), '--vantage', vantage, '--agent', `${vantage}-1`, '--state', state, '--http', `${address}:${port}`]), url: `http://${address}:${port}`, state }
      await made.start()
      await untilReady(`${made.url}/healthz`, made)
      return made
    },
    ask: async ({ url }, path, body, method = body === undefined ? 'GET' : 'POST') => {
      const response = await fetch(`${url}${path}`, { method, headers: { authorization: `Bearer ${fleet.token}`, 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
      return JSON.parse(text) as never
    },
    row: async (of, domain, peer) => (await fleet.ask<Overview>(of, `/v1/overview?domain=${domain}&limit=200`)).domains.find(row => row.domain === domain && row.peer === peer),
    stop: async () => {
      await Promise.all(processes.map(one => one.kill()))
      ending.abort()
      await demo.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return fleet
}

/** The value of a metric of a process, the samples added up; -1 where it cannot be asked or has none. */
export async function metric ({ url }: { url: string }, name: string, counts: (labels: Readonly<Record<string, string>>) => boolean = () => true, token = ''): Promise<number> {
  const text = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } }).then(async response => await response.text(), () => '')
  const found = readExposition(text).filter(({ name: of, labels }) => of === name && counts(labels))
  return found.length === 0 ? -1 : found.reduce((sum, { value }) => sum + value, 0)
}

/** The ids of all observations that a control ever took. */
export function idsSeen (store: string): string[] {
  const db = new DatabaseSync(store, { readOnly: true })
  try {
    return db.prepare('SELECT id FROM seen').all().map(({ id }) => String(id)).toSorted()
  } finally {
    db.close()
  }
}

function mkdirIn (folder: string, name: string): string {
  const path = join(folder, name)
  mkdirSync(path, { recursive: true })
  return path
}
