// ladder: our CPU per complete deep check of one endpoint of a real Prosody: the light stages, EXTERNAL with our certificate, dialback without it, the
// callback and the pings heard by our listener. In the same run a blackbox exporter that only connects and shakes hands.
import { readFileSync } from 'node:fs'
import { DEFAULT_JUDGE_CONFIG, type Observation } from '@dialtone/contracts'
import { examine } from '@dialtone/checks'
import { observe, requestFor, startListener, type CheckRequest } from '@dialtone/ladder'
import { DIGEST } from '@dialtone/net'
import { keysOf } from '@dialtone/stream'
import { certificateOf, freePort, loopbackAddress, startBlackbox, startDns, startProsody, testRoot } from '@dialtone/testkit'
import { judge } from '@dialtone/verdict'
import { finish, machine, rounded } from '../bench-report.ts'

const CHECKS = Number(process.env['LADDER_COUNT'] ?? 1200)
const ROUNDS = 6
const IN_FLIGHT = 64
/** Each of those in flight has two peers in turn: when one's turn comes again, it has no stream to us left, and calls back anew. */
const PEERS = Array.from({ length: 2 * IN_FLIGHT }, (_, at) => `peer${at}.bench.example`)
const PROBE = 'probe.example'
const BAR_MS = 10
/** Clock ticks per second of /proc/PID/stat on Linux. */
const TICKS = 100

const place = { address: loopbackAddress(), port: 0 }
place.port = await freePort(place.address)
const dns = await startDns({ zones: [{ name: PROBE, records: [`_xmpp-server._tcp SRV 0 5 ${place.port} xmpp`, `xmpp A ${place.address}`] }] })
const root = await testRoot()
const ours = await certificateOf('good', PROBE)
const certificate = { certificate: ours.chain, key: ours.key }
const prosody = await startProsody({ hosts: PEERS, tls: 'optional', certificate: await certificateOf('good', '*.bench.example'), directTls: true, trusts: root, resolver: dns.resolver, quiet: true })
const blackbox = await startBlackbox({ serverName: PEERS[0] ?? '' })
const keys = keysOf('the secret of a benchmark, of more than 128 bits', DIGEST)
let callbacks = 0
// Everything comes from one address here.
const listener = await startListener({
  domain: PROBE, places: [{ ...place, kind: 'starttls' }], keys, certificate, anchors: { system: false, given: [root] },
  limits: { connectionsPerAddress: 500, accepts: 1e6, questions: 1e6 }, tell: ({ on }) => { if (on === 'connected') callbacks++ },
})
try {
  const pid = blackbox.pids[0] ?? 0
  await many(8 * IN_FLIGHT, deepCheck)
  await many(200, theirs)

  // In turns, so that whatever else the machine does falls on both.
  callbacks = 0
  let [oursMs, theirsMs, seconds] = [0, 0, 0]
  for (let round = 0; round < ROUNDS; round++) {
    const [before, began] = [process.cpuUsage(), performance.now()]
    await many(CHECKS / ROUNDS, deepCheck)
    const { user, system } = process.cpuUsage(before)
    oursMs += (user + system) / 1000 / CHECKS
    seconds += (performance.now() - began) / 1000
    const ticks = cpuTicks(pid)
    await many(CHECKS / ROUNDS, theirs)
    theirsMs += (cpuTicks(pid) - ticks) * 1000 / TICKS / CHECKS
  }
  const calledBack = callbacks / CHECKS

  finish({
    bench: 'ladder',
    machine: machine({ bench: process.pid, prosody: prosody.pids[0] ?? 0, blackbox: pid }),
    ours: { cpuMsPerDeepCheck: rounded(oursMs), checksPerSecond: rounded(CHECKS / seconds, 1), connectionsFromThePeerPerCheck: rounded(calledBack) },
    peers: { blackbox: { version: '0.23.0', cpuMsPerProbe: rounded(theirsMs) }, bar: { ms: BAR_MS } },
    ratios: { blackbox: rounded(theirsMs / oursMs), bar: rounded(BAR_MS / oursMs) },
  }, [
    `  ours: ${rounded(oursMs)} CPU ms per deep check (light, EXTERNAL, dialback, ${rounded(calledBack)} connections from the peer), ${rounded(CHECKS / seconds, 1)} checks/s`,
    `  blackbox exporter, TCP and TLS only: ${rounded(theirsMs)} CPU ms per probe`,
  ])
} finally {
  await listener.stop()
  await Promise.all([prosody.stop(), blackbox.stop(), dns.stop()])
}

async function deepCheck (worker: number, turn: number): Promise<void> {
  const observation = await observe(checkOf(PEERS[2 * worker + turn % 2] ?? ''), { signal: AbortSignal.timeout(60_000) })
  const wrong = whatIsMissing(observation)
  if (wrong !== undefined) throw new Error(`the deep check of ${observation.domain} is not complete: ${wrong}`)
  judge([observation], DEFAULT_JUDGE_CONFIG)
  examine(observation, DEFAULT_JUDGE_CONFIG)
}

function checkOf (domain: string): CheckRequest {
  return requestFor({
    domain, vantage: 'bench', resolver: { ...dns.resolver, trusted: true }, overrides: [{ host: prosody.address, port: prosody.port, kind: 'starttls' }], allowNets: ['127.0.0.0/8'], families: [4],
    anchors: { system: false, given: [root] }, secondLooks: false, clientCertificate: certificate,
    deep: { depth: 'probe', as: PROBE, keys, listener, publicAddresses: [], verifyPeers: false, quick: false, timeoutsMs: { warn: 15_000, answer: 30_000, ping: 15_000 } },
  })
}

function whatIsMissing ({ deep }: Observation): string | undefined {
  const [external, dialback] = ['external', 'dialback'].map(role => deep?.connections.find(connection => connection.role === role))
  if (deep?.listener?.published !== 'leads-here') return 'the records do not lead to the listener'
  if (external?.sasl?.success !== true || external.ping?.answer !== 'result') return `EXTERNAL: ${JSON.stringify(external?.steps)}`
  if (dialback?.dialback?.answer?.type !== 'valid' || dialback.ping?.answer !== 'result') return `dialback: ${JSON.stringify(dialback?.steps)}`
  return deep.callbacks.some(({ asked }) => asked?.answered === 'valid') ? undefined : 'no callback asked'
}

async function theirs (): Promise<void> {
  const response = await fetch(blackbox.probe('tls', { address: prosody.address, port: prosody.directTlsPort ?? 0 }))
  if (!/^probe_success 1$/m.test(await response.text())) throw new Error('the blackbox exporter failed')
}

async function many (count: number, work: (worker: number, turn: number) => Promise<void>): Promise<void> {
  let left = count
  await Promise.all(Array.from({ length: IN_FLIGHT }, async (_, worker) => {
    for (let turn = 0; left-- > 0; turn++) await work(worker, turn)
  }))
}

/** User and system time of a process, in ticks. */
function cpuTicks (pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')
  return Number(fields[11]) + Number(fields[12])
}
