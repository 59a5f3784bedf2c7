// A gateway as the process that it is, in the namespace of a host between two networks, working by a file.
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { GatewayAssignment, GatewaySpec, ZoneSpec } from '@dialtone/contracts'
import { BOUNDARY_ADDRESSES as AT, certificateOf, type Boundary, type CertificateKind } from '@dialtone/testkit'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const HTTP_PORT = 9090
const READY_MS = 30_000
const POLL_MS = 50

/** What became of the stanzas that it accepted, of one reading of its metrics. */
export type Conserved = { accepted: number, ended: Record<string, number>, queued: number, onStream: number }

export type GatewayProcess = {
  /** The sum of a metric's series whose labels have these values, now. */
  metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number>
  /** Of one reading, at a moment when at least so many were accepted; fails unless every one of them is accounted for. */
  conserved: (least: number) => Promise<Conserved>
  ready: () => Promise<string>
  /** Gives it another configuration; resolves when that is what it works by. */
  configure: (change: (assignment: GatewayAssignment, directory: string) => GatewayAssignment | Promise<GatewayAssignment>) => Promise<void>
  /** Drains it; resolves when it carries nothing any more. Its inside responder goes on. */
  drain: () => Promise<void>
  /** TCP connections from or to it, as the kernel lists them, with this address at the other end: its own end and the other. */
  connections: (address: string) => Promise<string[]>
  logs: () => string
  /** How often it has logged such a line. */
  logged: (pattern: RegExp) => number
  /** Resolves to the exit code. */
  end: (signal: 'SIGTERM' | 'SIGKILL') => Promise<number | null>
  /** After its end, with what it keeps on its disk. */
  start: () => Promise<void>
  stop: () => Promise<void>
}

/** What differs from one test to another. `inside`: of the leg to our server; `outside`: of our domain's face to the world. */
export type Faces = { ours: string, /** Below it, which are shown to the outside, too. */ also?: readonly string[], peers: readonly string[], /** Of the certificates for peers, shown to our server. */ shows?: CertificateKind, inside?: Partial<ZoneSpec>, outside?: Partial<ZoneSpec>, spec?: Partial<GatewaySpec>, policies?: GatewayAssignment['policies'], routes?: GatewayAssignment['routes'] }

/** Writes a file and returns the reference to it. */
export function fileIn (directory: string, name: string, text: string): `file:${string}` {
  writeFileSync(join(directory, name), text)
  return `file:${join(directory, name)}`
}

/** A configuration for the gateway of a boundary, with its files in `directory`: certificates for our domain outside and for the peers inside, one secret, an inside responder. */
export async function assignmentFor (directory: string, root: string, { ours, also = [], peers, shows = 'good', inside = {}, outside = {}, spec = {}, policies = {}, routes = {} }: Faces): Promise<GatewayAssignment> {
  const file = (name: string, text: string) => fileIn(directory, name, text)
  const pair = async (domain: string, kind: CertificateKind = 'good') => {
    const { chain, key } = await certificateOf(kind, domain)
    return { certificate: file(`${domain}.pem`, chain), key: file(`${domain}.key`, key) }
  }
  const anchors = { system: false, given: [file('root.pem', root)] }
  return {
    v: 1, revision: 1, gateway: 'edge', policies, routes,
    spec: {
      desired: 'running', drainSeconds: 5, secret: file('secret', 'bX9v2Yk8Qw3rT6uI1oP4aS7dF0gH5jKl'),
      zones: [
        {
          name: 'world', side: 'external', listen: [{ address: AT.gateway, port: 5269 }, { address: AT.gateway, port: 5270, kind: 'direct' }], certificates: await Promise.all([ours, ...also].map(each => pair(each))), anchors,
          resolver: { address: AT.resolver }, sourceAddress: AT.gateway, ...outside,
        },
        {
          name: 'office', side: 'internal', domains: [ours], listen: [{ address: AT.gatewayInside, port: 5269 }], certificates: await Promise.all(peers.map(peer => pair(peer, shows))), anchors, sourceAddress: AT.gatewayInside,
          responder: { listen: [{ address: AT.gatewayInside, port: 53 }], clients: ['10.20.0.0/24'], gateway: { name: 'gateway.office.example', addresses: [AT.gatewayInside] }, forwardTo: [{ address: AT.resolver, port: 53 }] },
          ...inside,
        },
      ],
      ...spec,
    },
    domains: { [ours]: { internal: [{ host: AT.inside, port: 5269 }] } },
    peers: Object.fromEntries(peers.map(peer => [peer, {}])),
  }
}

