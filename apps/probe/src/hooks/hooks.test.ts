import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { NO_LOGGER, OperatorError } from '@dialtone/kernel'
import type { Bus, HookCommand, HookName } from '@dialtone/contracts'
import { HooksFile, RunHook, firstProblem } from '@dialtone/contracts/schemas'
import { createTelemetry } from '@dialtone/telemetry'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createHooks, serveHooks, type Hooks } from './hooks.ts'

const node = (code: string, more: Partial<HookCommand> = {}): HookCommand => ({ argv: [process.execPath, '-e', code], ...more })

it('runs what the file says, as it stands, with an environment of its own', async () => {
  const hooks = await hooksOf({ status: node('console.log(JSON.stringify([process.argv.slice(1), Object.keys(process.env).sort(), process.cwd()]))', {}), start: { argv: ['/bin/echo', '$HOME; id `id` *'] } })
  expect(hooks.allowed).toEqual({ chat: ['status', 'start'] })
  const ran = await hooks.run('chat', 'status')
  expect(ran).toMatchObject({ exitCode: 0, truncated: false })
  expect(JSON.parse(ran.output)).toEqual([[], ['HOME', 'LC_ALL', 'PATH'], '/'])
  expect((await hooks.run('chat', 'start')).output).toBe('$HOME; id `id` *\n')
})

it('gives the exit code and both outputs, control characters escaped', async () => {
  const hooks = await hooksOf({ status: node("process.stdout.write('a\\u001b[31m\\r\\n'); process.stderr.write('b\\u0000'); process.exitCode = 3") })
  const { exitCode, output } = await hooks.run('chat', 'status')
  expect(exitCode).toBe(3)
  expect(output).toContain('a\\u{1b}[31m\\r\n')
  expect(output).toContain('b\\u{0}')
})

it('cuts a long output and says so', async () => {
  const hooks = await hooksOf({ status: node("for (let i = 0; i < 100000; i++) console.log('line ' + i)"), start: node("process.stdout.write('x'.repeat(19000))"), stop: node("process.stdout.write('\\u0001'.repeat(19000))") })
  const long = await hooks.run('chat', 'status')
  expect(long).toMatchObject({ exitCode: 0, truncated: true })
  expect(long.output).toHaveLength(20_000)
  expect(long.output.startsWith('line 0\nline 1\n')).toBe(true)
  expect(await hooks.run('chat', 'start')).toMatchObject({ truncated: false, output: 'x'.repeat(19_000) })
  expect((await hooks.run('chat', 'stop')).output).toHaveLength(20_000)
})

