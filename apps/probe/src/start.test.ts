import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AgentPresence, CheckProgress as Told, Observation, ObservationRecorded, VantageSpec } from '@dialtone/contracts'
import { CheckNow, CheckProgress, ObservationRecorded as RecordedShape, PresenceDocument, ResetTarget, RunHook, firstProblem } from '@dialtone/contracts/schemas'
import { trustedRoot } from '@dialtone/zoo'
import { VANTAGE, assign, assignmentOf, collect, createStage, presenceOf, targetOf } from './agent/test-support.ts'
import type { Observe } from './agent/runner.ts'

const WAIT = { timeout: 12_000, interval: 25 }
let stage: ReturnType<typeof createStage>
beforeEach(() => { stage = createStage() })
afterEach(() => stage.close())

describe('an agent', () => {
  it('checks what it is told to, by the records and the resolver of its vantage, and says what it saw', async () => {
    const bus = stage.bus()
    const healthy = await stage.scenario('healthy')
    const seen = await collect(bus)
    await assign(bus, assignmentOf(healthy, [targetOf(healthy)], { spec: { anchors: { system: false, given: [await root()] } } }))
    await stage.agent('one', { bus })
    await vi.waitUntil(() => seen.length >= 2, WAIT)
    const [first] = seen
    expect(firstProblem(RecordedShape, first)).toBeUndefined()
    expect(first).toMatchObject({ agent: 'one', vantage: VANTAGE, target: `peer:${healthy.domain}`, job: 'control' })
    expect(first?.observation.endpoints.map(({ steps }) => steps.every(({ outcome }) => outcome === 'ok'))).toEqual([true])
    expect(first?.observation.endpoints[0]?.chain?.trust).toBe('trusted')
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length)
  })

  it('asks peers deeply, hears their callbacks at its own listener, and tells of it', async () => {
    const bus = stage.bus()
    const running = await stage.scenario('dialback-valid')
    const { deep } = running
    if (deep?.listener === undefined) throw new Error('the scenario has no listener')
    const secret = file('secret', deep.listener.secret)
    const seen = await collect(bus)
    await assign(bus, assignmentOf(running, [targetOf({ ...running, request: { ...running.request } }, { deep: { depth: 'probe', secret } })], {
      spec: { anchors: { system: false, given: [await root()] }, probeDomain: { domain: deep.as, secret, listen: [{ ...deep.listener.place }] }, timeoutsMs: { ...running.request.timeoutsMs, answer: 6000 } },
    }))
    await stage.agent('one', { bus })
    await vi.waitUntil(() => seen.some(({ observation }) => observation.deep !== undefined), WAIT)
    const observation = seen.find(({ observation }) => observation.deep !== undefined)?.observation
    expect(observation?.deep).toMatchObject({ depth: 'probe', as: deep.as })
    expect(observation?.deep?.connections.find(({ role }) => role === 'dialback')?.dialback?.answer?.type).toBe('valid')
    expect(observation?.deep?.callbacks.some(({ asked }) => asked?.answered === 'valid')).toBe(true)
    await vi.waitUntil(async () => ((await presenceOf(bus, 'one'))?.listener?.asked ?? 0) > 0, WAIT)
    const presence = await presenceOf(bus, 'one')
    expect(presence?.listener?.domain).toBe(deep.as)
    expect(presence?.secrets?.[deep.as]).toMatch(/^[0-9a-f]{32}$/)
    expect(JSON.stringify([presence, seen])).not.toContain(deep.listener.secret)
  })

  it('looks all the same where a secret cannot be read, and says which', async () => {
    const bus = stage.bus()
    const healthy = await stage.scenario('healthy')
    const seen = await collect(bus)
    await assign(bus, assignmentOf(healthy, [targetOf(healthy, { ours: 'ours.example', job: 'peer', deep: { depth: 'shared', secret: 'env:NOT_THERE' } })]))
    await stage.agent('one', { bus })
    await vi.waitUntil(() => seen.length > 0, WAIT)
    expect(seen[0]?.observation.deep).toBeUndefined()
    await vi.waitUntil(async () => (await presenceOf(bus, 'one'))?.findings.some(({ what, says }) => what === 'secret' && says.includes('env:NOT_THERE')) === true, WAIT)
  })

  it('stops while its vantage is paused, and goes on after', async () => {
    const bus = stage.bus()
    const { targets, seen } = await stubbed(bus, 3)
    await vi.waitUntil(() => seen.length >= 3, WAIT)
    await assign(bus, { ...targets, revision: 2, spec: { ...targets.spec, desired: 'paused' } })
    await vi.waitUntil(async () => (await presenceOf(bus, 'one'))?.state === 'paused', WAIT)
    expect(await ask(bus, 'peer:d0.example')).toMatchObject({ accepted: false, says: expect.stringContaining('paused') })
    const before = seen.length
    await assign(bus, { ...targets, revision: 3 })
    await vi.waitUntil(() => seen.length > before + 2, WAIT)
  })
})

