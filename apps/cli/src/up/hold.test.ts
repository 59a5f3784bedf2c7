import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { connectionOf } from '../client/connection.ts'
import { knownState, runningIn, stateDir } from '../state-dir.ts'
import { hold } from './hold.ts'

const { signal } = new AbortController()
let dir = ''
beforeEach(async () => { dir = await mkdtemp(join(tmpdir(), 'dialtone-hold-')) })
afterEach(async () => { await rm(dir, { recursive: true, force: true }) })

it('is one process at a time, and says which one has it', async () => {
  const state = join(dir, 'new/state')
  const held = await hold(state)
  await held.announce({ url: 'http://127.0.0.1:1', pid: process.pid, startedAt: '' })
  await expect(hold(state)).rejects.toThrow(new RegExp(`another 'dialtone up' \\(process ${process.pid}\\) uses '.*new/state' and answers at http://127\\.0\\.0\\.1:1: stop it with 'kill ${process.pid}'`))
  await held.release()
  await (await hold(state)).release()
  expect(runningIn(state)).toBeUndefined()
})

it('takes over from a process that was killed, also where its number belongs to another now', async () => {
  const child = spawn(process.execPath, ['-e', ''])
  await new Promise(resolve => child.once('exit', resolve))
  await writeFile(join(dir, 'lock'), `${child.pid} 12345\n`)
  await (await hold(dir)).release()
  await writeFile(join(dir, 'lock'), `${process.pid} 1\n`)
  await (await hold(dir)).release()
})

it('says what to do where it cannot write', async () => {
  await writeFile(join(dir, 'file'), '')
  await expect(hold(join(dir, 'file'))).rejects.toThrow(/cannot be used \((?:EEXIST|ENOTDIR)\): name one that this user may write by --state DIR/)
  await expect(hold('/proc/self/nothing')).rejects.toThrow(/cannot be used/)
})

it('keeps what it tells to this user', async () => {
  await writeFile(join(dir, 'bus.db'), '', { mode: 0o644 })
  const held = await hold(dir)
  await held.announce({ url: 'http://127.0.0.1:5280', pid: process.pid, startedAt: '' })
  await held.keepToken('secret')
  for (const name of ['server.json', 'token', 'lock', 'bus.db']) expect((await stat(join(dir, name))).mode & 0o777, name).toBe(0o600)
  expect(await readFile(join(dir, 'token'), 'utf8')).toBe('secret\n')
  const environment = { DIALTONE_STATE: dir }
  expect(await connectionOf({}, environment, signal)).toEqual({ base: 'http://127.0.0.1:5280', from: join(dir, 'server.json'), token: 'secret', tokenFrom: join(dir, 'token') })
  // Nor is the token shown to another server.
  expect(await connectionOf({ server: 'https://elsewhere.example/' }, environment, signal)).toEqual({ base: 'https://elsewhere.example', from: '--server', tokenFrom: 'none' })
  expect(await connectionOf({ token: 'mine' }, environment, signal)).toMatchObject({ token: 'mine', tokenFrom: '--token' })
  for (const [values, more] of [[{ token: 'a\nb' }, {}], [{}, { DIALTONE_TOKEN: 'se cret' }], [{ token: '' }, {}], [{ token: 'ü' }, {}]] as const) {
    const refused = connectionOf(values, { ...environment, ...more }, signal)
    await expect(refused).rejects.toMatchObject({ code: 'usage', message: expect.stringMatching(/^the token from (?:--token|DIALTONE_TOKEN) is no token/) as string })
    await expect(refused).rejects.not.toThrow(/a\nb|se cret|ü/)
  }
  await writeFile(join(dir, 'other'), 'from a file\n')
  await expect(connectionOf({ 'token-file': join(dir, 'other') }, environment, signal)).rejects.toThrow(/one token and nothing else/)
  await held.release()
})

it('is where the XDG specification says, unless it is told otherwise', () => {
  expect(stateDir(undefined, { XDG_STATE_HOME: '/var/x' })).toBe('/var/x/dialtone')
  expect(stateDir(undefined, { XDG_STATE_HOME: 'relative' })).toMatch(/\.local\/state\/dialtone$/)
  expect(stateDir('/a', { DIALTONE_STATE: '/b' })).toBe('/a')
  expect(knownState({ DIALTONE_STATE: '/b' })).toBe('/b')
})

it('does not trust what stands in server.json', async () => {
  for (const text of ['', 'null', '{"url":1,"pid":2}', '{"url":"http://x","pid":-1}']) {
    await writeFile(join(dir, 'server.json'), text)
    expect(runningIn(dir), text).toBeUndefined()
  }
})
