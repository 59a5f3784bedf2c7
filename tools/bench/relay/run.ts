// One measurement: a program is started, attached to a sink, warmed up and loaded; what it used, and what became of every message.
import type { TallyReport } from '@dialtone/testkit'
import { ADDRESSES, INSIDE } from './names.ts'
import type { StartProgram } from './programs.ts'
import { cpuSeconds, peakMB } from './usage.ts'
import type { World } from './world.ts'

export type Load = {
  tls: boolean
  /** Bytes of a message. */
  size: number
  count: number
  /** Without it, a flood of one pair in big writes; else one message in each write, over so many pairs in turn. */
  paced?: { pairs: number, perSecond: number }
  /** The sink reads nothing for that long when a third has arrived. */
  stopMs?: number
}

export type Measured = {
  /** User and system time of the program, for each message. */
  cpuMicroseconds: number
  perSecond: number
  peakMB: number
  report: TallyReport
}

/** How long no message may arrive before what is missing counts as lost. */
const QUIET_MS = 15_000
/** Numbers to spare for the warm-up, as a part of the count. */
const WARM = 10

/** Throws when the messages that were sent, those that arrived and those that the program says it did not deliver do not add up, or when it did not deliver all. */
export async function measure (world: World, start: StartProgram, { tls, size, count, paced, stopMs }: Load): Promise<Measured> {
  const program = await start(world)
  const [outside, sink] = [world.startOutside(), world.startSink()]
  try {
    const pairs = paced?.pairs ?? 1
    await program.attach(sink)
    await outside.ask('listen', { place: { address: ADDRESSES.outside, port: 5269 } })
    await outside.ask('open', { server: program.outside, to: INSIDE, pairs, tls, how: 'dialback', from: ADDRESSES.outside, size, inFlight: 8 })
    const warm = Math.ceil(count / WARM / pairs) * pairs
    const load = async (messages: number): Promise<void> => {
      if (paced === undefined) await outside.ask('flood', { count: messages })
      else await outside.ask('pace', { count: messages, perSecond: paced.perSecond })
    }
    const total = warm + count
    await sink.ask('expect', { pairs, each: Math.ceil(total / pairs) + 1, timed: paced !== undefined, ...(stopMs === undefined ? {} : { stopAt: { at: warm + Math.floor(count / 3), ms: stopMs } }) })
    await load(warm)
    await sink.ask('arrived', { count: warm, quietMs: QUIET_MS })
    const [before, began] = [cpuSeconds(program.pid), performance.now()]
    await load(count)
    await sink.ask('arrived', { count: total, quietMs: QUIET_MS })
    const [used, seconds] = [cpuSeconds(program.pid) - before, (performance.now() - began) / 1000]
    const { sent, bounced, closed, said } = await outside.ask('state', undefined)
    const [report, accounts] = [await sink.ask('report', { sent }), await program.accounts()]
    const undelivered = Object.values(accounts.undelivered).reduce((sum, each) => sum + each, 0)
    const told = `${total} to be sent, ${JSON.stringify(report)}, and the program says ${JSON.stringify(accounts)}; ${bounced} errors came back, ${closed} streams were closed with ${said.join('')}\n${program.logs().slice(-3000)}`
    if (report.sent !== total || report.lost !== undelivered || (accounts.accepted ?? total) !== total || report.doubled + report.strange > 0) throw new Error(`the sum does not add up: ${told}`)
    // What is refused costs little.
    if (undelivered + report.reordered > 0) throw new Error(`not everything was delivered, in order: ${told}`)
    return { cpuMicroseconds: used * 1e6 / count, perSecond: count / seconds, peakMB: peakMB(program.pid), report }
  } finally {
    await Promise.all([outside.stop(), sink.stop()])
    await program.stop()
  }
}