describe('what an operator asks for', () => {
  it('is checked at once, with progress, and published under the id of the check', async () => {
    const bus = stage.bus()
    const healthy = await stage.scenario('healthy')
    const seen = await collect(bus)
    const told: Told[] = []
    await bus.subscribe(CheckProgress, [VANTAGE, 'check-1'], ({ body }) => { told.push(body) })
    await assign(bus, assignmentOf(healthy, [targetOf(healthy)], { schedules: { default: { desired: 'paused' } } }))
    await stage.agent('one', { bus })
    await vi.waitUntil(async () => (await presenceOf(bus, 'one'))?.targets.all === 1, WAIT)
    expect(await ask(bus, `peer:${healthy.domain}`, { check: 'check-1', to: 'any' })).toEqual({ agent: 'one', accepted: true })
    await vi.waitUntil(() => told.some(({ at }) => at === 'done') && seen.length > 0, WAIT)
    expect(seen.map(({ check }) => check)).toEqual(['check-1'])
    expect(told[0]?.at).toBe('started')
    expect(told.filter(({ at }) => at === 'step').map(({ stage }) => stage)).toContain('tls')
  })

  it('is refused with a reason and a time: unknown, no deep check, the budget', async () => {
    const bus = stage.bus()
    await stubbed(bus, 1, { connectionsPerTargetPerHour: 10 })
    await vi.waitUntil(async () => (await presenceOf(bus, 'one'))?.targets.all === 1, WAIT)
    expect(await ask(bus, 'peer:nobody.example')).toMatchObject({ accepted: false, says: 'this vantage has no such target' })
    expect(await ask(bus, 'peer:d0.example', { deep: true })).toMatchObject({ accepted: false, says: expect.stringContaining('deeply') })
    await vi.waitUntil(async () => {
      const answer = await ask(bus, 'peer:d0.example')
      return !answer.accepted && answer.says?.includes('budget') === true && (answer.retryAfterSeconds ?? 0) > 60
    }, WAIT)
    await vi.waitUntil(async () => ((await presenceOf(bus, 'one'))?.budget[0]?.connections ?? 0) > 5, WAIT)
  })

  it('may be a fresh start', async () => {
    const bus = stage.bus()
    await stubbed(bus, 3)
    await vi.waitUntil(async () => (await presenceOf(bus, 'one'))?.targets.all === 3, WAIT)
    expect(await bus.request(ResetTarget, [VANTAGE, 'one'], {}, { timeoutMs: 2000 })).toEqual({ answer: { targets: 3 } })
    expect(await bus.request(ResetTarget, [VANTAGE, 'any'], { target: 'peer:d1.example' }, { timeoutMs: 2000 })).toEqual({ answer: { targets: 1 } })
  })
})

it('says which hooks its file allows, and runs one that is asked of it by name', async () => {
  const bus = stage.bus()
  const hooksFile = join(stage.directory, 'hooks.json')
  writeFileSync(hooksFile, JSON.stringify({ servers: { chat: { status: { argv: ['/bin/echo', 'running'] } } } }), { mode: 0o600 })
  await stage.agent('one', { bus, config: { agent: 'one', vantage: VANTAGE, stateDirectory: join(stage.directory, 'one'), hooksFile } })
  await stage.agent('two', { bus })
  await vi.waitUntil(async () => await presenceOf(bus, 'one') !== undefined && await presenceOf(bus, 'two') !== undefined, WAIT)
  expect([(await presenceOf(bus, 'one'))?.hooks, (await presenceOf(bus, 'two'))?.hooks]).toEqual([{ chat: ['status'] }, {}])
  expect(await bus.request(RunHook, [VANTAGE, 'one'], { server: 'chat', hook: 'status' }, { timeoutMs: 5000 })).toMatchObject({ answer: { exitCode: 0, output: 'running\n' } })
  expect(await bus.request(RunHook, [VANTAGE, 'two'], { server: 'chat', hook: 'status' }, { timeoutMs: 5000 })).toMatchObject({ failed: 'refused' })
})

