/**
 * ingest: observations of the zoo's scenarios, as 10,000 peers seen from three vantages, read from the embedded bus and judged: a first round in which all is new, and a
 * second in which one in fifty changed. The bar is one of a core: what is compared with it is CPU time. In the same run a plain program reads the same streams and inserts the same JSON into a table. INGEST_PEERS is the number of peers.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finish, machine, median, rounded } from '../bench-report.ts'
import type { Measured } from './ingest/consumer.ts'
import { zooObservations } from './ingest/templates.ts'

const PEERS = Number(process.env['INGEST_PEERS'] ?? 10_000)
const BAR = { perSecond: 2000, megabytes: 500 }

const folder = mkdtempSync(join(tmpdir(), 'dialtone-ingest-'))
try {
  const templates = await zooObservations()
  writeFileSync(join(folder, 'templates.json'), JSON.stringify(templates))
  const bytes = median(templates.map(({ length }) => length))
  run('fill.ts')
  const ours = run('consumer.ts', 'ours')
  const plain = run('consumer.ts', 'plain')
  const [first, again] = ours.rounds
  const [plainFirst, plainAgain] = plain.rounds
  if (first === undefined || again === undefined || plainFirst === undefined || plainAgain === undefined) throw new Error('a round is missing')
  const both = (rounds: Measured['rounds']) => rounds.reduce((sum, { observations }) => sum + observations, 0) / rounds.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
  finish({
    bench: 'ingest',
    machine: machine({ bench: process.pid, ours: ours.pid, plain: plain.pid }),
    ours: {
      peers: PEERS, scenarios: templates.length, medianBytes: bytes,
      newPerSecond: rounded(first.perSecond, 0), samePerSecond: rounded(again.perSecond, 0), perCpuSecond: rounded(both(ours.rounds), 0),
      newCpuMs: rounded(first.cpuMs, 3), sameCpuMs: rounded(again.cpuMs, 3), residentMB: rounded(ours.megabytes, 0), longestHoldMs: rounded(ours.longestHoldMs, 1), storeMB: rounded(ours.storeMB, 0),
    },
    peers: { plain: { insertsPerSecond: rounded(plainFirst.perSecond, 0), cpuMs: rounded(plainFirst.cpuMs, 3), storeMB: rounded(plain.storeMB, 0) }, bar: BAR },
    ratios: {
      plainNew: rounded(plainFirst.cpuMs / first.cpuMs), plainSame: rounded(plainAgain.cpuMs / again.cpuMs), barNew: rounded(1000 / first.cpuMs / BAR.perSecond), barSame: rounded(1000 / again.cpuMs / BAR.perSecond), memory: rounded(BAR.megabytes / ours.megabytes),
    },
  }, [
    `  ${PEERS} peers from 3 vantages, ${templates.length} scenarios of the zoo, median ${bytes} bytes`,
    `  all new: ${rounded(first.perSecond, 0)}/s, ${rounded(first.cpuMs, 3)} CPU ms each; most the same: ${rounded(again.perSecond, 0)}/s, ${rounded(again.cpuMs, 3)} CPU ms each; reading, judging and storing`,
    `  at most ${rounded(ours.megabytes, 0)} MB resident, the loop held for at most ${rounded(ours.longestHoldMs, 1)} ms, ${rounded(ours.storeMB, 0)} MB on disk`,
    `  reading and inserting the JSON: ${rounded(plainFirst.perSecond, 0)}/s, ${rounded(plainFirst.cpuMs, 3)} CPU ms each, ${rounded(plain.storeMB, 0)} MB on disk`,
  ])
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function run (program: string, ...args: string[]): Measured {
  const printed = execFileSync(process.execPath, [...process.execArgv, ...(process.env['INGEST_NODE_OPTIONS']?.split(' ') ?? []), join(import.meta.dirname, 'ingest', program), folder, String(PEERS), ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 20 })
  return JSON.parse(printed) as Measured
}
