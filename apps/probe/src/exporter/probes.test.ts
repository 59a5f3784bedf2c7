import type { Observation } from '@dialtone/contracts'
import { createTelemetry } from '@dialtone/telemetry'
import { expect, it } from 'vitest'
import { met } from '../health/test-support.ts'
import { createProbes, type ProbeLimits } from './probes.ts'

it('a domain that is checked is not checked twice, and not again for some seconds', async () => {
  const { probes, checks, time, finish } = set()
  const both = [probes.probe('a.example', never()), probes.probe('a.example', never())]
  expect(checks).toHaveLength(1)
  finish('a.example')
  for (const probed of await Promise.all(both)) expect(probed).toMatchObject({ observation: { domain: 'a.example' } })
  time.pass(9000)
  expect(await probes.probe('a.example', never())).toHaveProperty('observation')
  expect(checks).toHaveLength(1)
  time.pass(2000)
  const third = probes.probe('a.example', never())
  expect(checks).toHaveLength(2)
  finish('a.example')
  await third
})

it('so many at once, so many in a minute', async () => {
  const { probes, time, finish } = set({ parallel: 2, perMinute: 3 })
  const first = [probes.probe('a.example', never()), probes.probe('b.example', never())]
  expect(await probes.probe('c.example', never())).toMatchObject({ busy: '2 checks are running: ask again soon' })
  finish('a.example')
  finish('b.example')
  await Promise.all(first)
  const third = probes.probe('c.example', never())
  finish('c.example')
  await third
  time.pass(20_000)
  expect(await probes.probe('d.example', never())).toEqual({ busy: '3 checks began in the last minute: ask less often', retryAfterSeconds: 40 })
  time.pass(40_000)
  const fourth = probes.probe('d.example', never())
  finish('d.example')
  expect(await fourth).toHaveProperty('observation')
})

it('who gives up is answered at once; the check ends when nobody waits for it', async () => {
  const { probes, checks, finish } = set()
  const [impatient, patient] = [new AbortController(), new AbortController()]
  const [first, second] = [probes.probe('a.example', impatient.signal), probes.probe('a.example', patient.signal)]
  impatient.abort()
  expect(await first).toEqual({ late: true })
  expect(checks[0]?.signal.aborted).toBe(false)
  patient.abort()
  expect(await second).toEqual({ late: true })
  expect(checks[0]?.signal.aborted).toBe(true)
  const next = probes.probe('a.example', never())
  expect(checks).toHaveLength(2)
  finish('a.example')
  expect(await next).toHaveProperty('observation')
})

it('a check that fails is told to all who wait, and forgotten', async () => {
  const { probes, checks } = set()
  const both = [probes.probe('a.example', never()), probes.probe('a.example', never())]
  checks[0]?.reject(new Error('no'))
  for (const each of both) await expect(each).rejects.toThrow('no')
  void probes.probe('a.example', never()).catch(() => undefined)
  expect(checks).toHaveLength(2)
  await probes.stop()
})

it('stops what is running', async () => {
  const { probes, checks } = set()
  const probed = probes.probe('a.example', never())
  await Promise.all([probes.stop(), expect(probed).rejects.toThrow()])
  expect(checks[0]?.signal.aborted).toBe(true)
})

type Check = { domain: string, signal: AbortSignal, resolve: (observation: Observation) => void, reject: (error: unknown) => void }

function set (limits: Partial<ProbeLimits> = {}) {
  let elapsed = 0
  const checks: Check[] = []
  const check = (domain: string, signal: AbortSignal): Promise<Observation> => new Promise((resolve, reject) => {
    checks.push({ domain, signal, resolve, reject })
    signal.addEventListener('abort', () => reject(new Error('aborted')))
  })
  const probes = createProbes({ check, clock: { now: () => elapsed, elapsed: () => elapsed }, meter: createTelemetry().meter, limits: { reuseMs: 10_000, parallel: 8, perMinute: 120, ...limits } })
  const finish = (domain: string): void => checks.findLast(each => each.domain === domain)?.resolve(met(domain, 'ok'))
  return { probes, checks, time: { pass: (ms: number) => { elapsed += ms } }, finish }
}

function never (): AbortSignal {
  return new AbortController().signal
}
