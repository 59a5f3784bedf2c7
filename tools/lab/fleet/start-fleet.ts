// One fleet in the lab's network: its processes, each on its host, and what watches them.
import { mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { randomBytes } from 'node:crypto'
import { writeNatsUsers } from '@dialtone/bus'
import { fleetProcess, makeFolder, openTunnel, startNatsServer, untilReady, type FleetProcess, type Prometheus } from '@dialtone/testkit'
import { EDGE, type FleetName, type Fleets, type LabHost, type Told, type World } from '../seams.ts'
import { VANTAGES, resourcesOf } from './resources.ts'
import { startWatching, type Scraped } from './watching.ts'

type ProcessName = Parameters<Fleets['process']>[1]
export type Fleet = {
  ask: <T>(path: string, options?: { method?: string, body?: unknown }) => Promise<T>
  /** The configuration as a whole; what is not in it any more goes. */
  apply: (options: { standing: boolean }) => Promise<void>
  notified: () => ReturnType<Fleets['notified']>
  told: () => readonly Told[]
  prometheus: Prometheus
  process: (name: ProcessName) => FleetProcess
  /** Processes that have ended by themselves. */
  died: () => string[]
  /** On this machine, and the file with the token that control wants. */
  urls: Readonly<Record<string, string>>
  stop: () => Promise<void>
}

const MAIN = resolve(import.meta.dirname, '../../../apps/cli/src/main.ts')
/** As `bin/dialtone` starts them. */
const FLAGS: Partial<Record<string, readonly string[]>> = { probe: ['--max-semi-space-size=4'], gateway: ['--max-semi-space-size=1'] }
/** Both fleets share the hosts. */
const PORTS: Record<FleetName, { nats: number, control: number, metrics: number }> = { shared: { nats: 4222, control: 8080, metrics: 9470 }, bare: { nats: 4223, control: 8081, metrics: 9480 } }

/** Starts it, applies what is configured, and resolves when every process is ready. If a part does not start, nothing is left. */
export async function startFleet (world: World, name: FleetName, { scale, log = () => undefined }: { scale?: number, log?: (line: string) => void } = {}): Promise<Fleet> {
  const undo: (() => Promise<unknown>)[] = []
  let stopping: Promise<void> | undefined
  const stopAll = async (): Promise<void> => {
    for (const each of undo.splice(0).toReversed()) await each()
  }
  const stop = (): Promise<void> => stopping ??= stopAll()
  try {
    const folder = makeFolder(`lab-${name}`)
    undo.push(async () => { folder.remove() })
    const ports = PORTS[name]
    const office = world.host('office')
    const users = join(folder.path, 'nats')
    writeNatsUsers({ folder: users, vantages: VANTAGES, gateways: name === 'shared' ? ['edge'] : [], listen: `${office.address}:${ports.nats}`, storeDir: join(folder.path, 'jetstream') })
    const nats = await startNatsServer({ address: office.address, port: ports.nats, namespace: office.namespace, configuration: readFileSync(join(users, 'nats-server.conf'), 'utf8') })
    undo.push(nats.stop)
    await writeFiles(world, folder.write)

    const processes = new Map<ProcessName, FleetProcess>()
    /** `at`: the port of its HTTP server on the loopback of its host; resolves to where that is reached from here. */
    const run = async (as: ProcessName, host: LabHost, at: number, args: readonly string[]): Promise<Scraped & { url: string }> => {
      const process = fleetProcess({ host: world.host(host), name: `${name} ${as}`, main: MAIN, args, folder: folder.path, flags: FLAGS[args[0] ?? ''] ?? [] })
      processes.set(as, process)
      undo.push(process.end)
      await process.start()
      const tunnel = await openTunnel(world.host(host), { address: '127.0.0.1', port: at })
      undo.push(tunnel.stop)
      // A gateway is ready once it is configured.
      await untilReady(`${tunnel.url}/${as === 'gateway' ? 'healthz' : 'readyz'}`, process)
      log(`${name}: ${as} is ready`)
      return { url: tunnel.url, place: `${tunnel.address}:${tunnel.port}`, instance: `${host}:${at}` }
    }
    const bus = (user: string): string[] => ['--bus', nats.url, '--bus-seed', join(users, `${user}.nk`)]

    const configuration = folder.write('control.json', JSON.stringify({ listen: { address: '127.0.0.1', port: ports.control }, store: join(folder.path, 'control.db'), limits: { perAddressPerMinute: 100_000, perTokenPerMinute: 100_000 } }))
    const control = await run('control', 'office', ports.control, ['control', ...bus('control'), '--config', configuration])
    const token = /dlt_[\w-]+/.exec(processes.get('control')?.logs() ?? '')?.[0]
    if (token === undefined) throw new Error(`control printed no token:\n${processes.get('control')?.logs()}`)
    const ask: Fleet['ask'] = async (path, { method = 'GET', body } = {}) => {
      const response = await fetch(`${control.url}${path}`, { method, headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
      const text = await response.text()
      if (!response.ok) throw new Error(`${name}: ${method} ${path}: ${response.status} ${text}`)
      return (text === '' ? undefined : JSON.parse(text)) as never
    }
    const apply: Fleet['apply'] = async options => { await ask('/v1/apply', { method: 'POST', body: { resources: resourcesOf(world, name, folder.path, options), prune: true } }) }
    await apply({ standing: false })

    const agent = async (vantage: (typeof VANTAGES)[number], index: number): Promise<Scraped> => {
      const state = join(folder.path, vantage)
      mkdirSync(state)
      const port = ports.metrics + index
      const { place, instance } = await run(vantage, vantage, port, ['probe', '--vantage', vantage, '--agent', `${vantage}-1`, ...bus(`probe-${vantage}`), '--state', state, '--http', `127.0.0.1:${port}`, '--log-level', 'warn'])
      return { place, instance, vantage }
    }
    const gateway = async (): Promise<Scraped> => {
      const state = join(folder.path, 'gateway')
      mkdirSync(state)
      const port = ports.metrics + 9
      const { place, instance } = await run('gateway', 'gateway', port, ['gateway', '--name', 'edge', ...bus('gateway-edge'), '--state', state, '--http', `127.0.0.1:${port}`, '--log-level', 'warn'])
      return { place, instance }
    }
    const [agents, gateways] = await Promise.all([Promise.all(VANTAGES.map(agent)), Promise.all(name === 'shared' ? [gateway()] : [])])
    const watching = await startWatching({ control: { place: control.place, instance: control.instance }, agents, gateways, token, ...(scale === undefined ? {} : { scale }) })
    undo.push(watching.stop)
    return {
      urls: { [`control of ${name}`]: control.url, [`token of ${name}`]: folder.write('token', `${token}\n`), [`Prometheus of ${name}`]: watching.prometheus.url, [`Alertmanager of ${name}`]: watching.alertmanagerUrl },
      ask, apply, stop, prometheus: watching.prometheus, notified: watching.notified, told: watching.told,
      died: () => [...processes.values()].filter(each => each.died()).map(each => each.name),
      process: which => {
        const found = processes.get(which)
        if (found === undefined) throw new Error(`the fleet '${name}' has no ${which}`)
        return found
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Secrets and certificates that resources refer to. */
async function writeFiles (world: World, write: (name: string, text: string) => string): Promise<void> {
  write('secret', `${world.secret}\n`)
  write('root.pem', world.root)
  for (const name of ['gateway.secret', 'probe.secret']) write(name, `${randomBytes(32).toString('base64')}\n`)
  for (const [name, domain] of [['edge', EDGE], ...VANTAGES.map(vantage => [vantage, world.probes[vantage].domain] as const)] as const) {
    const { certificate, key } = await world.certificate(domain)
    write(`${name}.crt`, certificate)
    write(`${name}.key`, key)
  }
}