/** Starts it; resolves when it is ready. The error holds what it logged. */
export async function startGatewayProcess (boundary: Boundary, make: (directory: string) => Promise<GatewayAssignment>): Promise<GatewayProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'dialtone-gateway-'))
  const file = join(directory, 'assignment.json')
  let current = await make(directory)
  const write = () => { writeFileSync(file, JSON.stringify(current)) }
  write()
  const host = boundary.host('gateway')
  let said = ''
  let running = spawned(boundary, directory, file, text => { said = (said + text).slice(-400_000) })
  const get = async (path: string): Promise<string> => {
    const socket = await host.connect({ address: AT.gatewayInside, port: HTTP_PORT })
    socket.setEncoding('utf8').end(`GET ${path} HTTP/1.0\r\n\r\n`)
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    return text.slice(text.indexOf('\r\n\r\n') + 4)
  }
  const ready = () => get('/readyz').catch((error: unknown) => `not reached: ${String(error)}`)
  const until = async (wanted: () => Promise<boolean>, what: () => string): Promise<void> => {
    const late = performance.now() + READY_MS
    while (!await wanted()) {
      if (running.child.exitCode !== null || performance.now() > late) throw new Error(`${what()}\n${said}`)
      await new Promise(resolve => { setTimeout(resolve, POLL_MS) })
    }
  }
  const untilReady = async (): Promise<void> => {
    let is = ''
    await until(async () => (is = await ready()).startsWith('ready'), () => `the gateway is not ready: ${is}`)
  }
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> => {
    running.child.kill(signal)
    return await running.ended
  }
  const logged = (pattern: RegExp) => said.split('\n').filter(line => pattern.test(line)).length
  const configure: GatewayProcess['configure'] = async change => {
    const next = await change(current, directory)
    const revision = current.revision + 1
    current = { ...next, revision }
    write()
    running.child.kill('SIGHUP')
    await until(async () => logged(new RegExp(`"revision":${revision},"msg":"works by a new`)) > 0, () => 'the gateway did not take the new configuration')
  }
  const stop = async (): Promise<void> => {
    await end('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
  await untilReady().catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return {
    ready, end, stop, logged,
    logs: () => said,
    metric: async (name, labels) => valueIn(await get('/metrics'), name, labels),
    conserved: async least => {
      let is: Conserved = { accepted: 0, ended: {}, queued: 0, onStream: 0 }
      await until(async () => (is = conservedIn(await get('/metrics'))).accepted >= least, () => `the gateway accepted ${is.accepted} stanzas, not ${least}`)
      if (is.accepted !== Object.values(is.ended).reduce((sum, each) => sum + each, 0) + is.queued + is.onStream) throw new Error(`stanzas are not accounted for: ${JSON.stringify(is)}`)
      return is
    },
    configure,
    drain: async () => {
      await configure(({ spec, ...rest }) => ({ ...rest, spec: { ...spec, desired: 'draining' } }))
      let is = ''
      await until(async () => (is = await ready()).includes('the gateway is stopped'), () => `the gateway does not drain: ${is}`)
    },
    connections: async address => {
      const { stdout } = await host.run('ss', ['-Htn', 'state', 'established'])
      return stdout.split('\n').map(line => line.trim().split(/\s+/).slice(2).join(' ')).filter(ends => ends.includes(` ${address}:`)).toSorted()
    },
    start: async () => {
      running = spawned(boundary, directory, file, text => { said = (said + text).slice(-400_000) })
      await untilReady()
    },
  }
}

/** One that is to end at its start: its exit code and what it said. */
export async function failingGateway (boundary: Boundary, make: (directory: string) => Promise<GatewayAssignment>): Promise<{ code: number | null, said: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'dialtone-gateway-'))
  const file = join(directory, 'assignment.json')
  writeFileSync(file, JSON.stringify(await make(directory)))
  let said = ''
  const { child, ended } = spawned(boundary, directory, file, text => { said += text })
  const timer = setTimeout(() => child.kill('SIGKILL'), READY_MS)
  const code = await ended
  clearTimeout(timer)
  rmSync(directory, { recursive: true, force: true })
  return { code, said }
}

function spawned (boundary: Boundary, directory: string, file: string, hear: (text: string) => void): { child: ChildProcess, ended: Promise<number | null> } {
  const child = boundary.host('gateway').spawn(process.execPath, [MAIN, '--name', 'edge', '--state', join(directory, 'state'), '--assignment', file, '--http', `${AT.gatewayInside}:${HTTP_PORT}`, '--log-level', 'info'], { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', hear)
  return { child, ended: new Promise(resolve => { child.once('close', resolve) }) }
}

/** The sum of the series of that name with these labels, in a text of metrics. */
function valueIn (text: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  return seriesIn(text, name).filter(line => Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`))).reduce((sum, line) => sum + numberIn(line), 0)
}

function seriesIn (text: string, name: string): string[] {
  return text.split('\n').filter(line => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
}

function numberIn (line: string): number {
  return Number(line.slice(line.lastIndexOf(' ')))
}

function conservedIn (text: string): Conserved {
  const value = (name: string) => valueIn(text, `dialtone_gateway_${name}`)
  return {
    accepted: value('stanzas_accepted_total'), queued: value('queue_stanzas'), onStream: value('stanzas_on_stream'),
    ended: Object.fromEntries(seriesIn(text, 'dialtone_gateway_stanzas_total').map(line => [/outcome="([^"]+)"/.exec(line)?.[1] ?? '', numberIn(line)])),
  }
}
