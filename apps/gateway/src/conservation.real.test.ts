// A hundred thousand stanzas through the engine over real sockets while in every second something of every kind goes wrong. A gateway lives until it is handed over to the next,
// or is drained, stopped and started where it is; at every moment and at the end of each life its sum is right, and the receivers have what it says they have.
import type { GatewayPresence, PairFacts } from '@dialtone/contracts'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { RANDOM } from '@dialtone/net'
import { createRelay, type Relay } from '@dialtone/relay'
import { afterEach, expect, it } from 'vitest'
import { createDiary, faultsOf, seedOf, type Fault } from './test-support/faults.ts'
import { KINDS, createPace, createStrikes, pause, until, type Kind } from './test-support/strikes.ts'
import { doorOf, scriptedFederation, type Change, type Door, type Scripted } from './test-support/federation.ts'

const STANZAS = Number(process.env['DIALTONE_SOAK_STANZAS'] ?? 100_000)
const SECRET = 'e3a5'.repeat(16)
/** A life is a hand-over or a drain and start away from the next; one after the other, without a pause. */
const LIFE_MS = 700
const TICK_MS = 10
const SAMPLE_MS = 10
/** For each pair at a time. */
const EACH = 8
/** The machine may have other things to do; but by then it hangs. */
const LATE_MS = 180_000

type Stanzas = GatewayPresence['stanzas']
type Life = { door: Door, relay: Relay, facts: Map<string, PairFacts>, at: Stanzas }

let ends: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of ends.toReversed()) await end()
  ends = []
})

for (const [name, gentle, stanzas] of [
  ['accounts for every stanza while streams are cut, servers killed, policies changed, peers drained and gateways handed over', false, STANZAS],
  // Nothing has an unknown fate then, behind which something else could be lost.
  ['loses nothing while all say goodbye before they go', true, STANZAS / 5],
] as const) it(name, async () => {
  const seed = seedOf('conservation')
  const diary = createDiary()
  const problems: string[] = []
  let current: Life
  const federation = await scriptedFederation(() => current.door)
  current = await begin(federation, 0)
  const lives = [current]
  ends.push(async () => { await Promise.all(lives.map(({ relay }) => relay.stop(AbortSignal.abort()))) }, federation.stop)
  await federation.start()

  const faults = faultsOf(seed, 300, KINDS)
  let revision = 1
  /** Of the current gateway, when it is not handed over but drained where it is. */
  let desired: 'running' | 'draining' = 'running'
  const change = (more: Change = {}): Change => ({ revision: ++revision, desired, ...strikes.wanted(), ...more })
  const apply = async () => { await configure(current, federation, change()) }
  const strikes = createStrikes({ federation, gentle, apply, retry: async () => { await current.relay.act({ act: 'retry' }).catch(() => undefined) } })
  const during = new Set<Promise<void>>()
  const happens = (fault: Fault<Kind>): void => {
    diary.note(`${fault.kind} ${fault.picks.join(' ')}`)
    const work = strikes.strike(fault).catch((error: unknown) => { problems.push(`${fault.kind}: ${String(error)}`) }).finally(() => during.delete(work))
    during.add(work)
  }

  let sampled = 0
  const sample = () => {
    for (const { relay, door } of lives) {
      sampled++
      const missing = missingOf(relay.presence().stanzas)
      if (missing !== 0 && problems.length < 10) problems.push(`life ${door.life}: ${missing} stanzas are missing from the sum ${JSON.stringify(relay.presence().stanzas)}`)
    }
  }
  const began = performance.now()
  const accepted = () => lives.reduce((sum, { relay, at }) => sum + Math.max(at.accepted, relay.presence().stanzas.accepted), 0)
  /** What is to go wrong, and has to have done so: a machine that is very busy authenticates late. */
  const wanted = ['acknowledged', 'written', 'bounced', ...(gentle ? [] : ['unknown-fate'] as const)] as const
  const some = (has: (stanzas: Stanzas) => boolean) => lives.some(({ relay, at }) => has(at) || has(relay.presence().stanzas))
  const happened = () => lives.length > 1 && (gentle || some(({ retried }) => retried > 0)) && wanted.every(of => some(({ outcomes }) => outcomes[of] > 0))
  const load = { over: false }
  const loads = (async () => {
    const pace = createPace(EACH)
    for (let next = 0, turn = began; (accepted() < stanzas || !happened()) && problems.length === 0;) {
      const now = performance.now()
      for (let fault = faults[next]; fault !== undefined && fault.at <= now - began; fault = faults[++next]) happens(fault)
      const due = pace()
      for (const each of federation.all) each.send(due)
      if (now - began > LATE_MS) problems.push(`only ${accepted()} were accepted, or not all has come about that should: ${JSON.stringify({ of: current.relay.presence(), ...current.relay.queues({}) })}`)
      for (; turn <= now; turn += SAMPLE_MS) sample()
      await pause(TICK_MS)
    }
    load.over = true
  })()
  // Lives, one after the other.
  for (let number = 1; !load.over; number++) {
    await pause(LIFE_MS)
    if (load.over) break
    const before = current
    if (number % 2 === 0) {
      diary.note(`life ${before.door.life} drains, stops and starts where it is`)
      desired = 'draining'
      await apply()
      await until(() => before.relay.presence().state === 'stopped', () => JSON.stringify(before.relay.presence()))
      const { stanzas: { queued, onStream } } = before.relay.presence()
      if (queued + onStream > 0) problems.push(`life ${before.door.life} has drained, and ${queued} stanzas wait, ${onStream} are on streams`)
      desired = 'running'
      await apply()
    } else {
      const next = await begin(federation, before.door.life + 1, change())
      lives.push(next)
      current = next
      diary.note(`life ${before.door.life} hands over to ${next.door.life}`)
      await configure(before, federation, change({ desired: 'draining' }))
      await until(() => before.relay.presence().state === 'stopped', () => JSON.stringify(before.relay.presence()))
      await endOf(before)
    }
  }
  await loads
  await Promise.all(during)
  await endOf(current)
  sample()

  const all = federation.arrivals.account(() => true)
  for (const life of lives) problems.push(...verdict(life, federation))
  problems.push(...federation.arrivals.strange.map(tag => `nobody sent ${tag}`))
  const sums = lives.map(({ at }) => at)
  const ended = (of: keyof Stanzas['outcomes']) => sums.reduce((sum, { outcomes }) => sum + outcomes[of], 0)
  const retried = sums.reduce((sum, each) => sum + each.retried, 0)
  process.stdout.write(`conservation: ${lives.length} lives, ${sampled} samples, ${((performance.now() - began) / 1000).toFixed(1)} s; ${JSON.stringify({ ...all, accepted: accepted(), acknowledged: ended('acknowledged'), written: ended('written'), unknown: ended('unknown-fate'), bounced: ended('bounced'), retried })}\n`)
  expect(problems, `DIALTONE_SOAK_SEED=${seed}; what happened last:\n${diary.text()}`).toEqual([])
  expect(accepted()).toBeGreaterThanOrEqual(stanzas)
  // What was to go wrong did.
  for (const of of wanted) expect(ended(of), of).toBeGreaterThan(0)
  expect(lives.length).toBeGreaterThan(1)
  if (gentle) expect({ unknown: ended('unknown-fate'), delivered: all.received }).toEqual({ unknown: 0, delivered: ended('acknowledged') + ended('written') })
  else expect(retried).toBeGreaterThan(0)
}, 240_000)