it('ends what takes too long with all of its children, one that ignores SIGTERM too', async () => {
  const marks = folder()
  const child = `process.on('SIGTERM', () => {}); require('fs').writeFileSync(${JSON.stringify(join(marks, 'child'))}, String(process.pid)); setInterval(() => {}, 1000)`
  const hooks = await hooksOf({ stop: node(`process.on('SIGTERM', () => {}); require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' }); setInterval(() => {}, 1000)`, { timeoutSeconds: 2 }) })
  const ran = await hooks.run('chat', 'stop')
  expect(ran.exitCode).toBeNull()
  expect(ran.ms).toBeGreaterThan(1900)
  const pid = readFileSync(join(marks, 'child'), 'utf8')
  await until(() => !existsSync(`/proc/${pid}`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')))
})

it('a server that a hook starts lives on, and does not hold the answer', async () => {
  const marks = folder()
  const server = `const fs = require('fs'); fs.writeFileSync(${JSON.stringify(join(marks, 'server'))}, String(process.pid)); const t = setInterval(() => { console.log('still here'); if (fs.existsSync(${JSON.stringify(join(marks, 'end'))})) { fs.writeFileSync(${JSON.stringify(join(marks, 'ended'))}, 'well'); clearInterval(t) } }, 20)`
  const hooks = await hooksOf({ start: node(`require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(server)}], { stdio: 'inherit', detached: true }).unref(); console.log('started')`) })
  const ran = await hooks.run('chat', 'start')
  expect(ran).toMatchObject({ exitCode: 0 })
  expect(ran.output).toContain('started')
  await until(() => existsSync(join(marks, 'server')))
  writeFileSync(join(marks, 'end'), '')
  await until(() => existsSync(join(marks, 'ended')))
})

it('refuses what the file does not allow, naming what it does', async () => {
  const hooks = await hooksOf({ status: node(''), reload: node('') })
  await expect(hooks.run('chat', 'stop')).rejects.toMatchObject({ code: 'hook-not-allowed', message: "the hooks file of this agent does not allow 'stop' of 'chat': it allows 'status', 'reload'" })
  await expect(hooks.run('mail', 'status')).rejects.toMatchObject({ message: "the hooks file of this agent knows no server 'mail': it allows 'chat'" })
  await expect(hooks.run('constructor', 'status')).rejects.toMatchObject({ code: 'hook-not-allowed' })
  const none = await createHooks({ logger: NO_LOGGER, meter: createTelemetry().meter })
  expect(none.allowed).toEqual({})
  await expect(none.run('chat', 'status')).rejects.toMatchObject({ message: "the hooks file of this agent knows no server 'chat': it allows nothing" })
})

it('runs one hook at a time for a server', async () => {
  const marks = folder()
  const hooks = await hooksOf({ stop: node(`const t = setInterval(() => { if (require('fs').existsSync(${JSON.stringify(join(marks, 'go'))})) clearInterval(t) }, 10)`), status: node('') })
  const first = hooks.run('chat', 'stop')
  await expect(hooks.run('chat', 'status')).rejects.toMatchObject({ code: 'hook-busy' })
  writeFileSync(join(marks, 'go'), '')
  expect(await first).toMatchObject({ exitCode: 0 })
  expect(await hooks.run('chat', 'status')).toMatchObject({ exitCode: 0 })
})

it('says when a program is gone since, and is not busy after that', async () => {
  const program = join(folder(), 'program')
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 })
  const hooks = await hooksOf({ status: { argv: [program] } })
  rmSync(program)
  for (let i = 0; i < 2; i++) await expect(hooks.run('chat', 'status')).rejects.toMatchObject({ code: 'hook-not-started', message: expect.stringContaining('ENOENT') as string })
})

it('counts what came of each', async () => {
  const telemetry = createTelemetry()
  const hooks = await createHooks({ file: fileOf({ servers: { chat: { status: node('process.exit(1)'), start: node('') } } }), logger: NO_LOGGER, meter: telemetry.meter })
  await hooks.run('chat', 'status')
  await hooks.run('chat', 'start')
  await hooks.run('chat', 'stop').catch(() => undefined)
  let text = ''
  for await (const piece of telemetry.expose()) text += piece
  for (const series of ['hook="status",outcome="failed"', 'hook="start",outcome="ok"', 'hook="stop",outcome="refused"']) expect(text).toContain(`dialtone_agent_hooks_total{${series}} 1`)
})

it('answers for its own agent alone, in the shape of the answer', async () => {
  const hooks = await hooksOf({ status: node("console.log('running')") })
  const served: { to: readonly string[], handler: (body: { server: string, hook: HookName }) => Promise<unknown> }[] = []
  const bus = { serve: async (type: unknown, to: readonly string[], handler: (body: { server: string, hook: HookName }) => Promise<unknown>) => {
    expect(type).toBe(RunHook)
    served.push({ to, handler })
    return { stop: async () => undefined }
  } } as unknown as Pick<Bus, 'serve'>
  const serving = serveHooks({ bus, vantage: 'inside', agent: 'a1', hooks, logger: NO_LOGGER })
  onTestFinished(serving.stop)
  expect(served[0]?.to).toEqual(['inside', 'a1'])
  const answer = await served[0]?.handler({ server: 'chat', hook: 'status' })
  expect(firstProblem(RunHook.answer, answer)).toBeUndefined()
  expect(answer).toMatchObject({ output: 'running\n' })
})

