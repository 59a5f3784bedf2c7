// check: our CPU per light check of one STARTTLS endpoint of a real Prosody, beside a blackbox exporter that only connects and shakes hands;
// then ten thousand domains in one process, a tenth of which hang to their time-outs.
import { createServer } from 'node:net'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { DEFAULT_JUDGE_CONFIG } from '@dialtone/contracts'
import { examine } from '@dialtone/checks'
import { DEFAULT_TIMEOUTS, observe, requestFor, type CheckRequest } from '@dialtone/ladder'
import { certificateOf, freePort, loopbackAddress, startBlackbox, startProsody, testRoot } from '@dialtone/testkit'
import { judge } from '@dialtone/verdict'
import { finish, machine, rounded } from '../bench-report.ts'

const CHECKS = Number(process.env['CHECK_COUNT'] ?? 1500)
const FLEET = Number(process.env['CHECK_FLEET'] ?? 10_000)
const IN_FLIGHT = 64
const DOMAIN = 'bench.example'
/** Clock ticks per second of /proc/PID/stat on Linux. */
const TICKS = 100

const prosody = await startProsody({ hosts: [DOMAIN], tls: 'optional', certificate: await certificateOf('good', DOMAIN), directTls: true })
const blackbox = await startBlackbox({ serverName: DOMAIN })
const root = await testRoot()
try {
  const request = checkOf(prosody.port)
  await many(100, IN_FLIGHT, () => ours(request))
  await many(100, IN_FLIGHT, theirs)

  const before = process.cpuUsage()
  const began = performance.now()
  await many(CHECKS, IN_FLIGHT, () => ours(request))
  const used = process.cpuUsage(before)
  const seconds = (performance.now() - began) / 1000
  const oursMs = (used.user + used.system) / 1000 / CHECKS

  const pid = blackbox.pids[0] ?? 0
  const ticks = cpuTicks(pid)
  await many(CHECKS, IN_FLIGHT, theirs)
  const theirsMs = (cpuTicks(pid) - ticks) * 1000 / TICKS / CHECKS

  const fleet = await runFleet(request)
  finish({
    bench: 'check',
    machine: machine({ bench: process.pid, prosody: prosody.pids[0] ?? 0, blackbox: pid }),
    ours: { cpuMsPerCheck: rounded(oursMs), checksPerSecond: rounded(CHECKS / seconds, 1), fleetDomains: FLEET, fleetSeconds: rounded(fleet.seconds, 1), fleetMaxResidentMB: rounded(fleet.megabytes, 0) },
    peers: { blackbox: { version: '0.23.0', cpuMsPerProbe: rounded(theirsMs) } },
    ratios: { blackbox: rounded(theirsMs / oursMs), memory: rounded(400 / fleet.megabytes) },
  }, [
    `  ours: ${rounded(oursMs)} CPU ms per light check, ${rounded(CHECKS / seconds, 1)} checks/s, ${IN_FLIGHT} in flight`,
    `  blackbox exporter, TCP and TLS only: ${rounded(theirsMs)} CPU ms per probe`,
    `  ${FLEET} domains, ${Math.round(FLEET / 10)} of them hanging: ${rounded(fleet.seconds, 1)} s, at most ${rounded(fleet.megabytes, 0)} MB resident`,
  ])
} finally {
  await Promise.all([prosody.stop(), blackbox.stop()])
}

function checkOf (port: number): CheckRequest {
  return requestFor({
    domain: DOMAIN, vantage: 'bench', resolver: { address: '127.0.0.1', port: 53, trusted: true }, overrides: [{ host: prosody.address, port, kind: 'starttls' }],
    allowNets: ['127.0.0.0/8'], families: [4], anchors: { system: false, given: [root] }, secondLooks: false,
  })
}

async function ours (request: CheckRequest): Promise<void> {
  const observation = await observe(request, { signal: AbortSignal.timeout(60_000) })
  const { cause, sentence } = judge([observation], DEFAULT_JUDGE_CONFIG)
  if (cause !== 'healthy' || examine(observation, DEFAULT_JUDGE_CONFIG).length === 0) throw new Error(`the peer of the benchmark is ${cause}: ${sentence}`)
}

async function theirs (): Promise<void> {
  const response = await fetch(blackbox.probe('tls', { address: prosody.address, port: prosody.directTlsPort ?? 0 }))
  if (!/^probe_success 1$/m.test(await response.text())) throw new Error('the blackbox exporter failed')
}

/** Nine tenths are answered, one tenth accepts and says nothing; all verdicts are taken and forgotten. */
async function runFleet (request: CheckRequest): Promise<{ seconds: number, megabytes: number }> {
  const silent = createServer(socket => { socket.on('error', () => undefined) })
  const at = { address: loopbackAddress(), port: 0 }
  at.port = await freePort(at.address)
  silent.listen(at.port, at.address)
  await once(silent, 'listening')
  let most = 0
  const watch = setInterval(() => { most = Math.max(most, process.memoryUsage.rss()) }, 50)
  const began = performance.now()
  const hanging = { ...request, overrides: [{ host: at.address, port: at.port, kind: 'starttls' as const }], timeoutsMs: DEFAULT_TIMEOUTS }
  const hung = Math.round(FLEET / 10)
  await Promise.all([
    many(hung, hung, async () => { judge([await observe(hanging, { signal: AbortSignal.timeout(120_000) })], DEFAULT_JUDGE_CONFIG) }),
    many(FLEET - hung, IN_FLIGHT, () => ours(request)),
  ])
  clearInterval(watch)
  silent.close()
  return { seconds: (performance.now() - began) / 1000, megabytes: most / 2 ** 20 }
}

async function many (count: number, parallel: number, work: () => Promise<void>): Promise<void> {
  let left = count
  await Promise.all(Array.from({ length: Math.min(parallel, count) }, async () => {
    while (left-- > 0) await work()
  }))
}

/** User and system time of a process, in ticks. */
function cpuTicks (pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')
  return Number(fields[11]) + Number(fields[12])
}
