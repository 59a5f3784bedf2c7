/**
 * relay: messages from authenticated outside domains to an inside sink, through Debian's Prosody and ejabberd, which deliver to a component (XEP-0114). CPU time of the
 * program, user and system, for each message; a flood in big writes, plain and over STARTTLS, and one message a write at 5,000/s over 200 pairs on 200 TLS streams. The
 * programs take turns, medians of three; every message must be accounted for. DIALTONE_BENCH_BYTES: the size of a message; RELAY_COUNT: how many in a flood; RELAY_ROUNDS.
 */
import { finish, machine, median, rounded } from '../bench-report.ts'
import { ejabberdToComponent, nothingBetween, prosodyToComponent, type StartProgram } from './relay/programs.ts'
import { measure, type Load, type Measured } from './relay/run.ts'
import { startWorld } from './relay/world.ts'

const SIZE = Number(process.env['DIALTONE_BENCH_BYTES'] ?? 300)
const COUNT = Number(process.env['RELAY_COUNT'] ?? 100_000)
const ROUNDS = Number(process.env['RELAY_ROUNDS'] ?? 3)
const PACED = { pairs: 200, perSecond: 5000 }

const LOADS = {
  plain: { tls: false, size: SIZE, count: COUNT },
  tls: { tls: true, size: SIZE, count: COUNT },
  paced: { tls: true, size: SIZE, count: 10 * PACED.perSecond, paced: PACED },
} satisfies Record<string, Load>
type LoadName = keyof typeof LOADS

const PROGRAMS = { prosody: prosodyToComponent, ejabberd: ejabberdToComponent } satisfies Record<string, StartProgram>
type ProgramName = keyof typeof PROGRAMS

const world = await startWorld({ pairs: PACED.pairs })
try {
  // What the bench itself can send and count, with nobody in between.
  const itself = await measure(world, nothingBetween, { ...LOADS.tls, count: 10 * COUNT })
  const all: { program: ProgramName, load: LoadName, measured: Measured }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    for (const load of keysOf(LOADS)) {
      for (const program of keysOf(PROGRAMS)) all.push({ program, load, measured: await measure(world, PROGRAMS[program], LOADS[load]) })
    }
  }
  const middle = (program: ProgramName, load: LoadName, of: (measured: Measured) => number, digits = 2): number =>
    rounded(median(all.filter(each => each.program === program && each.load === load).map(each => of(each.measured))), digits)
  const figures = (program: ProgramName) => ({
    plainCpuUs: middle(program, 'plain', each => each.cpuMicroseconds), tlsCpuUs: middle(program, 'tls', each => each.cpuMicroseconds), pacedCpuUs: middle(program, 'paced', each => each.cpuMicroseconds),
    plainPerSecond: middle(program, 'plain', each => each.perSecond, 0), tlsPerSecond: middle(program, 'tls', each => each.perSecond, 0), pacedPerSecond: middle(program, 'paced', each => each.perSecond, 0),
    p50Ms: middle(program, 'paced', each => each.report.p50Ms), p99Ms: middle(program, 'paced', each => each.report.p99Ms),
    peakMB: Math.max(...keysOf(LOADS).map(load => middle(program, load, each => each.peakMB, 0))),
  })
  const [prosody, ejabberd] = [figures('prosody'), figures('ejabberd')]
  finish({
    bench: 'relay',
    machine: machine({ bench: process.pid }),
    ours: {},
    peers: { prosody: { version: '0.12.3', ...prosody }, ejabberd: { version: '23.01', ...ejabberd }, none: { tlsPerSecond: rounded(itself.perSecond, 0) } },
    ratios: {},
  }, [
    `  ${COUNT} messages of ${SIZE} bytes in a flood; paced ${PACED.perSecond}/s over ${PACED.pairs} TLS streams; with nobody in between ${rounded(itself.perSecond, 0)}/s`,
    ...Object.entries({ prosody, ejabberd }).map(([name, each]) =>
      `  ${name}: CPU µs ${each.plainCpuUs} plain, ${each.tlsCpuUs} TLS, ${each.pacedCpuUs} paced; ${each.plainPerSecond}/s, ${each.tlsPerSecond}/s; p50 ${each.p50Ms} ms, p99 ${each.p99Ms} ms; peak ${each.peakMB} MB`),
  ])
} finally {
  await world.stop()
}

function keysOf<K extends string> (record: Record<K, unknown>): K[] {
  return Object.keys(record) as K[]
}