describe('several agents', () => {
  it('share the work, nothing twice and nothing forgotten, and take over from one that goes', async () => {
    const bus = stage.bus()
    const { seen } = await stubbed(bus, 40)
    const two = await stage.agent('two', { bus, observe: stub })
    await vi.waitUntil(async () => {
      const [one, other] = await Promise.all(['one', 'two'].map(name => presenceOf(bus, name)))
      return one !== undefined && other !== undefined && one.targets.mine + other.targets.mine === 40 && other.targets.mine > 5 && one.targets.mine > 5
    }, WAIT)
    await vi.waitUntil(() => seen.some(({ agent }) => agent === 'two'), WAIT)
    const byTwo = new Set(seen.filter(({ agent }) => agent === 'two').map(({ target }) => target))
    const after = seen.length
    await vi.waitUntil(() => seen.length > after + 40, WAIT)
    expect(seen.slice(after).filter(({ agent, target }) => agent === 'one' && byTwo.has(target))).toEqual([])
    await two.stop()
    await vi.waitUntil(async () => (await presenceOf(bus, 'one'))?.targets.mine === 40, WAIT)
    await vi.waitUntil(() => [...byTwo].every(target => seen.some((one, at) => at > after && one.agent === 'one' && one.target === target)), WAIT)
  }, 30_000)
})

describe('what is asked of an agent', () => {
  it('that it does not check is refused, naming the one that does; so it is by one that is paused', async () => {
    const bus = stage.bus()
    const { targets } = await stubbed(bus, 40, {}, 'one')
    await assign(bus, { ...targets, schedules: { default: { desired: 'paused' } } })
    await stage.agent('two', { bus, observe: stub })
    await vi.waitUntil(async () => (await Promise.all(['one', 'two'].map(async name => (await presenceOf(bus, name))?.targets.mine ?? 0))).reduce((a, b) => a + b) === 40 && (await presenceOf(bus, 'two'))?.targets.mine !== 0, WAIT)
    const answers = await Promise.all(targets.targets.map(({ id }) => ask(bus, id)))
    const others = targets.targets.filter((_, at) => answers[at]?.owner !== undefined).map(({ id }) => id)
    expect(others.length).toBe((await presenceOf(bus, 'two'))?.targets.mine)
    expect(answers.find(({ owner }) => owner !== undefined)).toMatchObject({ accepted: false, owner: 'two', says: expect.stringContaining('agent two checks this target') })
    expect(await ask(bus, others[0] ?? '', { to: 'two' })).toMatchObject({ accepted: true })
    await assign(bus, { ...targets, schedules: { default: { desired: 'paused' } }, revision: 8, spec: { ...targets.spec, pausedAgents: ['two'] } })
    await vi.waitUntil(async () => (await presenceOf(bus, 'two'))?.state === 'paused' && (await presenceOf(bus, 'one'))?.targets.mine === 40, WAIT)
    expect(await ask(bus, others[0] ?? '', { to: 'two' })).toMatchObject({ accepted: false, owner: 'one' })
    expect(await ask(bus, others[0] ?? '')).toMatchObject({ accepted: true })
  }, 30_000)

  it('waits for what the one that had it before has said: that peers refused it, and what it used of the budget', async () => {
    const bus = stage.bus()
    const healthy = await stage.scenario('healthy')
    const deep = { ours: 'ours.example', job: 'peer', deep: { depth: 'shared', secret: 'env:SECRET' } } as const
    const targets = Array.from({ length: 20 }, (_, at) => targetOf({ domain: `d${at}.example`, request: healthy.request }, deep))
    await assign(bus, assignmentOf(healthy, targets, { schedules: { default: { desired: 'paused' } }, spec: { connectionsPerTargetPerHour: 100 } }))
    const presences = await bus.documents(PresenceDocument, { create: true })
    const now = Date.now()
    await presences.put(`agent.${VANTAGE}.gone`, {
      v: 1, agent: 'gone', vantage: VANTAGE, version: '1', startedAt: new Date(now).toISOString(), at: new Date(now).toISOString(), state: 'running', findings: [], revision: 1, targets: { mine: 1, all: 20, failing: 0, overdue: 0 },
      spool: { waiting: 0, bytes: 0, dropped: 0 }, eventLoopLagMs: 0, checks: 0,
      budget: [{ domain: 'd1.example', connections: 100, of: 100 }], waits: [{ target: 'peer:d0.example', until: new Date(now + 400_000).toISOString() }, { target: 'peer:unknown.example', until: new Date(now + 400_000).toISOString() }],
    })
    await stage.agent('one', { bus, observe: stub, environment: { SECRET: 'a secret' } })
    await vi.waitUntil(async () => (await presenceOf(bus, 'one'))?.targets.all === 20, WAIT)
    await presences.remove(`agent.${VANTAGE}.gone`)
    await vi.waitUntil(async () => (await presenceOf(bus, 'one'))?.targets.mine === 20, WAIT)
    const refusal = await ask(bus, 'peer:d0.example', { deep: true })
    expect(refusal).toMatchObject({ accepted: false, says: expect.stringContaining('retry window') })
    expect(refusal.retryAfterSeconds).toBeGreaterThan(60)
    expect(await ask(bus, 'peer:d1.example')).toMatchObject({ accepted: false, says: expect.stringContaining('budget') })
    expect(await ask(bus, 'peer:d2.example', { deep: true })).toMatchObject({ accepted: true })
    await vi.waitUntil(async () => (await presenceOf(bus, 'one'))?.waits?.some(({ target }) => target === 'peer:d0.example') === true, WAIT)
  }, 30_000)
})

