// A gateway as the process that it is, in the namespace of a host between two networks, working by a file.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { GatewayAssignment, GatewaySpec, ZoneSpec } from '@dialtone/contracts'
import { BOUNDARY_ADDRESSES as AT, certificateOf, type Boundary } from '@dialtone/testkit'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const HTTP_PORT = 9090
const READY_MS = 15_000

export type GatewayProcess = {
  /** The sum of a metric's series whose labels have these values, now. */
  metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number>
  ready: () => Promise<string>
  /** Gives it another configuration; resolves when that is what it works by. */
  configure: (assignment: GatewayAssignment) => Promise<void>
  logs: () => string
  signal: (name: 'SIGTERM' | 'SIGHUP' | 'SIGKILL') => void
  /** Resolves to the exit code when it has ended. */
  ended: Promise<number | null>
  stop: () => Promise<void>
}

/** What differs from one test to another. `inside`: of the leg to our server; `outside`: of our domain's face to the world. */
export type Faces = { ours: string, peers: readonly string[], inside?: Partial<ZoneSpec>, outside?: Partial<ZoneSpec>, spec?: Partial<GatewaySpec>, policies?: GatewayAssignment['policies'], routes?: GatewayAssignment['routes'] }

/** A configuration for the gateway of a boundary, with its files in `directory`: certificates for our domain outside and for the peers inside, one secret, an inside responder. */
export async function assignmentFor (directory: string, root: string, { ours, peers, inside = {}, outside = {}, spec = {}, policies = {}, routes = {} }: Faces): Promise<GatewayAssignment> {
  const file = (name: string, text: string): `file:${string}` => {
    writeFileSync(join(directory, name), text)
    return `file:${join(directory, name)}`
  }
  const pair = async (domain: string) => {
    const { chain, key } = await certificateOf('good', domain)
    return { certificate: file(`${domain}.pem`, chain), key: file(`${domain}.key`, key) }
  }
  const anchors = { system: false, given: [file('root.pem', root)] }
  return {
    v: 1, revision: 1, gateway: 'edge', policies, routes,
    spec: {
      desired: 'running', drainSeconds: 5, secret: file('secret', 'bX9v2Yk8Qw3rT6uI1oP4aS7dF0gH5jKl'),
      zones: [
        {
          name: 'world', side: 'external', listen: [{ address: AT.gateway, port: 5269 }, { address: AT.gateway, port: 5270, kind: 'direct' }], certificates: [await pair(ours)], anchors,
          resolver: { address: AT.resolver }, sourceAddress: AT.gateway, ...outside,
        },
        {
          name: 'office', side: 'internal', domains: [ours], listen: [{ address: AT.gatewayInside, port: 5269 }], certificates: await Promise.all(peers.map(pair)), anchors, sourceAddress: AT.gatewayInside,
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
  writeFileSync(file, JSON.stringify(current))
  const host = boundary.host('gateway')
  const child = host.spawn(process.execPath, [MAIN, '--name', 'edge', '--state', join(directory, 'state'), '--assignment', file, '--http', `${AT.gatewayInside}:${HTTP_PORT}`, '--log-level', 'info'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-200_000) })
  const ended = new Promise<number | null>(resolve => { child.once('exit', resolve) })
  const get = async (path: string): Promise<string> => {
    const socket = await host.connect({ address: AT.gatewayInside, port: HTTP_PORT })
    socket.setEncoding('utf8').end(`GET ${path} HTTP/1.0\r\n\r\n`)
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    return text.slice(text.indexOf('\r\n\r\n') + 4)
  }
  const ready = () => get('/readyz').catch((error: unknown) => `not reached: ${String(error)}`)
  const metric = async (name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> => {
    const lines = (await get('/metrics')).split('\n').filter(line => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    return lines.filter(line => Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`))).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }
  const until = async (wanted: string): Promise<void> => {
    const late = performance.now() + READY_MS
    for (let is = ''; !is.startsWith(wanted); is = await ready()) {
      if (child.exitCode !== null || performance.now() > late) throw new Error(`the gateway is not ${wanted}: ${is}\n${said}`)
      await new Promise(resolve => { setTimeout(resolve, 50) })
    }
  }
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
    rmSync(directory, { recursive: true, force: true })
  }
  await until('ready').catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return {
    metric, ready, ended, stop,
    logs: () => said,
    signal: name => { child.kill(name) },
    configure: async assignment => {
      const revision = current.revision + 1
      current = { ...assignment, revision }
      writeFileSync(file, JSON.stringify(current))
      child.kill('SIGHUP')
      const late = performance.now() + READY_MS
      while (!said.includes(`"revision":${revision}`)) {
        if (performance.now() > late) throw new Error(`the gateway did not take the new configuration:\n${said}`)
        await new Promise(resolve => { setTimeout(resolve, 50) })
      }
    },
  }
}
