/**
 * streams: what a program holds with five thousand authenticated TLS streams from as many outside domains, half of them authenticated by certificate (EXTERNAL), half by
 * dialback: idle, and after each carried one message to the inside; and what a new stream of either kind costs. Ours after a forced collection, beside Debian's Prosody and
 * ejabberd, which deliver to a component. STREAMS is their number; what fewer gave is not kept.
 */
import { certificateOf, type KeyPair } from '@dialtone/testkit'
import { finish, machine, rounded } from '../bench-report.ts'
import { ADDRESSES, INSIDE, OUTSIDE } from './relay/names.ts'
import { startGateway } from './relay/ours.ts'
import { ejabberdToComponent, prosodyToComponent, type Program } from './relay/programs.ts'
import { cpuSeconds, residentMB } from './relay/usage.ts'
import { startWorld, type World } from './relay/world.ts'

const STREAMS = Number(process.env['STREAMS'] ?? 5000)
const BAR_MB = 400
/** All come from one address, for which the gateway has so many keys verified at once. */
const IN_FLIGHT = 8
const SIZE = 300
const QUIET_MS = 15_000

type Measured = { startMB: number, idleMB: number, carriedMB: number, externalPerSecond: number, externalCpuMs: number, dialbackPerSecond: number, dialbackCpuMs: number }

const world = await startWorld({ pairs: STREAMS })
try {
  const certificate = await certificateOf('good', `*.${OUTSIDE}`)
  const gateway = await startGateway(world, 'server')
  const ours = await measure(world, gateway, certificate, async () => { await gateway.helper.ask('collect', undefined) })
  const prosody = await measure(world, await prosodyToComponent(world), certificate)
  const ejabberd = await measure(world, await ejabberdToComponent(world), certificate)
  finish({
    bench: 'streams',
    machine: machine({ bench: process.pid }),
    ours: { streams: STREAMS, ...shown(ours) },
    peers: { prosody: { version: '0.12.3', ...shown(prosody) }, ejabberd: { version: '23.01', ...shown(ejabberd) }, bar: { megabytes: BAR_MB } },
    ratios: {
      bar: rounded(BAR_MB / ours.carriedMB), prosodyMemory: rounded(prosody.carriedMB / ours.carriedMB), ejabberdMemory: rounded(ejabberd.carriedMB / ours.carriedMB),
      prosodyExternal: rounded(prosody.externalCpuMs / ours.externalCpuMs), prosodyDialback: rounded(prosody.dialbackCpuMs / ours.dialbackCpuMs),
      ejabberdExternal: rounded(ejabberd.externalCpuMs / ours.externalCpuMs), ejabberdDialback: rounded(ejabberd.dialbackCpuMs / ours.dialbackCpuMs),
    },
  }, Object.entries({ ours, prosody, ejabberd }).map(([name, each]) =>
    `  ${name}: ${rounded(each.startMB, 0)} MB, with ${STREAMS} streams ${rounded(each.idleMB, 0)} MB, after a message on each ${rounded(each.carriedMB, 0)} MB; new streams: ` +
    `EXTERNAL ${rounded(each.externalPerSecond, 0)}/s, ${rounded(each.externalCpuMs)} CPU ms, dialback ${rounded(each.dialbackPerSecond, 0)}/s, ${rounded(each.dialbackCpuMs)} CPU ms`), STREAMS >= 5000)
  if (ours.carriedMB > BAR_MB) {
    console.error(`streams: above the bar of ${BAR_MB} MB`)
    process.exitCode = 1
  }
} finally {
  await world.stop()
}

/** Ends the program. Throws when a message is missing. */
async function measure ({ startOutside, startSink }: World, program: Program, certificate: KeyPair, collect?: () => Promise<void>): Promise<Measured> {
  const [outside, sink] = [startOutside(), startSink()]
  try {
    await program.attach(sink)
    await outside.ask('listen', { place: { address: ADDRESSES.outside, port: 5269 }, certificate })
    const settled = async (): Promise<number> => {
      await collect?.()
      return residentMB(program.pid)
    }
    const opened = async (how: 'external' | 'dialback', pairs: number): Promise<{ perSecond: number, cpuMs: number }> => {
      const before = cpuSeconds(program.pid)
      const { ms } = await outside.ask('open', { server: program.outside, to: INSIDE, pairs, tls: true, how, from: ADDRESSES.outside, size: SIZE, inFlight: IN_FLIGHT, ...(how === 'external' ? { certificate } : {}) })
      return { perSecond: pairs / ms * 1000, cpuMs: (cpuSeconds(program.pid) - before) * 1000 / pairs }
    }
    const startMB = await settled()
    const external = await opened('external', Math.floor(STREAMS / 2))
    const dialback = await opened('dialback', Math.ceil(STREAMS / 2))
    const idleMB = await settled()
    await sink.ask('expect', { pairs: STREAMS, each: 2, timed: false })
    await outside.ask('pace', { count: STREAMS, perSecond: 500 })
    await sink.ask('arrived', { count: STREAMS, quietMs: QUIET_MS })
    const { sent, closed, said } = await outside.ask('state', undefined)
    const report = await sink.ask('report', { sent })
    if (report.received !== STREAMS || closed > 0) throw new Error(`not every stream carried its message: ${JSON.stringify(report)}, ${closed} were closed with ${said.join('')}\n${program.logs().slice(-3000)}`)
    return { startMB, idleMB, carriedMB: await settled(), externalPerSecond: external.perSecond, externalCpuMs: external.cpuMs, dialbackPerSecond: dialback.perSecond, dialbackCpuMs: dialback.cpuMs }
  } finally {
    await Promise.all([outside.stop(), sink.stop()])
    await program.stop()
  }
}

function shown (measured: Measured): Record<keyof Measured, number> {
  return Object.fromEntries(Object.entries(measured).map(([name, value]) => [name, rounded(value)])) as Record<keyof Measured, number>
}
