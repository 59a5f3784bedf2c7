// `dialtone up` on a real NATS server: the same fleet, and what it remembers is there.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Agents, Overview } from '@dialtone/contracts'
import { startNatsServer } from '@dialtone/testkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ctrlC, killAll, startUp, type UpProcess } from './test-support/up-process.ts'

const PATIENCE_MS = 120_000
let dir = ''
beforeEach(async () => { dir = await mkdtemp(join(tmpdir(), 'dialtone-up-nats-')) })
afterEach(async () => {
  killAll()
  await rm(dir, { recursive: true, force: true })
})

async function asked<T> (up: UpProcess, path: string): Promise<T> {
  const response = await fetch((/URL +(\S+)/.exec(up.out())?.[1] ?? '') + path, { headers: { authorization: `Bearer ${(await readFile(join(dir, 'state/token'), 'utf8')).trim()}` } })
  expect(response.status, path).toBe(200)
  return await response.json() as T
}

it('names the causes over NATS, and another process takes over what it knew', { timeout: 3 * PATIENCE_MS }, async () => {
  const nats = await startNatsServer()
  try {
    const state = join(dir, 'state')
    const first = await startUp(state, '--bus', nats.url)
    expect(first.out(), first.errors()).toContain('A demo fleet on loopback')
    let causes = new Set<string>()
    for (const until = performance.now() + PATIENCE_MS; causes.size < 10 && performance.now() < until; await pause(200)) {
      causes = new Set((await asked<Overview>(first, '/v1/overview?limit=1000')).domains.map(({ cause }) => cause).filter(cause => cause !== 'healthy' && cause !== 'unknown'))
    }
    expect(causes.size).toBeGreaterThanOrEqual(10)
    expect((await asked<Agents>(first, '/v1/agents')).agents.map(({ vantage }) => vantage).toSorted()).toEqual(['inside', 'outside'])
    expect(await ctrlC(first), first.errors()).toBe(0)

    // What control remembered in its own file is made again from the stream.
    await rm(join(state, 'control.db'), { force: true })
    const second = await startUp(state, '--bus', nats.url, '--vantages', 'none')
    expect(second.out(), second.errors()).toContain('was printed at the first start')
    let again = new Set<string>()
    for (const until = performance.now() + PATIENCE_MS; again.size < 10 && performance.now() < until; await pause(200)) again = new Set((await asked<Overview>(second, '/v1/overview?limit=1000')).domains.map(({ cause }) => cause).filter(cause => cause !== 'healthy' && cause !== 'unknown'))
    expect(again.size).toBeGreaterThanOrEqual(10)
    expect(await ctrlC(second), second.errors()).toBe(0)
  } finally {
    await nats.stop()
  }
})

it('says so when no NATS server is there', { timeout: PATIENCE_MS }, async () => {
  const none = await startUp(join(dir, 'state'), '--bus', 'nats://127.0.0.1:1')
  expect(await none.ended).toBe(69)
  expect(none.errors()).toMatch(/no NATS server answers at nats:\/\/127\.0\.0\.1:1: start one with JetStream/)
})
