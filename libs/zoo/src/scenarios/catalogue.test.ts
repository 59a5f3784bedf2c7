import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { CAUSES } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { networkOf, startScenario } from '../start-scenario.ts'
import { NOT_SHOWN, SCENARIOS } from './catalogue.ts'

it('gives every scenario its own name and its own addresses', () => {
  const names = SCENARIOS.map(({ name }) => name)
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
  expect(names.filter(name => !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name))).toEqual([])
  const networks = names.map(networkOf)
  expect(names.filter((_, at) => networks.indexOf(networks[at] ?? '') !== at)).toEqual([])
})

it('shows each cause or says why not', () => {
  const shown = new Set(SCENARIOS.map(({ expects }) => expects.cause))
  expect(CAUSES.filter(cause => shown.has(cause) === (cause in NOT_SHOWN))).toEqual([])
})

it('starts every scenario at once, and ends with nothing left that keeps a process alive', async () => {
  const program = `
    const { SCENARIOS, startScenario } = await import(${JSON.stringify(new URL('../index.ts', import.meta.url).href)})
    const running = await Promise.all(SCENARIOS.map(scenario => startScenario(scenario, new AbortController().signal)))
    const ports = running.map(({ request }) => request.resolver.port > 0 && request.fallbackPort > 0)
    await Promise.all(running.map(({ stop }) => stop()))
    await Promise.all(running.map(({ stop }) => stop()))
    process.stdout.write(String(ports.filter(Boolean).length))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { timeout: 14_000 })
  expect(Number(stdout)).toBe(SCENARIOS.length)
})

it('does not start what is aborted, and stops what is aborted later', async () => {
  const scenario = SCENARIOS[0]
  if (scenario === undefined) throw new Error('no scenarios')
  await expect(startScenario(scenario, AbortSignal.abort())).rejects.toThrow(/aborted/)
  const aborting = new AbortController()
  const running = await startScenario(scenario, aborting.signal)
  aborting.abort()
  await running.stop()
  const again = await startScenario(scenario, new AbortController().signal)
  expect(again.request.domain).toBe('partner.example')
  await again.stop()
})
