/**
 * Stanzas through the gateway as a process that is killed (SIGKILL) again and again, or drained (SIGTERM), and started where it was, while in every second something else of every
 * kind goes wrong, too.
 *
 * What can be claimed across a kill: what the gateway had counted as acknowledged or written has arrived; so of what was sent to it, at most that is missing which it had not
 * counted yet, which waited, which was on streams that were open, or whose fate it said it did not know. (It acknowledges what it has taken, which is not what has arrived.)
 * Nothing comes twice but what a receiver had taken on a stream that broke off and that acknowledges, for its word may not have been read; nothing of an earlier life comes after something of a later one; within one stream
 * of a sender, order is kept.
 */
import { mkdtempSync, rmSync, writeFileSync, renameSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OUTCOMES } from '@dialtone/contracts'
import { freePort, loopbackAddress } from '@dialtone/testkit'
import { afterEach, expect, it } from 'vitest'
import { createDiary, faultsOf, seedOf } from './test-support/faults.ts'
import { doorOf, scriptedFederation, type Change } from './test-support/federation.ts'
import { startLoopbackGateway, type LoopbackGateway } from './test-support/loopback-gateway.ts'
import { KINDS, createPace, createStrikes, pause, until } from './test-support/strikes.ts'

const STANZAS = Number(process.env['DIALTONE_SOAK_STANZAS'] ?? 100_000)
const EACH = 10
/** From when it is ready until it is killed, at least; and up to as much more. */
const LIFE_MS = 1500
/** Every so many lives, it is stopped and not killed. */
const STOPPED_EVERY = 3

type Counted = { accepted: number, outcomes: Record<(typeof OUTCOMES)[number], number>, queued: number, onStream: number, retried: number }
type Life = { number: number, last: Counted | undefined, how: 'killed' | 'stopped' | 'drained' }

let ends: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of ends.toReversed()) await end()
  ends = []
})

