/**
 * relay: messages from authenticated outside domains to the inside, through the gateway (to a server, and to a component, XEP-0114), and in the same run through Debian's
 * Prosody and ejabberd, to a component, and through a Node process that only moves bytes. CPU time of the program, user and system, for each message: a flood in big writes,
 * plain and over STARTTLS; one message a write at 5,000/s over 200 pairs on 200 TLS streams. The programs take turns; medians of three. It fails when one message is not
 * accounted for. DIALTONE_BENCH_BYTES: the size of a message; RELAY_COUNT: how many in a flood; RELAY_ROUNDS; RELAY_PROGRAMS, RELAY_LOADS
 * (plain, tls, paced, stopped): only these, with commas, and then nothing is kept.
 */
import { finish, machine, median, rounded } from '../bench-report.ts'
import { startGateway } from './relay/ours.ts'
import { ejabberdToComponent, nothingBetween, pipeToServer, prosodyToComponent, type StartProgram } from './relay/programs.ts'
import { measure, type Load, type Measured } from './relay/run.ts'
import { startWorld } from './relay/world.ts'

const SIZE = Number(process.env['DIALTONE_BENCH_BYTES'] ?? 300)
const COUNT = Number(process.env['RELAY_COUNT'] ?? 100_000)
const ROUNDS = Number(process.env['RELAY_ROUNDS'] ?? 3)
const PACED = { pairs: 200, perSecond: 5000 }
/** How long the inside stops reading in the middle of a flood, and what may be resident at most, in all of it. */
const STOP_MS = 10_000
const BAR_MB = 150
/** Ratios that are wanted of the gateway before a server. */
const BARS: Readonly<Record<string, number>> = { ejabberd: 6, prosody: 12, ejabberdPaced: 2.5, memory: 1, memoryToComponent: 1 }

const LOADS = {
  plain: { tls: false, size: SIZE, count: COUNT },
  tls: { tls: true, size: SIZE, count: COUNT },
  paced: { tls: true, size: SIZE, count: 10 * PACED.perSecond, paced: PACED },
} satisfies Record<string, Load>
/** More than could be held. */
const STOPPED: Load = { ...LOADS.tls, count: 10 * COUNT, stopMs: STOP_MS }

const PROGRAMS = {
  ours: async world => await startGateway(world, 'server'),
  oursToComponent: async world => await startGateway(world, 'component'),
  prosody: prosodyToComponent,
  ejabberd: ejabberdToComponent,
  pipe: pipeToServer,
} satisfies Record<string, StartProgram>
type ProgramName = keyof typeof PROGRAMS
type LoadName = keyof typeof LOADS

const VERSIONS: Partial<Record<ProgramName, string>> = { prosody: '0.12.3', ejabberd: '23.01', pipe: process.version }