it('are served from when the bus takes it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => { vi.useRealTimers() })
  let tries = 0
  const bus = { serve: async () => {
    if (++tries < 3) throw new OperatorError('bus-unreachable', 'away')
    return { stop: async () => undefined }
  } } as unknown as Pick<Bus, 'serve'>
  const serving = serveHooks({ bus, vantage: 'inside', agent: 'a1', hooks: await hooksOf({ status: node('') }), logger: NO_LOGGER })
  await vi.advanceTimersByTimeAsync(60_000)
  expect(tries).toBe(3)
  await serving.stop()
})

for (const [name, content, says] of [
  ['a command that may take longer than whoever asked waits', JSON.stringify({ servers: { chat: { stop: { argv: ['/bin/true'], timeoutSeconds: 81 } } } }), '/servers/chat/stop/timeoutSeconds'],
  ['no JSON', '{', 'is no JSON'],
  ['an unknown key', JSON.stringify({ servers: {}, hooks: {} }), '/hooks'],
  ['a hook of another name', JSON.stringify({ servers: { chat: { restart: node('') } } }), '/servers/chat'],
  ['a shell line', JSON.stringify({ servers: { chat: { stop: { argv: 'systemctl stop chat' } } } }), '/servers/chat/stop/argv'],
  ['a relative path', JSON.stringify({ servers: { chat: { stop: { argv: ['systemctl', 'stop'] } } } }), "servers.chat.stop: 'systemctl' is no absolute path"],
  ['a program that is not there', JSON.stringify({ servers: { chat: { stop: { argv: ['/nonexistent/program'] } } } }), '/nonexistent/program is no program'],
  ['a user that is not there', JSON.stringify({ servers: { chat: { stop: node('', { user: 'nobody-of-that-name' }) } } }), "no user 'nobody-of-that-name'"],
] as const) {
  it(`refuses a file with ${name}`, async () => {
    await expect(createHooks({ file: fileOf(content), logger: NO_LOGGER, meter: createTelemetry().meter })).rejects.toMatchObject({ code: 'bad-hooks-file', message: expect.stringContaining(says) as string })
  })
}

for (const [name, spoil, says] of [
  ['that others may write', (file: string) => chmodSync(file, 0o622), 'can be written by others'],
  ['in a folder that others may write', (file: string) => chmodSync(join(file, '..'), 0o777), 'others may replace it'],
  ['that is not there', (file: string) => rmSync(file), 'cannot be read'],
  ['that is too large', (file: string) => writeFileSync(file, ' '.repeat(70_000)), 'is larger than'],
  ['that leads to a device', (file: string) => {
    rmSync(file)
    symlinkSync('/dev/null', file)
  }, 'is no file'],
] as const) {
  it(`refuses a file ${name}`, async () => {
    const file = fileOf({ servers: {} })
    spoil(file)
    await expect(createHooks({ file, logger: NO_LOGGER, meter: createTelemetry().meter })).rejects.toMatchObject({ code: 'bad-hooks-file', message: expect.stringContaining(says) as string })
  })
}

it('the example has the shape', () => {
  const example: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../../../../deploy/probe/hooks.example.json'), 'utf8'))
  expect(firstProblem(HooksFile, example)).toBeUndefined()
})

function hooksOf (chat: Partial<Record<HookName, HookCommand>>): Promise<Hooks> {
  return createHooks({ file: fileOf({ servers: { chat } }), logger: NO_LOGGER, meter: createTelemetry().meter })
}

function fileOf (content: unknown): string {
  const file = join(folder(), 'hooks.json')
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 })
  return file
}

function folder (): string {
  const path = mkdtempSync(join(tmpdir(), 'dialtone-hooks-'))
  onTestFinished(() => { rmSync(path, { recursive: true, force: true, maxRetries: 3 }) })
  return path
}

async function until (holds: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!holds()) {
    if (performance.now() > end) throw new Error('waited in vain')
    await pause(20)
  }
}