it('accounts for every stanza across kills of its process', async () => {
  const seed = seedOf('conservation across kills')
  const diary = createDiary()
  const problems: string[] = []
  const door = await doorOf(0)
  const federation = await scriptedFederation(() => door)
  const { arrivals } = federation
  const directory = mkdtempSync(join(tmpdir(), 'dialtone-soak-'))
  const file = join(directory, 'assignment.json')
  writeFileSync(join(directory, 'secret'), 'e3a5'.repeat(16))
  const address = loopbackAddress()
  const http = { address, port: await freePort(address) }

  let revision = 0
  const write = (change: Change = {}) => {
    writeFileSync(`${file}.new`, JSON.stringify(federation.assignment(door, { revision: ++revision, secret: `file:${join(directory, 'secret')}`, ...strikes.wanted(), ...change })))
    renameSync(`${file}.new`, file)
  }
  let gateway: LoopbackGateway | undefined
  let serving = false
  /** Only when it hears: before, a SIGHUP ends it. */
  const apply = async (change?: Change) => {
    write(change)
    if (serving) gateway?.signal('SIGHUP')
    await Promise.resolve()
  }
  const strikes = createStrikes({ federation, apply, retry: () => Promise.resolve() })
  const start = async () => {
    gateway = startLoopbackGateway({ state: join(directory, 'state'), http, args: ['--assignment', file, '--log-level', 'warn'] })
    await gateway.untilReady()
    serving = true
  }
  ends.push(async () => {
    gateway?.signal('SIGKILL')
    await gateway?.ended
    rmSync(directory, { recursive: true, force: true })
  }, federation.stop)
  write()
  await federation.start()
  await start()

  const lives: Life[] = [{ number: 0, last: undefined, how: 'killed' }]
  const current = (): Life => lives.at(-1) as Life
  let sampled = 0
  const sample = async (): Promise<void> => {
    const life = current()
    const counted = countedIn(await gateway?.metrics())
    if (counted === undefined || current() !== life) return
    sampled++
    life.last = counted
    if (missingOf(counted) !== 0) problems.push(`life ${life.number}: ${missingOf(counted)} are missing from the sum ${JSON.stringify(counted)}`)
  }

  const faults = faultsOf(seed, 300, KINDS)
  const during = new Set<Promise<void>>()
  const began = performance.now()
  const ended = (as: Life['how']) => lives.slice(0, -1).filter(({ how }) => how === as).length
  const enough = () => problems.length > 0 || (arrivals.account(() => true).sent >= STANZAS && ended('killed') >= 4 && ended('stopped') >= 1)
  const load = { over: false }
  const loads = (async () => {
    const pace = createPace(EACH)
    for (let next = 0, sampledAt = 0, turn = 0; !load.over; turn++) {
      const now = performance.now()
      for (let fault = faults[next]; fault !== undefined && fault.at <= now - began; fault = faults[++next]) {
        diary.note(`${fault.kind} ${fault.picks.join(' ')}`)
        const work = strikes.strike(fault).catch((error: unknown) => { problems.push(String(error)) }).finally(() => during.delete(work))
        during.add(work)
      }
      const due = pace()
      for (const each of federation.all) each.send(due)
      if (serving && now - sampledAt > 200) {
        sampledAt = now
        await sample()
      }
      await pause(10)
    }
  })()

  // A kill each, with times by the seed.
  const deaths = faultsOf(seed + 1, 300, ['death'])
  for (let number = 1; !enough(); number++) {
    await pause(LIFE_MS + (deaths[number]?.picks[0] ?? 0) % LIFE_MS)
    if (enough()) break
    const life = current()
    // Else there would be nothing to hold against what has arrived.
    await until(() => settled(life) > 0 || problems.length > 0, () => `nothing leaves: ${JSON.stringify(life)}`)
    life.how = number % STOPPED_EVERY === 0 ? 'stopped' : 'killed'
    diary.note(`life ${life.number} is ${life.how}`)
    serving = false
    gateway?.signal(life.how === 'killed' ? 'SIGKILL' : 'SIGTERM')
    const code = await gateway?.ended
    if (life.how === 'stopped' && code !== 0) problems.push(`stopped, it ended with ${code}: ${gateway?.logs().slice(-2000)}`)
    // Who is connected is told by the kernel; what comes from now on is for the next.
    door.life = number
    lives.push({ number, last: undefined, how: 'killed' })
    await start()
  }
  load.over = true
  await loads
  await Promise.all(during)
  // The last one drains, and is asked once more when nothing happens any more.
  const last = current()
  last.how = 'drained'
  await apply({ desired: 'draining' })
  await until(async () => (await gateway?.ready())?.includes('stopped') === true, () => `it does not drain: ${gateway?.logs().slice(-3000)}`)
  await until(async () => {
    await sample()
    return last.last?.queued === 0 && last.last.onStream === 0
  }, () => `something is left: ${JSON.stringify(last)}`)

  const all = arrivals.account(() => true)
  for (const life of lives) problems.push(...verdict(life))
  const { unexplained } = arrivals
  if (unexplained.length > 0) problems.push(`${unexplained.length} of ${all.doubled} came twice, and the stream on which they had come does not acknowledge, or had ended in agreement: ${unexplained.slice(0, 5).join(' ')}`)
  if (arrivals.late > 0) problems.push(`${arrivals.late} came after one that was sent to a later gateway`)
  problems.push(...arrivals.strange.map(tag => `nobody sent ${tag}`))
  process.stdout.write(`conservation across kills: ${lives.length} lives (${lives.filter(({ how }) => how === 'killed').length} killed), ${sampled} samples, ${((performance.now() - began) / 1000).toFixed(1)} s; ${JSON.stringify(all)}\n`)
  expect(problems, `DIALTONE_SOAK_SEED=${seed}; what happened last:\n${diary.text()}`).toEqual([])
  expect(lives.filter(life => life.how === 'killed' && settled(life) > 0).length).toBeGreaterThanOrEqual(4)
  expect(lives.some(({ how }) => how === 'stopped')).toBe(true)

  function verdict ({ number, last: counted, how }: Life): string[] {
    const { sent, received, doubled, reordered } = arrivals.account(({ life }) => life === number)
    const shown = `life ${number} (${how}): ${JSON.stringify(counted)}, ${received} of ${sent} arrived`
    if (reordered > 0) return [`${reordered} came out of order: ${shown}`]
    if (counted === undefined) return []
    const { accepted, outcomes: { acknowledged, written }, queued, onStream, retried } = counted
    if (accepted > sent) return [`more was accepted than was sent: ${shown}`]
    if (received < acknowledged + written) return [`less arrived than was acknowledged or written: ${shown}`]
    return how === 'drained' && (queued + onStream > 0 || received > accepted || doubled > retried) ? [`the sum at the end is wrong: ${shown}`] : []
  }
}, 240_000)

/** Its counters, all of one moment: they are set once a second. */
function countedIn (metrics: Map<string, number> | undefined): Counted | undefined {
  const accepted = metrics?.get('dialtone_gateway_stanzas_accepted_total')
  if (metrics === undefined || accepted === undefined) return undefined
  const of = (name: string) => metrics.get(`dialtone_gateway_${name}`) ?? 0
  const outcomes = Object.fromEntries(OUTCOMES.map(outcome => [outcome, of(`stanzas_total{outcome="${outcome}"}`)])) as Counted['outcomes']
  return { accepted, outcomes, queued: of('queue_stanzas'), onStream: of('stanzas_on_stream'), retried: of('stanzas_retried_total') }
}

function settled ({ last }: Life): number {
  return (last?.outcomes.acknowledged ?? 0) + (last?.outcomes.written ?? 0)
}

function missingOf ({ accepted, outcomes, queued, onStream }: Counted): number {
  return accepted - queued - onStream - Object.values(outcomes).reduce((sum, count) => sum + count, 0)
}