describe('several agents of which one is paused', () => {
  it('do its work too, until it is resumed', async () => {
    const bus = stage.bus()
    const { targets } = await stubbed(bus, 40)
    await stage.agent('two', { bus, observe: stub })
    const mine = async (name: string) => (await presenceOf(bus, name))?.targets.mine
    const state = async (name: string) => (await presenceOf(bus, name))?.state
    await vi.waitUntil(async () => (await mine('two') ?? 0) > 5, WAIT)
    await assign(bus, { ...targets, revision: 7, spec: { ...targets.spec, pausedAgents: ['two'] } })
    await vi.waitUntil(async () => await mine('one') === 40 && await mine('two') === 0 && await state('two') === 'paused', WAIT)
    expect(await state('one')).toBe('running')
    await assign(bus, { ...targets, revision: 8 })
    await vi.waitUntil(async () => (await mine('two') ?? 0) > 5 && await state('two') === 'running', WAIT)
  }, 30_000)
})

describe('without the bus', () => {
  it('works by what it kept on disk, spools what it sees, and delivers it once', async () => {
    const first = stage.bus()
    const { targets } = await stubbed(first, 5, {}, 'kept')
    await vi.waitUntil(async () => (await presenceOf(first, 'kept'))?.targets.all === 5, WAIT)
    await first.stop()
    await new Promise(resolve => setImmediate(resolve))
    await stage.stopAgents()

    // A bus that cannot be reached.
    const away = stage.bus()
    await away.stop()
    let checks = 0
    const counting: Observe = request => { checks++; return stub(request, { signal: AbortSignal.timeout(1000) }) }
    await stage.agent('kept', { bus: away, observe: counting })
    await vi.waitUntil(() => checks >= 10, WAIT)
    await stage.stopAgents()

    const again = stage.bus()
    const seen = await collect(again)
    await assign(again, { ...targets, schedules: { default: { desired: 'paused' } } })
    await stage.agent('kept', { bus: again, observe: stub })
    await vi.waitUntil(async () => seen.length >= 10 && (await presenceOf(again, 'kept'))?.spool.waiting === 0, WAIT)
    expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length)
    expect(seen.map(({ observation }) => observation.startedAt)).toEqual(seen.map(({ observation }) => observation.startedAt).sort())
  }, 30_000)

  it('refuses an assignment that is not its own, names the field, and keeps the old', async () => {
    const bus = stage.bus()
    const { targets, seen } = await stubbed(bus, 2)
    await vi.waitUntil(() => seen.length > 0, WAIT)
    await assign(bus, { ...targets, revision: 7, targets: targets.targets.map(target => ({ ...target, schedule: 'elsewhere' })) })
    let presence: AgentPresence | undefined
    await vi.waitUntil(async () => {
      presence = await presenceOf(bus, 'one')
      return presence?.findings.some(({ what }) => what === 'configuration')
    }, WAIT)
    expect(presence?.findings.find(({ what }) => what === 'configuration')?.says).toContain('/targets/0/schedule')
    expect(presence).toMatchObject({ revision: 1, targets: { all: 2 } })
  })
})