const chosen = namesOf(PROGRAMS).filter(name => process.env['RELAY_PROGRAMS']?.split(',').includes(name) ?? true)
const wanted = (load: string): boolean => process.env['RELAY_LOADS']?.split(',').includes(load) ?? true
const loads = namesOf(LOADS).filter(wanted)
const whole = ROUNDS >= 3 && loads.length === namesOf(LOADS).length && chosen.length === namesOf(PROGRAMS).length
const world = await startWorld({ pairs: PACED.pairs })
try {
  // What the bench itself can send and count, with nobody in between.
  const itself = await measure(world, nothingBetween, { ...LOADS.tls, count: 10 * COUNT })
  const all: { program: ProgramName, load: LoadName, measured: Measured }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    for (const load of loads) {
      for (const program of chosen) all.push({ program, load, measured: await measure(world, PROGRAMS[program], LOADS[load]) })
    }
  }
  const stopped = new Map<ProgramName, Measured>()
  for (const program of chosen) if (wanted('stopped') && (isOurs(program) || program === 'pipe')) stopped.set(program, await measure(world, PROGRAMS[program], STOPPED))

  const middle = (program: ProgramName, load: LoadName, of: (measured: Measured) => number, digits = 2): number =>
    rounded(median(all.filter(each => each.program === program && each.load === load).map(each => of(each.measured))), digits)
  const figures = new Map(chosen.map(program => [program, {
    plainCpuUs: middle(program, 'plain', each => each.cpuMicroseconds), tlsCpuUs: middle(program, 'tls', each => each.cpuMicroseconds), pacedCpuUs: middle(program, 'paced', each => each.cpuMicroseconds),
    plainPerSecond: middle(program, 'plain', each => each.perSecond, 0), tlsPerSecond: middle(program, 'tls', each => each.perSecond, 0), pacedPerSecond: middle(program, 'paced', each => each.perSecond, 0),
    p50Ms: middle(program, 'paced', each => each.report.p50Ms), p99Ms: middle(program, 'paced', each => each.report.p99Ms),
    peakMB: rounded(Math.max(...all.filter(each => each.program === program).map(each => each.measured.peakMB)), 0),
    ...(stopped.has(program) ? { stoppedPeakMB: rounded(stopped.get(program)?.peakMB ?? 0, 0) } : {}),
  }]))
  const shown = (program: ProgramName) => ({ ...(VERSIONS[program] === undefined ? {} : { version: VERSIONS[program] }), ...figures.get(program) })
  const ratios = ratiosOf(figures)
  finish({
    bench: 'relay',
    machine: machine({ bench: process.pid }),
    ours: { bytes: SIZE, ...figures.get('ours') },
    peers: { ...Object.fromEntries(chosen.filter(program => program !== 'ours').map(program => [program, shown(program)])), none: { tlsPerSecond: rounded(itself.perSecond, 0) }, bar: { ...BARS, megabytes: BAR_MB } },
    ratios,
  }, [
    `  ${COUNT} messages of ${SIZE} bytes in a flood; paced ${PACED.perSecond}/s over ${PACED.pairs} TLS streams; with nobody in between ${rounded(itself.perSecond, 0)}/s`,
    ...[...figures].map(([name, each]) =>
      `  ${name}: CPU µs ${each.plainCpuUs} plain, ${each.tlsCpuUs} TLS, ${each.pacedCpuUs} paced; ${each.plainPerSecond}/s, ${each.tlsPerSecond}/s; p50 ${each.p50Ms} ms, p99 ${each.p99Ms} ms; peak ${each.peakMB} MB` +
      (each.stoppedPeakMB === undefined ? '' : `, with the inside stopped for ${STOP_MS / 1000} s ${each.stoppedPeakMB} MB`)),
  ], whole)
  const missed = Object.entries(ratios).filter(([name, ratio]) => ratio < (BARS[name] ?? 0))
  if (missed.length > 0) {
    console.error(`relay: below the bar: ${missed.map(([name, ratio]) => `${name} ${ratio} of ${BARS[name]}`).join(', ')}`)
    process.exitCode = 1
  }
} finally {
  await world.stop()
}

type Figures = { plainCpuUs: number, tlsCpuUs: number, pacedCpuUs: number, peakMB: number, stoppedPeakMB?: number }

/** In the flood, the worse of plain and TLS. */
function ratiosOf (figures: ReadonlyMap<ProgramName, Figures>): Record<string, number> {
  const ratios: Record<string, number> = {}
  for (const [ourName, suffix] of [['ours', ''], ['oursToComponent', 'ToComponent']] as const) {
    const ours = figures.get(ourName)
    if (ours === undefined) continue
    for (const peer of ['ejabberd', 'prosody', 'pipe'] as const) {
      const theirs = figures.get(peer)
      if (theirs === undefined) continue
      ratios[`${peer}${suffix}`] = rounded(Math.min(theirs.plainCpuUs / ours.plainCpuUs, theirs.tlsCpuUs / ours.tlsCpuUs))
      ratios[`${peer}Paced${suffix}`] = rounded(theirs.pacedCpuUs / ours.pacedCpuUs)
    }
    ratios[`memory${suffix}`] = rounded(BAR_MB / Math.max(ours.peakMB, ours.stoppedPeakMB ?? 0))
  }
  return ratios
}

function isOurs (program: ProgramName): boolean {
  return program === 'ours' || program === 'oursToComponent'
}

function namesOf<K extends string> (record: Record<K, unknown>): K[] {
  return Object.keys(record) as K[]
}
