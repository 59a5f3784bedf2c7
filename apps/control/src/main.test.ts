import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { randomFillSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HELP, main } from './main.ts'

let folder: string
let children: ChildProcess[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dialtone-main-'))
  children = []
})
afterEach(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  rmSync(folder, { recursive: true })
})

/** A process of its own; resolves when it has printed its URL. */
async function run (...more: string[]): Promise<{ child: ChildProcess, url: string, token: string | undefined, exited: Promise<unknown[]> }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--bus', `embedded:${join(folder, 'bus.db')}`, '--store', join(folder, 'store.db'), '--listen', '127.0.0.1:0', '--log-level', 'warn', ...more], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  const exited = once(child, 'exit')
  let [text, errors] = ['', '']
  child.stderr.on('data', bytes => { errors += String(bytes) })
  child.stdout.on('data', bytes => { text += String(bytes) })
  await Promise.race([exited, (async () => { while (!text.includes('URL')) await once(child.stdout, 'data') })()])
  const [, url] = /^URL +(\S+)$/m.exec(text) ?? []
  if (url === undefined) throw new Error(`it printed ${text}${errors}`)
  // The token follows in the same breath, or not at all; the server answers after both.
  await fetch(`${url}/healthz`)
  return { child, url, token: /^Token +(\S+)/m.exec(text)?.[1], exited }
}

describe('control as a process', { timeout: 60_000 }, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`prints where it is and, once, a token; ends cleanly on ${signal}`, async () => {
      const first = await run()
      expect((await fetch(`${first.url}/v1/meta`, { headers: { authorization: `Bearer ${first.token}` } })).status).toBe(200)
      first.child.kill(signal)
      expect(await first.exited).toEqual([0, null])
      const second = await run()
      expect(second.token).toBeUndefined()
      expect((await fetch(`${second.url}/v1/meta`, { headers: { authorization: `Bearer ${first.token}` } })).status).toBe(200)
      second.child.kill(signal)
      expect(await second.exited).toEqual([0, null])
    })
  }

  it('survives being killed', async () => {
    const first = await run()
    first.child.kill('SIGKILL')
    await first.exited
    const second = await run()
    expect((await fetch(`${second.url}/v1/meta`, { headers: { authorization: `Bearer ${first.token}` } })).status).toBe(200)
  })
})

describe('a store', { timeout: 60_000 }, () => {
  it('that another control uses is refused in a sentence', async () => {
    await run()
    await expect(run('--bus', `embedded:${join(folder, 'other-bus.db')}`)).rejects.toThrow(/control: .*is the store of another control that runs/)
  })

  it('that is damaged ends it in a sentence, without a stack trace', async () => {
    const first = await run()
    first.child.kill('SIGTERM')
    await first.exited
    const file = join(folder, 'store.db')
    const bytes = readFileSync(file)
    writeFileSync(file, randomFillSync(bytes, 3 * 4096))
    const said = await run().then(() => '', (error: unknown) => (error as Error).message)
    expect(said).toMatch(/control: .*is not a sound store: stop control, move it away/)
    expect(said).not.toMatch(/^\s+at /m)
  })
})

describe('options', () => {
  const never = new AbortController().signal
  for (const [args, says] of [
    [[], /--bus/], [['--bus', 'http://x'], /nats:\/\//], [['--bus', 'nats://a:1/path'], /nats:\/\//], [['--buss', 'x'], /--buss/], [['extra'], /extra/],
    [['--bus', 'embedded::memory:', '--listen', '5280'], /ADDRESS:PORT/], [['--bus', 'embedded::memory:', '--listen', '0.0.0.0:0'], /TLS/], [['--bus', 'embedded::memory:', '--log-level', 'loud'], /debug, info/],
    [['--bus', 'embedded::memory:', '--config', '/nowhere.json'], /\/nowhere\.json/],
  ] as const) it(`${args.join(' ') || 'none'} is refused with what to do`, () => expect(main(args, never)).rejects.toThrow(says))

  it('a configuration file is read, and its mistakes are named', async () => {
    const file = join(folder, 'control.json')
    writeFileSync(file, '{"listen":{"port":"x"}}')
    await expect(main(['--bus', 'embedded::memory:', '--config', file], never)).rejects.toThrow(/\/listen\/port/)
  })

  it('help is printed', async () => {
    const printed: string[] = []
    expect(await main(['--help'], never, line => { printed.push(line) })).toBe(0)
    expect(printed).toEqual([HELP])
    expect(Math.max(...HELP.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(80)
  })
})
