// schedule: what an agent costs that checks ten thousand pairs every minute, all but the network: the schedule, requests, outlines, records on disk, delivery,
// metrics and presence. In place of the network stands a recorded observation of a healthy peer, given back after 200 ms. The bus takes everything.
// Bars: 5 % of a core, 200 MB resident. Measured in a process of its own, after every pair was checked once.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Observation } from '@dialtone/contracts'
import { observe, requestFor } from '@dialtone/ladder'
import { SCENARIOS, startScenario } from '@dialtone/zoo'
import { finish, machine, rounded } from '../bench-report.ts'

const PAIRS = Number(process.env['SCHEDULE_PAIRS'] ?? 10_000)
const SECONDS = Number(process.env['SCHEDULE_SECONDS'] ?? 60)

/** What is thrown away soon is thrown away sooner: 40 to 70 MB less resident, and no more CPU. As `dialtone probe` starts. */
const SPARING = ['--max-semi-space-size=4']

type Measured = { cpuShare: number, megabytes: number, checks: number, perSecond: number, overdue: number, worstLagMs: number, bytes: number, heapMB: number, waiting: number }

const child = fork(join(import.meta.dirname, 'schedule/agent.ts'), [String(PAIRS), String(SECONDS)], { execArgv: SPARING })
child.send(await record())
const [measured] = await once(child, 'message') as [Measured]
await once(child, 'exit')
finish({
  bench: 'schedule',
  machine: machine({ bench: process.pid, agent: child.pid ?? 0 }),
  ours: {
    pairs: PAIRS, seconds: SECONDS, checks: measured.checks, checksPerSecond: rounded(measured.perSecond, 1), cpuPercentOfACore: rounded(100 * measured.cpuShare), maxResidentMB: rounded(measured.megabytes, 0), overdue: measured.overdue,
    worstLoopLagMs: rounded(measured.worstLagMs, 1), observationBytes: measured.bytes, heapMB: rounded(measured.heapMB, 0), waitingInSpool: measured.waiting,
  },
  peers: {},
  ratios: { cpuBar: rounded(0.05 / measured.cpuShare), memoryBar: rounded(200 / measured.megabytes) },
}, [
  `  ${PAIRS} pairs, each every 60 s: ${rounded(measured.perSecond, 1)} checks/s of ${rounded(measured.bytes / 1000, 1)} kB for ${SECONDS} s`,
  `  ${rounded(100 * measured.cpuShare)} % of a core (bar 5), at most ${rounded(measured.megabytes, 0)} MB resident (bar 200), ${rounded(measured.heapMB, 0)} of them heap`,
  `  ${measured.overdue} overdue, ${measured.waiting} waiting in the spool, the loop held for at most ${rounded(measured.worstLagMs, 1)} ms`,
])

/** What a real check of a healthy peer of the zoo shows. */
async function record (): Promise<Observation> {
  const scenario = SCENARIOS.find(({ name }) => name === 'healthy')
  if (scenario === undefined) throw new Error('the zoo has no healthy peer')
  const running = await startScenario(scenario, AbortSignal.timeout(30_000))
  try {
    return await observe(requestFor(running.request), { signal: AbortSignal.timeout(30_000) })
  } finally {
    await running.stop()
  }
}
