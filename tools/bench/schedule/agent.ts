// The process that `schedule` measures: one agent, everything above the network real.
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Assignment, Bus, Documents, Observation, Subscription } from '@dialtone/contracts'
import { NO_LOGGER } from '@dialtone/kernel'
import { start } from '@dialtone/probe'
import { createTelemetry } from '@dialtone/telemetry'

const [pairs = 10_000, seconds = 60] = process.argv.slice(2).map(Number)
const ANSWER_MS = 200
const WARM_MS = Number(process.env['SCHEDULE_WARM'] ?? 70) * 1000

const [recorded] = await once(process, 'message') as [Observation]
const directory = mkdtempSync(join(tmpdir(), 'bench-schedule-'))
let published = 0
let presence: { overdue: number, waiting: number } = { overdue: 0, waiting: 0 }
const agent = await start({
  config: { agent: 'bench', vantage: 'bench', stateDirectory: directory, limits: { parallel: 256 } },
  bus: everythingIsTaken(), telemetry: createTelemetry(), logger: NO_LOGGER,
  observe: async request => {
    await new Promise(resolve => { setTimeout(resolve, ANSWER_MS) })
    return { ...recorded, domain: request.domain, startedAt: new Date().toISOString() }
  },
})
await new Promise(resolve => { setTimeout(resolve, WARM_MS) })

const delay = monitorEventLoopDelay({ resolution: 50 })
delay.enable()
const [cpu, began, before] = [process.cpuUsage(), performance.now(), published]
let most = 0
const watching = setInterval(() => { most = Math.max(most, residentMB()) }, 1000)
await new Promise(resolve => { setTimeout(resolve, 1000 * seconds) })
clearInterval(watching)
const used = process.cpuUsage(cpu)
const elapsed = performance.now() - began
const checks = published - before
process.send?.({
  cpuShare: (used.user + used.system) / 1000 / elapsed, megabytes: Math.max(most, residentMB()), checks, perSecond: checks * 1000 / elapsed, overdue: presence.overdue, worstLagMs: delay.max / 1e6, bytes: Buffer.byteLength(JSON.stringify(recorded)), heapMB: process.memoryUsage().heapUsed / 2 ** 20, waiting: presence.waiting,
})
await agent.stop()
rmSync(directory, { recursive: true, force: true })
process.disconnect()

/** Holds the assignment, and takes what is published. */
function everythingIsTaken (): Bus {
  const subscription: Subscription = { stop: () => Promise.resolve() }
  const never = () => Promise.reject(new Error('the bench does not ask'))
  const assignment: Assignment = {
    v: 1, revision: 1, vantage: 'bench', spec: { side: 'outside', resolver: { address: '127.0.0.1' } }, schedules: { default: {} }, managed: {},
    targets: Array.from({ length: pairs }, (_, at) => ({ id: `peer:d${at}.example:ours.example`, job: 'peer', domain: `d${at}.example`, ours: 'ours.example', schedule: 'default', profile: 'standard', expectedAddresses: [], allowNets: [] })),
  }
  const bus: Omit<Bus, 'documents'> = {
    publish: async ({ noun }, _, body) => { if (noun === 'observation') published += JSON.stringify(body).length > 0 ? 1 : 0 },
    subscribe: () => Promise.resolve(subscription), consume: () => Promise.resolve(subscription), extent: () => Promise.resolve({ first: 0, last: 0, made: 'bench' }),
    request: () => Promise.resolve({ failed: 'no-responders', says: 'the bench does not answer' }), serve: () => Promise.resolve(subscription),
    connected: true, onConnection: () => () => undefined, stop: () => Promise.resolve(),
  }
  const documents = (bucket: string): Documents<unknown> => ({
    get: never, list: never, remove: () => Promise.resolve(),
    put: async (_, document) => {
      if (bucket === 'presence') {
        const { targets, spool } = document as { targets: { overdue: number }, spool: { waiting: number } }
        presence = { overdue: targets.overdue, waiting: spool.waiting }
      }
      return 1
    },
    watch: async hear => {
      if (bucket !== 'presence') hear({ on: 'put', key: 'assignment', document: assignment, revision: 1 })
      hear({ on: 'ready' })
      return subscription
    },
  })
  return { ...bus, documents: type => Promise.resolve(documents(type.bucket)) } as Bus
}

function residentMB (): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) / 1024
}
