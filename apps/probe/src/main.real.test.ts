/** The agent as a process of its own, on a real NATS server with a user of its own, checking a peer of the zoo; killed, and its server killed. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { connectNats, natsAccounts, permissionsFor } from '@dialtone/bus'
import type { Bus, ObservationRecorded } from '@dialtone/contracts'
import { CheckNow, PresenceDocument } from '@dialtone/contracts/schemas'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { startNatsServer, type NatsServer } from '@dialtone/testkit'
import { SCENARIOS, startScenario, type RunningScenario } from '@dialtone/zoo'
import { VANTAGE, assign, assignmentOf, collect, presenceOf, targetOf } from './agent/test-support.ts'

const WAIT = { timeout: 40_000, interval: 50 }
const directory = mkdtempSync(join(tmpdir(), 'probe-real-'))
let server: NatsServer
let control: Bus
let scenario: RunningScenario
let seen: ObservationRecorded[]
/** Observations that had come when the first process was killed. */
let ofTheFirst = 0
const children: ChildProcess[] = []

beforeAll(async () => {
  server = await startNatsServer({ configuration: natsAccounts({ password: 'of control' }, { [VANTAGE]: { password: 'of the agent' } }) })
  control = await connectNats({ servers: server.url, name: 'control', credentials: { user: 'control', password: 'of control' }, inboxPrefix: permissionsFor({ app: 'control' }).inboxPrefix, meter: NO_METER, logger: NO_LOGGER })
  const healthy = SCENARIOS.find(({ name }) => name === 'healthy')
  if (healthy === undefined) throw new Error('the zoo has no healthy peer')
  scenario = await startScenario(healthy, AbortSignal.timeout(600_000))
  await control.documents(PresenceDocument, { create: true })
  await assign(control, assignmentOf(scenario, Array.from({ length: 4 }, (_, at) => targetOf(scenario, { id: `peer:${scenario.domain}:ours${at}.example` }))))
  seen = await collect(control)
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await control.stop()
  await scenario.stop()
  await server.stop()
  rmSync(directory, { recursive: true, force: true })
})

it('checks, and answers commands, with the rights of its vantage alone', async () => {
  run()
  await vi.waitUntil(() => seen.length >= 8, WAIT)
  expect(seen[0]).toMatchObject({ agent: 'one', vantage: VANTAGE })
  await vi.waitUntil(async () => (await presenceOf(control, 'one'))?.targets.mine === 4, WAIT)
  await vi.waitUntil(async () => {
    const asked = await control.request(CheckNow, [VANTAGE, 'any'], { check: 'real-1', target: seen[0]?.target ?? '', deep: false }, { timeoutMs: 5000 })
    return 'answer' in asked && asked.answer.accepted
  }, WAIT)
  await vi.waitUntil(() => seen.some(({ check }) => check === 'real-1'), WAIT)
})

it('loses and doubles nothing when it is killed, and goes on with what it knew', async () => {
  const [child] = children
  const gone = once(child ?? process, 'exit')
  child?.kill('SIGKILL')
  await gone
  const before = seen.length
  ofTheFirst = before
  run()
  await vi.waitUntil(() => seen.length > before + 8, WAIT)
  expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length)
})

it('spools while the server is away, and delivers every observation once when it is back', async () => {
  const before = await checksOf()
  await server.kill()
  const empty = spoolBytes()
  await vi.waitUntil(() => spoolBytes() > empty + 100_000, WAIT)
  await server.start()
  await vi.waitUntil(async () => {
    const presence = await presenceOf(control, 'one').catch(() => undefined)
    return presence !== undefined && presence.checks > before + 8 && presence.spool.waiting <= 2
  }, WAIT)
  const counted = await checksOf()
  await vi.waitUntil(() => new Set(seen.map(({ id }) => id)).size >= ofTheFirst + counted, WAIT)
  expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length)
  expect((await presenceOf(control, 'one'))?.spool.dropped).toBe(0)
}, 120_000)

it('ends in order, and leaves its presence at once', async () => {
  const child = children.at(-1)
  const ended = once(child ?? process, 'exit')
  child?.kill('SIGTERM')
  expect((await ended)[0]).toBe(0)
  await vi.waitUntil(async () => await presenceOf(control, 'one') === undefined, WAIT)
})

function run (): void {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--vantage', VANTAGE, '--agent', 'one', '--bus', server.url, '--state', join(directory, 'one'), '--bus-user', `probe-${VANTAGE}`, '--bus-password', 'env:BUS_PASSWORD', '--log-level', 'warn'], {
    env: { PATH: process.env['PATH'] ?? '', BUS_PASSWORD: 'of the agent' }, stdio: ['ignore', 'ignore', 'inherit'],
  })
  children.push(child)
}

async function checksOf (): Promise<number> {
  return (await presenceOf(control, 'one'))?.checks ?? 0
}

function spoolBytes (): number {
  const folder = join(directory, 'one', 'spool')
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}
