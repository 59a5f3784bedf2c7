// A fleet as operators run one: NATS, two controls and three agents, each a process of its own, around an organisation's site in network namespaces. The
// office outside runs the bus and control; one agent stands inside, two outside on two networks.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Overview, OverviewRow } from '@dialtone/contracts'
import { SITE_ADDRESSES, SITE_DOMAINS, fleetProcess, openTunnel, startNatsServer, startSite, untilReady, type FleetProcess, type NatsServer, type OrganisationSite } from '@dialtone/testkit'

export type Control = FleetProcess & { url: string }

export type FleetSite = {
  site: OrganisationSite
  nats: NatsServer
  controls: readonly [Control, Control]
  agents: Readonly<Record<'inside' | 'amsterdam' | 'frankfurt', FleetProcess & { metricsUrl: string }>>
  /** One more agent of a vantage. */
  anotherAgent: (vantage: 'inside' | 'amsterdam' | 'frankfurt', name: string) => Promise<FleetProcess & { metricsUrl: string }>
  token: string
  /** A request to one of the controls (the first, unless told) with the admin token. Throws with the problem where it is refused. */
  ask: <T>(path: string, options?: { method?: string, body?: unknown, control?: number, headers?: Record<string, string> }) => Promise<T>
  /** The row of a domain or pair, asked for until it is as wanted; throws with the last one. */
  until: (domain: string, peer: string | undefined, wanted: (row: OverviewRow) => boolean, options?: { withinMs?: number, control?: number }) => Promise<OverviewRow>
  folder: string
  stop: () => Promise<void>
}

const MAIN = resolve(import.meta.dirname, '../main.ts')

