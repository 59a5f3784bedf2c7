import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, afterEach, expect, it, vi } from 'vitest'
import { main } from './main.ts'

const directory = mkdtempSync(join(tmpdir(), 'probe-main-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const said = { out: '', err: '' }
beforeEach(() => {
  Object.assign(said, { out: '', err: '' })
  vi.spyOn(process.stdout, 'write').mockImplementation(text => { said.out += String(text); return true })
  vi.spyOn(process.stderr, 'write').mockImplementation(text => { said.err += String(text); return true })
})
afterEach(() => vi.restoreAllMocks())

it('says what it can be told', async () => {
  expect(await main(['--help'], AbortSignal.abort())).toBe(0)
  for (const option of ['--vantage NAME', '--spool-megabytes N', '--spool-observations N']) expect(said.out).toContain(option)
})

it('is started sparing of memory by its launcher, like a gateway and no other app', () => {
  const flagsOf = (app: string) => {
    const environment = { ...process.env, NODE_OPTIONS: '--import=data:text/javascript,process.stderr.write(`FLAGS[${process.execArgv.join()}]`)' }
    return /.*FLAGS\[(.*?)\]/s.exec(spawnSync(process.execPath, [join(import.meta.dirname, '../../../bin/dialtone'), app, '--help'], { env: environment, encoding: 'utf8' }).stderr)?.[1]
  }
  expect(['probe', 'gateway', 'control'].map(flagsOf)).toEqual(['--max-semi-space-size=4', '--max-semi-space-size=1', ''])
}, 60_000)

for (const [name, args, code, says] of [
  ['an option that there is not', ['--colour', 'red'], 64, '--colour'],
  ['no vantage', ['--agent', 'a', '--state', directory, '--bus', 'nats://127.0.0.1:1'], 64, '--vantage is missing'],
  ['no bus', ['--agent', 'a', '--vantage', 'v', '--state', directory], 64, '--bus is missing'],
  ['a name that is none', ['--agent', 'A B', '--vantage', 'v', '--state', directory, '--bus', 'nats://127.0.0.1:1'], 78, '/agent'],
  ['a spool of no size', ['--agent', 'a', '--vantage', 'v', '--state', directory, '--bus', 'x', '--spool-megabytes', '0'], 78, '/limits/spoolMegabytes'],
  ['a spool that holds no number', ['--agent', 'a', '--vantage', 'v', '--state', directory, '--bus', 'x', '--spool-observations', 'many'], 78, '/limits/spoolObservations'],
  ['a place to listen that is none', ['--agent', 'a', '--vantage', 'v', '--state', directory, '--bus', 'x', '--http', 'here'], 64, '--http takes'],
  ['a level that is none', ['--agent', 'a', '--vantage', 'v', '--state', directory, '--bus', 'x', '--log-level', 'loud'], 64, '--log-level is one of'],
  ['a password without its reference', ['--agent', 'a', '--vantage', 'v', '--state', directory, '--bus', 'x', '--bus-user', 'u'], 64, '--bus-password is missing'],
] as const) {
  it(`refuses ${name} in one line`, async () => {
    expect(await main(args, AbortSignal.abort(), {})).toBe(code)
    expect(said.err).toContain(says)
    expect(said.err.trim().split('\n')).toHaveLength(1)
  })
}
