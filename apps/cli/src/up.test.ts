// `dialtone up` as a person meets it: a process, its first screen, the requests that it proposes, Ctrl-C, and the second start.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Overview } from '@dialtone/contracts'
import { FLEET_EXPECTED } from '@dialtone/zoo'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { MAIN, ROOT, ctrlC, killAll, startUp, type UpProcess } from './test-support/up-process.ts'

/** A machine that tests everything else, too. */
const PATIENCE_MS = 120_000

let dir = ''
beforeEach(async () => { dir = await mkdtemp(join(tmpdir(), 'dialtone-up-')) })
afterEach(async () => {
  killAll()
  await rm(dir, { recursive: true, force: true })
})

async function asked<T> (up: UpProcess, path: string): Promise<T> {
  const url = /URL +(\S+)/.exec(up.out())?.[1] ?? ''
  const response = await fetch(url + path, { headers: { authorization: `Bearer ${(await readFile(join(dir, 'state/token'), 'utf8')).trim()}` } })
  expect(response.status, path).toBe(200)
  return await response.json() as T
}

async function causesOf (up: UpProcess): Promise<Set<string>> {
  const { domains } = await asked<Overview>(up, '/v1/overview?limit=1000')
  return new Set(domains.map(({ cause }) => cause).filter(cause => cause !== 'healthy' && cause !== 'unknown'))
}

function dialtone (...args: string[]): Promise<{ stdout: string }> {
  return promisify(execFile)(process.execPath, [MAIN, ...args], { env: { ...process.env, NO_COLOR: '1', DIALTONE_STATE: join(dir, 'state') } })
}

it('names ten causes within 15 s of being ready; what it prints works as printed; Ctrl-C stops it, and a second start remembers', { timeout: 3 * PATIENCE_MS }, async () => {
  const first = await startUp(join(dir, 'state'))
  expect(first.out(), first.errors()).toMatch(/^URL +http:\/\/127\.0\.0\.1:\d+\nToken +\S{20,}\n/)
  expect(first.out()).toContain('scaled down')
  let causes = new Set<string>()
  for (let waited = 0; causes.size < 10 && waited < PATIENCE_MS; waited = performance.now() - first.readyAt) {
    await pause(200)
    causes = await causesOf(first)
  }
  const seconds = (performance.now() - first.readyAt) / 1000
  expect([...causes].toSorted().length).toBeGreaterThanOrEqual(10)
  expect(seconds).toBeLessThan(15)

  const lines = first.out().split('\n').filter(line => /^ {2}\S/.test(line)).map(line => line.trim())
  expect(lines.filter(line => line.startsWith('curl '))).toHaveLength(4)
  for (const line of lines) {
    const { stdout } = await promisify(execFile)('bash', ['-c', line], { cwd: ROOT, env: { ...process.env, NO_COLOR: '1' } }).catch((error: Error & { code: number, stdout: string, stderr: string }) => {
      // Commands that answer with a verdict end with its code.
      expect([1, 2, 3], `${line}\n${error.stderr}`).toContain(error.code)
      return error
    })
    if (line.startsWith('curl ')) expect(JSON.parse(stdout), line).toHaveProperty('asOf')
    else expect(stdout, line).not.toBe('')
  }

  // All that the fleet acts out, also what only two vantages can prove.
  let wrong: string[] = ['nothing was asked']
  for (const until = performance.now() + PATIENCE_MS; wrong.length > 0 && performance.now() < until; await pause(500)) {
    const { domains } = await asked<Overview>(first, '/v1/overview?limit=1000')
    wrong = FLEET_EXPECTED.flatMap(({ domain, peer, cause }) => {
      const named = domains.find(row => row.domain === domain && row.peer === peer)?.cause
      return named === cause ? [] : [`${domain} ${peer ?? ''}: ${named}, not ${cause}`]
    })
  }
  expect(wrong).toEqual([])
  expect((await stat(join(dir, 'state/token'))).mode & 0o777).toBe(0o600)
  let incidents: { id: string }[] = []
  for (const until = performance.now() + PATIENCE_MS; incidents.length === 0 && performance.now() < until; await pause(200)) incidents = (await asked<{ incidents: { id: string }[] }>(first, '/v1/incidents?cause=path.inbound-blocked')).incidents
  expect(incidents).toHaveLength(1)

  // One at a time.
  const another = await startUp(join(dir, 'state'))
  expect(await another.ended).toBe(78)
  expect(another.errors()).toMatch(/another 'dialtone up' \(process \d+\) uses/)

  // The demo is the operator's to change.
  const file = join(dir, 'mine.yaml')
  await writeFile(file, 'kind: Schedule\nname: default\nspec: { lightEverySeconds: 77 }\n')
  await dialtone('apply', '-f', file)
  await dialtone('delete', 'peer', 'good.example')
  const { revision } = await asked<{ revision: number }>(first, '/v1/schedules/default')
  for (const name of ['bus.db', 'control.db']) expect((await stat(join(dir, 'state', name))).mode & 0o777, name).toBe(0o600)
  expect(await ctrlC(first), first.errors()).toBe(0)

  const second = await startUp(join(dir, 'state'))
  expect(second.out()).toMatch(/Token +was printed at the first start/)
  const { incidents: remembered } = await asked<{ incidents: { id: string }[] }>(second, '/v1/incidents?cause=path.inbound-blocked')
  expect(remembered.map(({ id }) => id)).toContain(incidents[0]?.id)
  const { stdout } = await dialtone('get', 'domain', 'example.org')
  expect(stdout).toMatch(/203\.0\.113\.10/)
  expect(await asked<object>(second, '/v1/schedules/default')).toMatchObject({ revision, spec: { lightEverySeconds: 77 } })
  await expect(dialtone('get', 'peer', 'good.example')).rejects.toThrow(/There is no Peer/)
  const { entries } = await asked<{ entries: { actor: string, reason?: string }[] }>(second, '/v1/audit?limit=200')
  expect(new Set(entries.filter(({ reason }) => reason === 'the demo fleet').map(({ actor }) => actor))).toEqual(new Set(['demo']))
  expect(await ctrlC(second), second.errors()).toBe(0)
  expect(second.errors()).toContain('stopping ...')
  await expect(stat(join(dir, 'state/server.json'))).rejects.toThrow(/ENOENT/)

  // A configuration ends the demo, and nobody looks for its files.
  await writeFile(file, 'kind: Vantage\nname: outside\nspec: { side: outside, resolver: { address: 127.0.0.1, port: 1 } }\n---\nkind: Domain\nname: ours.example\n')
  const third = await startUp(join(dir, 'state'), '--config', file)
  let agents: { vantage: string, findings: { says: string }[] }[] = []
  for (const until = performance.now() + PATIENCE_MS; !agents.some(({ vantage }) => vantage === 'outside') && performance.now() < until; await pause(200)) agents = (await asked<{ agents: typeof agents }>(third, '/v1/agents')).agents
  expect(agents.map(({ vantage }) => vantage)).toEqual(['outside'])
  expect(JSON.stringify(agents.map(({ findings }) => findings))).not.toContain('probe-')
  expect(await ctrlC(third), third.errors()).toBe(0)
  expect(third.errors()).not.toMatch(/probe-(?:in|out)side/)
})