/** Starts all of it, applies the configuration, and resolves when every process is ready. */
export async function startFleetSite (): Promise<FleetSite> {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-fleet-'))
  const undo: (() => Promise<unknown>)[] = [async () => { rmSync(folder, { recursive: true, force: true }) }]
  const stop = async (): Promise<void> => {
    for (const each of undo.splice(0).toReversed()) await each()
  }
  try {
    const site = await startSite()
    undo.push(site.stop)
    const office = site.host('office')
    const nats = await startNatsServer({ address: office.address, port: 4222, namespace: office.namespace })
    undo.push(nats.stop)
    writeFileSync(join(folder, 'secret'), site.secret + '\n', { mode: 0o600 })
    writeFileSync(join(folder, 'root.pem'), site.root)

    const control = async (name: string, port: number): Promise<Control> => {
      const file = join(folder, `${name}.json`)
      writeFileSync(file, JSON.stringify({ instance: name, listen: { address: '127.0.0.1', port }, store: join(folder, `${name}.db`), limits: { perAddressPerMinute: 100_000, perTokenPerMinute: 100_000 } }))
      const process = processIn(site, 'office', name, ['control', '--bus', nats.url, '--config', file], folder)
      undo.push(process.end)
      await process.start()
      const tunnel = await openTunnel(office, { address: '127.0.0.1', port })
      undo.push(tunnel.stop)
      await untilReady(`${tunnel.url}/readyz`, process)
      return { ...process, url: tunnel.url }
    }
    const first = await control('control-a', 8080)
    const token = /dlt_[\w-]+/.exec(first.logs())?.[0]
    if (token === undefined) throw new Error(`control printed no token:\n${first.logs()}`)
    const controls = [first, await control('control-b', 8081)] as const

    const ask: FleetSite['ask'] = async (path, { method = 'GET', body, control: which = 0, headers = {} } = {}) => {
      const response = await fetch(`${controls[which]?.url}${path}`, {
        method, headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
      return (text === '' ? undefined : JSON.parse(text)) as never
    }
    await ask('/v1/apply', { method: 'POST', body: { resources: resourcesOf(folder) } })

    let ports = 9470
    const agent: FleetSite['anotherAgent'] = async (vantage, name) => {
      const state = join(folder, name)
      const port = ports++
      mkdirSync(state)
      const process = processIn(site, vantage, name, ['probe', '--vantage', vantage, '--agent', name, '--bus', nats.url, '--state', state, '--http', `127.0.0.1:${port}`], folder)
      undo.push(process.end)
      await process.start()
      const tunnel = await openTunnel(site.host(vantage), { address: '127.0.0.1', port })
      undo.push(tunnel.stop)
      await untilReady(`${tunnel.url}/readyz`, process)
      return { ...process, metricsUrl: tunnel.url }
    }
    const agents = { inside: await agent('inside', 'inside-1'), amsterdam: await agent('amsterdam', 'amsterdam-1'), frankfurt: await agent('frankfurt', 'frankfurt-1') }

    const until: FleetSite['until'] = async (domain, peer, wanted, { withinMs = 60_000, control: which = 0 } = {}) => {
      const deadline = Date.now() + withinMs
      let last: OverviewRow | undefined
      for (;;) {
        const { domains } = await ask<Overview>(`/v1/overview?domain=${domain}&limit=100`, { control: which })
        last = domains.find(row => row.domain === domain && row.peer === peer)
        if (last !== undefined && wanted(last)) return last
        if (Date.now() > deadline) throw new Error(`${domain}${peer === undefined ? '' : ` and ${peer}`} did not become what is expected; the last answer:\n${JSON.stringify(last, undefined, 2)}`)
        await new Promise(resolve => setTimeout(resolve, 250))
      }
    }
    return { site, nats, controls, agents, anotherAgent: agent, token, ask, until, folder, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** What an operator would apply, with intervals that suit a test. */
function resourcesOf (folder: string): { kind: string, name: string, spec: unknown }[] {
  const anchors = { system: false, given: [`file:${join(folder, 'root.pem')}`] }
  const timeoutsMs = { dns: 1000, tcp: 1500, stream: 4000, tls: 4000, close: 500, answer: 20_000 }
  const outside = (network: string) => ({ side: 'outside', network, families: [4], resolver: { address: SITE_ADDRESSES['resolver-outside'], port: 53 }, controlName: SITE_DOMAINS.partner, anchors, timeoutsMs })
  return [
    { kind: 'Schedule', name: 'default', spec: { lightEverySeconds: 3, failingEverySeconds: 2, deepEverySeconds: 15, confirmations: 2, retryWindowSeconds: 10 } },
    { kind: 'Vantage', name: 'inside', spec: { side: 'inside', network: 'site', families: [4], resolver: { address: SITE_ADDRESSES['resolver-inside'], port: 53 }, sharesResolverWith: [SITE_DOMAINS.ours], controlName: SITE_DOMAINS.partner, anchors, timeoutsMs, allowNets: ['10.10.0.0/24'], connectionsPerTargetPerHour: 100_000 } },
    { kind: 'Vantage', name: 'amsterdam', spec: { ...outside('ams'), connectionsPerTargetPerHour: 100_000 } },
    { kind: 'Vantage', name: 'frankfurt', spec: { ...outside('fra'), connectionsPerTargetPerHour: 100_000 } },
    { kind: 'Domain', name: SITE_DOMAINS.ours, spec: { expectedAddresses: [SITE_ADDRESSES.public], internal: [{ host: SITE_ADDRESSES.ours, port: 5269 }], secret: `file:${join(folder, 'secret')}`, secretOf: 'prosody', allowNets: ['10.10.0.0/24'] } },
    { kind: 'Peer', name: SITE_DOMAINS.partner, spec: {} },
    { kind: 'Peer', name: SITE_DOMAINS.provider, spec: {} },
  ]
}

function processIn (site: OrganisationSite, host: 'office' | 'inside' | 'amsterdam' | 'frankfurt', name: string, args: readonly string[], folder: string): FleetProcess {
  return fleetProcess({ host: site.host(host), name, main: MAIN, args, folder })
}
