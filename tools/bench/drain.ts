/**
 * drain: a thousand busy TLS streams, one message a write, and in the middle the program is told to end in order: how long it takes, and what came of every message. Ours
 * must account for each that it accepted; beside it Debian's Prosody and ejabberd, which count nothing, so that what did not arrive is all that is known. DRAIN_STREAMS is
 * the number of streams.
 */
import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Conservation } from '@dialtone/contracts'
import type { TallyReport } from '@dialtone/testkit'
import { finish, machine, rounded } from '../bench-report.ts'
import { ADDRESSES, INSIDE } from './relay/names.ts'
import { accountsOf, startGateway } from './relay/ours.ts'
import { ejabberdToComponent, prosodyToComponent, type Program } from './relay/programs.ts'
import { startWorld, type World } from './relay/world.ts'

const STREAMS = Number(process.env['DRAIN_STREAMS'] ?? 1000)
const PER_SECOND = 2000
/** Sent before, and offered after, the word to end. */
const BUSY_SECONDS = 5
/** As in the configuration of ours. */
const DEADLINE_MS = 30_000
const QUIET_MS = 3000

type Drained = { ms: number, report: TallyReport, closed: number }

const world = await startWorld({ pairs: STREAMS })
try {
  const gateway = await startGateway(world, 'server')
  let stanzas: Conservation | undefined
  const ours = await drained(world, gateway, async () => {
    const { ms } = await gateway.helper.ask('stop', undefined)
    const presence = await gateway.helper.ask('presence', undefined)
    accountsOf(presence)
    stanzas = presence.stanzas
    return ms
  })
  if (stanzas === undefined) throw new Error('the gateway was not asked')
  const { accepted, outcomes, queued, onStream, retried } = stanzas
  const mayBeLost = outcomes['unknown-fate'] + outcomes.bounced + outcomes.expired + outcomes['dropped-by-rule']
  const lost = accepted - ours.report.received
  if (queued + onStream > 0 || lost > mayBeLost || lost < mayBeLost - outcomes['unknown-fate'] || ours.report.doubled > retried || ours.report.reordered + ours.report.strange > 0 || ours.ms > DEADLINE_MS) {
    throw new Error(`the sum does not add up after ${ours.ms} ms: the gateway says ${JSON.stringify(stanzas)}, the inside ${JSON.stringify(ours.report)}`)
  }
  const prosody = await ended(await prosodyToComponent(world))
  const ejabberd = await ended(await ejabberdToComponent(world))
  finish({
    bench: 'drain',
    machine: machine({ bench: process.pid }),
    ours: {
      streams: STREAMS, ms: rounded(ours.ms, 0), accepted, received: ours.report.received, lost, unknownFate: outcomes['unknown-fate'], bounced: outcomes.bounced, expired: outcomes.expired, dropped: outcomes['dropped-by-rule'],
      notAccepted: ours.report.sent - accepted,
    },
    peers: { prosody: { version: '0.12.3', ...shown(prosody) }, ejabberd: { version: '23.01', ...shown(ejabberd) }, bar: { ms: DEADLINE_MS } },
    ratios: { bar: rounded(DEADLINE_MS / ours.ms) },
  }, [
    `  ours: ${rounded(ours.ms, 0)} ms; of ${accepted} accepted ${ours.report.received} arrived, ${lost} did not, of which it says: ${outcomes.bounced} bounced, ${outcomes.expired} expired, ${outcomes['dropped-by-rule']} dropped, ${outcomes['unknown-fate']} of unknown fate; ${ours.report.sent - accepted} were written to it and not accepted`,
    ...Object.entries({ prosody, ejabberd }).map(([name, { ms, report }]) => `  ${name}: ${rounded(ms, 0)} ms; of ${report.sent} written to it ${report.received} arrived`),
  ], STREAMS >= 1000)
} finally {
  await world.stop()
}

/** A server that ends by SIGTERM. */
async function ended (program: Program): Promise<Drained> {
  return await drained(world, program, async () => {
    const began = performance.now()
    process.kill(program.pid, 'SIGTERM')
    while (existsSync(`/proc/${program.pid}/exe`) && performance.now() - began < DEADLINE_MS) await pause(10)
    return performance.now() - began
  })
}

/** `stop` ends the program in order, and resolves with how many milliseconds that took. */
async function drained ({ startOutside, startSink }: World, program: Program, stop: () => Promise<number>): Promise<Drained> {
  const [outside, sink] = [startOutside(), startSink()]
  try {
    await program.attach(sink)
    await outside.ask('listen', { place: { address: ADDRESSES.outside, port: 5269 } })
    await outside.ask('open', { server: program.outside, to: INSIDE, pairs: STREAMS, tls: true, how: 'dialback', from: ADDRESSES.outside, size: 300, inFlight: 8 })
    await sink.ask('expect', { pairs: STREAMS, each: Math.ceil(2 * BUSY_SECONDS * PER_SECOND / STREAMS) + 1, timed: false })
    const load = outside.ask('pace', { count: 2 * BUSY_SECONDS * PER_SECOND, perSecond: PER_SECOND })
    await pause(BUSY_SECONDS * 1000)
    const ms = await stop()
    await load
    await sink.ask('arrived', { count: Number.MAX_SAFE_INTEGER, quietMs: QUIET_MS })
    const { sent, closed } = await outside.ask('state', undefined)
    return { ms, closed, report: await sink.ask('report', { sent }) }
  } finally {
    await Promise.all([outside.stop(), sink.stop()])
    await program.stop()
  }
}

function shown ({ ms, report }: Drained): Record<string, number> {
  return { ms: rounded(ms, 0), sent: report.sent, received: report.received, lost: report.lost }
}