it('stops once, however often it is told within a few seconds', { timeout: PATIENCE_MS }, async () => {
  const one = await startUp(join(dir, 'state'), '--no-demo')
  one.child.kill('SIGINT')
  one.child.kill('SIGINT')
  expect(await one.ended, one.errors()).toBe(0)
  for (const name of ['server.json', 'lock']) await expect(stat(join(dir, 'state', name))).rejects.toThrow(/ENOENT/)
})

it('stops when npm alone is told, and leaves nothing behind', { timeout: PATIENCE_MS }, async () => {
  const npm = spawn('npm', ['start', '--silent', '--', '--state', join(dir, 'state'), '--listen', '127.0.0.1:0', '--no-demo'], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => { npm.kill('SIGKILL') })
  const ended = once(npm, 'exit')
  let out = ''
  npm.stdout.on('data', bytes => { out += String(bytes) })
  while (!out.includes('Ctrl-C stops')) await Promise.race([once(npm.stdout, 'data'), ended.then(() => { throw new Error(`it ended at its start: ${out}`) })])
  npm.kill('SIGTERM')
  await ended
  for (const until = performance.now() + PATIENCE_MS; existsSync(join(dir, 'state/lock')) && performance.now() < until;) await pause(50)
  for (const name of ['server.json', 'lock']) await expect(stat(join(dir, 'state', name))).rejects.toThrow(/ENOENT/)
})

it('starts with a configuration of its own, all of it or nothing, and says what stops it', { timeout: PATIENCE_MS }, async () => {
  const file = join(dir, 'fleet.yaml')
  await writeFile(file, 'kind: Vantage\nname: here\nspec:\n  side: sideways\n---\nkind: Domain\nname: ours.example\n')
  const wrong = await startUp(join(dir, 'state'), '--config', file)
  expect(await wrong.ended).toBe(78)
  expect(wrong.errors()).toMatch(new RegExp(`${file}:4:9: .*side`))
  await writeFile(file, 'kind: Vantage\nname: here\nspec: { side: outside, resolver: { address: 127.0.0.1, port: 1 } }\n---\nkind: Domain\nname: ours.example\n')
  const right = await startUp(join(dir, 'state'), '--config', file)
  expect(right.out(), right.errors()).not.toContain('demo')
  const { stdout } = await dialtone('get', 'all', '--json')
  expect((JSON.parse(stdout) as { resources: { kind: string, name: string }[] }).resources.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['Domain ours.example', 'Vantage here'])
  expect(await ctrlC(right), right.errors()).toBe(0)

  const taken = createServer()
  const port = await new Promise<number>(done => { taken.listen(0, '127.0.0.1', () => done((taken.address() as AddressInfo).port)) })
  const noPort = await startUp(join(dir, 'state'), '--listen', `127.0.0.1:${port}`)
  expect(await noPort.ended).toBe(78)
  expect(noPort.errors()).toMatch(new RegExp(`[Pp]ort ${port} of 127\\.0\\.0\\.1 is taken`))
  await new Promise(done => { taken.close(done) })
})
