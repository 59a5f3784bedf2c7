/**
 * api: how long readers wait for a page of the overview, a domain, a pair, a timeline and a search, over HTTP, with 10,000 peers seen from three vantages in the store.
 * Bar: the slowest of a hundred within 50 ms, but for the search. In the same run a plain server of Node answers the same bytes out of memory: what is left is what answering costs. The
 * CPU time of one answer is told beside, which other work on the machine does not change. API_PEERS and API_REQUESTS change the size.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finish, machine, rounded } from '../bench-report.ts'
import { OURS, peerName } from './ingest/fleet.ts'
import { zooObservations } from './ingest/templates.ts'

const PEERS = Number(process.env['API_PEERS'] ?? 10_000)
const REQUESTS = Number(process.env['API_REQUESTS'] ?? 1000)
const BAR_MS = 50
const WITHOUT_BAR = 'search'
const WARM = 50

const paths: Record<string, (n: number) => string> = {
  overview: n => `/v1/overview?limit=100${['', '&state=down', '&side=peer', '&only=pairs', '&q=peer1'][n % 5]}`,
  domain: () => `/v1/status/${OURS}`,
  pair: n => `/v1/status/${OURS}/${peerName(n * 7919 % PEERS)}`,
  timeline: n => `/v1/status/${OURS}/${peerName(n * 7919 % PEERS)}/timeline`,
  search: n => `/v1/search?q=peer${n % PEERS}`,
}

type Measured = { p50: number, p99: number, worst: number, bytes: number, cpuMs: number }

const folder = mkdtempSync(join(tmpdir(), 'dialtone-api-'))
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
writeFileSync(join(folder, 'templates.json'), JSON.stringify(await zooObservations()))
const [filled] = await once(fork(join(import.meta.dirname, 'api/fill.ts'), [folder, String(PEERS)]), 'exit') as [number]
if (filled !== 0) throw new Error('the bus could not be filled')
const child = fork(join(import.meta.dirname, 'api/served.ts'), [folder, String(PEERS)])
try {
  const [{ url, token, megabytes }] = await once(child, 'message') as [{ url: string, token: string, megabytes: number }]
  const headers = { authorization: `Bearer ${token}` }
  const ours: Record<string, Measured> = {}
  const plain: Record<string, Measured> = {}
  let body: Buffer = Buffer.alloc(0)
  const server = createServer((_, response) => { response.writeHead(200, { 'content-type': 'application/json' }).end(body) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  for (const [name, path] of Object.entries(paths)) {
    body = await fetched(url + path(0), headers)
    ours[name] = await measure(n => url + path(n), headers, cpuOfChild)
    plain[name] = await measure(() => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, headers, async () => process.cpuUsage())
  }
  server.close()
  server.closeAllConnections()
  const flat = (all: Record<string, Measured>) => Object.fromEntries(Object.entries(all).flatMap(([name, { p50, p99, worst, bytes, cpuMs }]) => [[`${name}CpuMs`, rounded(cpuMs)], [`${name}P50Ms`, rounded(p50)], [`${name}P99Ms`, rounded(p99)], [`${name}WorstMs`, rounded(worst)], [`${name}Bytes`, bytes]]))
  finish({
    bench: 'api',
    machine: machine({ bench: process.pid, ours: child.pid ?? 0 }),
    ours: { peers: PEERS, vantages: 3, requests: REQUESTS, residentMB: rounded(megabytes, 0), ...flat(ours) },
    peers: { plain: flat(plain), bar: { p99Ms: BAR_MS } },
    ratios: Object.fromEntries(Object.entries(ours).map(([name, { p99 }]) => [`${name}Bar`, rounded(BAR_MS / p99)])),
  }, [`  ${PEERS} peers from 3 vantages, ${rounded(megabytes, 0)} MB`, ...Object.entries(ours).map(([name, { p50, p99, worst, bytes, cpuMs }]) => `  ${name}: CPU ${rounded(cpuMs)} ms, p50 ${rounded(p50)} ms, p99 ${rounded(p99)} ms, worst ${rounded(worst)} ms, ${bytes} bytes; out of memory p50 ${rounded(plain[name]?.p50 ?? 0)} ms, p99 ${rounded(plain[name]?.p99 ?? 0)} ms`)])
  if (Object.entries(ours).some(([name, { p99 }]) => name !== WITHOUT_BAR && p99 > BAR_MS)) {
    console.error(`api: above the bar of ${BAR_MS} ms`)
    process.exitCode = 1
  }
} finally {
  agent.destroy()
  const exit = child.exitCode === null ? once(child, 'exit') : undefined
  if (child.connected) child.disconnect()
  await exit
  rmSync(folder, { recursive: true, force: true })
}

async function cpuOfChild (): Promise<NodeJS.CpuUsage> {
  child.send('cpu')
  const [usage] = await once(child, 'message') as [NodeJS.CpuUsage]
  return usage
}

/** One request after the other. `cpu`: of who answers, so far. */
async function measure (path: (n: number) => string, headers: Record<string, string>, cpu: () => Promise<NodeJS.CpuUsage>): Promise<Measured> {
  const times: number[] = []
  const sizes: number[] = []
  const before = await cpu()
  for (let n = 0; n < WARM + REQUESTS; n++) {
    const began = performance.now()
    const { length } = await fetched(path(n), headers)
    if (n < WARM) continue
    times.push(performance.now() - began)
    sizes.push(length)
  }
  const after = await cpu()
  times.sort((a, b) => a - b)
  return { p50: times[Math.floor(times.length / 2)] ?? NaN, p99: times[Math.ceil(times.length * 0.99) - 1] ?? NaN, worst: times.at(-1) ?? NaN, bytes: Math.max(...sizes), cpuMs: (after.user + after.system - before.user - before.system) / 1000 / (WARM + REQUESTS) }
}

async function fetched (url: string, headers: Record<string, string>): Promise<Buffer> {
  const [response] = await once(get(url, { agent, headers }), 'response') as [IncomingMessage]
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part as Buffer)
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}: ${Buffer.concat(parts).toString().slice(0, 300)}`)
  return Buffer.concat(parts)
}