it('exposes what it saw: one series a domain in each metric, and none of domains that are gone', async () => {
  const bus = stage.bus()
  const { targets, agent } = await stubbed(bus, 3)
  const text = async () => { let all = ''; for await (const piece of agent.telemetry.expose()) all += piece; return all }
  await vi.waitUntil(async () => /dialtone_s2s_reachable\{vantage="zoo",domain="d2.example"\} 1/.test(await text()), WAIT)
  const perDomain = (await text()).split('\n').filter(line => line.includes('d2.example'))
  expect(perDomain.length).toBeLessThanOrEqual(6)
  expect(new Set(perDomain.map(line => line.split('{')[0])).size).toBe(perDomain.length)
  await assign(bus, { ...targets, revision: 2, targets: targets.targets.slice(0, 1) })
  await vi.waitUntil(async () => !(await text()).includes('d2.example'), WAIT)
})

it('refuses a configuration with a field that it does not know', async () => {
  const config = { agent: 'one', vantage: VANTAGE, stateDirectory: stage.directory, colour: 'red' }
  await expect(stage.agent('one', { bus: stage.bus(), config })).rejects.toThrow('/colour is not known')
})

function file (name: string, text: string): string {
  const path = join(stage.directory, name)
  writeFileSync(path, text)
  return `file:${path}`
}

async function root (): Promise<string> {
  return file('root.pem', await trustedRoot())
}

async function ask (bus: Parameters<typeof collect>[0], target: string, { deep = false, check = 'check-0', to = 'one' } = {}) {
  const asked = await bus.request(CheckNow, [VANTAGE, to], { check, target, deep }, { timeoutMs: 5000 })
  if (!('answer' in asked)) throw new Error(asked.says)
  return asked.answer
}

/** Agent `one` with targets whose checks are made up. */
async function stubbed (bus: Parameters<typeof collect>[0], count: number, spec: Partial<VantageSpec> = {}, name = 'one') {
  const healthy = await stage.scenario('healthy')
  const seen: ObservationRecorded[] = await collect(bus)
  const targets = assignmentOf(healthy, Array.from({ length: count }, (_, at) => targetOf({ domain: `d${at}.example`, request: healthy.request })), { spec })
  await assign(bus, targets)
  const agent = await stage.agent(name, { bus, observe: stub })
  return { targets, seen, agent }
}

/** A domain at which everything is well. */
const stub: Observe = async request => ({
  v: 1, domain: request.domain, vantage: request.vantage, startedAt: new Date().toISOString(), ms: 1,
  asked: { from: 'dialtone.invalid', resolver: '127.0.0.1:53', resolverTrusted: true, controlName: '.', overrides: [], fallbackPort: 5269, families: [4], depth: 'none', clientCertificate: false },
  dns: [], claim: [], certificates: {}, messages: {}, leftOut: 0,
  endpoints: [{
    id: 'one', kind: 'direct', source: 'srv', target: request.domain, port: 5270, address: '192.0.2.1', family: 4, received: 1, transcript: [],
    steps: [{ stage: 'tcp', outcome: 'ok', atMs: 0, ms: 1 }], header: { id: '1', contentNamespace: 'jabber:server', dialbackNamespace: false },
  } as unknown as Observation['endpoints'][number]],
})