async function begin (federation: Scripted, life: number, change: Change = {}): Promise<Life> {
  const facts = new Map<string, PairFacts>()
  const relay = createRelay({
    gateway: 'edge', salt: 'salt', clock: { now: () => Date.now(), elapsed: () => performance.now() }, random: RANDOM, meter: NO_METER, logger: NO_LOGGER, tell: () => undefined,
    facts: fact => facts.set(`${fact.ours} ${fact.peer}`, fact), readSecret: async () => Buffer.from(SECRET),
  })
  const made = { door: await doorOf(life), relay, facts, at: relay.presence().stanzas }
  await configure(made, federation, change)
  return made
}

async function configure ({ relay, door }: Life, federation: Scripted, change: Change): Promise<void> {
  const wrong = await relay.configure(federation.assignment(door, change))
  if (wrong.length > 0) throw new Error(JSON.stringify(wrong))
}

async function endOf (life: Life): Promise<void> {
  await life.relay.stop()
  life.at = life.relay.presence().stanzas
}

/** What a life says at its end, held against what the receivers have of it; by pair, too. */
function verdict ({ door: { life }, at, facts }: Life, { arrivals, pairs }: Scripted): string[] {
  const wrong: string[] = []
  const must = (so: boolean, says: string) => { if (!so) wrong.push(`life ${life}: ${says}`) }
  const whole = arrivals.account(stream => stream.life === life)
  const shown = `${JSON.stringify(at)} and the receivers ${JSON.stringify(whole)}`
  must(missingOf(at) === 0 && at.queued === 0 && at.onStream === 0, `the sum at the end is not that of its outcomes: ${shown}`)
  must(at.accepted <= whole.sent && whole.received <= at.accepted, `more arrived than was accepted, or more was accepted than was sent: ${shown}`)
  must(whole.doubled <= at.retried, `more was doubled than retried: ${shown}`)
  must(whole.returned <= at.outcomes.bounced && whole.both <= at.retried, `more was returned than bounced, or was returned and arrived without having been retried: ${shown}`)
  must(whole.reordered === 0, `out of order: ${shown}`)
  for (const { ours, peer } of pairs) {
    const { received, doubled, reordered, returned } = arrivals.account(({ life: of, pair: { from, to } }) => of === life && ((from === ours && to === peer) || (from === peer && to === ours)))
    const outcomes = facts.get(`${ours} ${peer}`)?.stanzas.outcomes
    if (outcomes === undefined) {
      must(received + doubled + returned === 0, `nothing is known of ${ours} and ${peer}, and ${received} arrived`)
      continue
    }
    const accepted = Object.values(outcomes).reduce((sum, each) => sum + each, 0)
    const lost = accepted - received - outcomes.bounced - outcomes.expired - outcomes['dropped-by-rule']
    must(lost <= outcomes['unknown-fate'] && received <= accepted && returned <= outcomes.bounced && reordered === 0, `${ours} and ${peer}: ${lost} lost: ${JSON.stringify({ received, doubled, reordered, returned, outcomes })}`)
  }
  return wrong
}

function missingOf ({ accepted, outcomes, queued, onStream }: Stanzas): number {
  return accepted - queued - onStream - Object.values(outcomes).reduce((sum, count) => sum + count, 0)
}
