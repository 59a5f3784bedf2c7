// `dialtone listen`, as an operator runs it: a child that is asked by a raw socket, tells each event on a line, and ends cleanly on a signal.
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { ListenerEvent, firstProblem } from '@dialtone/contracts/schemas'
import { DIGEST } from '@dialtone/net'
import { keysOf } from '@dialtone/stream'
import { afterAll, afterEach, expect, it } from 'vitest'

const MAIN = join(import.meta.dirname, '../main.ts')
const folder = mkdtempSync(join(tmpdir(), 'dialtone-listen-'))
const SECRET = 'a secret of more than 128 bits'
const secret = join(folder, 'secret')
writeFileSync(secret, `${SECRET}\n`)
const RIGHT = keysOf(SECRET, DIGEST).keyFor({ receiving: 'partner.example', originating: 'probe.example', streamId: 'id1' })
const children: Child[] = []
afterEach(() => { for (const child of children.splice(0)) child.kill('SIGKILL') })
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('answers whether a key is its own, tells it in JSON lines without the secret, and ends with 0 on SIGTERM', async () => {
  const { child, lines, port } = await listening()
  const answers = await ask(port, [verify(RIGHT), verify('a'.repeat(64))])
  expect(answers).toMatch(/<db:verify [^>]*type='valid'/)
  expect(answers).toMatch(/<db:verify [^>]*type='invalid'/)

  child.kill('SIGTERM')
  const [code] = await once(child, 'close') as [number]
  expect(code).toBe(0)
  const events = lines().slice(1).map(line => JSON.parse(line) as ListenerEvent)
  for (const event of events) expect(firstProblem(ListenerEvent, event)).toBeUndefined()
  expect(events.map(({ on }) => on)).toEqual(['connected', 'header', 'asked', 'asked', 'closed'])
  expect(events.filter(event => event.on === 'asked')).toMatchObject([
    { pair: { from: 'partner.example', to: 'probe.example' }, answered: 'valid', underCheck: false },
    { answered: 'invalid' },
  ])
  expect(lines().join('\n')).not.toContain(SECRET)
  expect(lines().join('\n')).not.toContain(RIGHT)
})

it('lets nobody in who is not under check', async () => {
  const { port } = await listening()
  expect(await ask(port, [`<db:result from='partner.example' to='probe.example'>${RIGHT}</db:result>`])).toMatch(/<db:result [^>]*type='error'[^>]*>.*policy-violation/)
})

it('says on one line that the port is taken, and what to do', async () => {
  const { port } = await listening()
  const { child, errors } = start(['--listen', `127.0.0.1:${port}`])
  const [code] = await once(child, 'close') as [number]
  expect(code).toBe(64)
  expect(errors()).toBe(`dialtone: cannot listen on 127.0.0.1:${port}: the port is taken; see ss -ltnp, or name another with --listen\n`)
})

it('prints lines for people where that is asked for', async () => {
  const { child, lines } = start(['--listen', '127.0.0.1:0', '--format', 'text'])
  await until(() => lines().length > 0)
  child.kill('SIGINT')
  const [code] = await once(child, 'close') as [number]
  expect(code).toBe(0)
  expect(lines()[0]).toMatch(/^listening for probe\.example on 127\.0\.0\.1:\d+, without TLS/)
})

it('goes on beside a reader that stalls, counts what it dropped, and obeys SIGTERM all the while', async () => {
  const { child, lines, port } = await listening()
  child.stdout.pause()
  await flood(port, 1)
  child.stdout.resume()
  await until(() => lines().some(line => line.includes('"on":"dropped"')))
  const events = lines().slice(1).map(line => JSON.parse(line) as { on: string, count?: number })
  const gap = events.findIndex(({ on }) => on === 'dropped')
  expect(events[gap]?.count).toBeGreaterThan(0)
  expect(gap).toBeGreaterThan(1000)

  child.stdout.pause()
  await flood(port, 2)
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit') as [number]
  expect(code).toBe(0)
})

it('ends with 141 when nobody reads its lines any more', async () => {
  const { child, errors, port } = await listening()
  child.stdout.destroy()
  const socket = connect({ host: '127.0.0.1', port }).on('error', () => undefined)
  const [code] = await once(child, 'exit') as [number]
  socket.destroy()
  expect(code).toBe(141)
  expect(errors()).toBe('')
})

type Child = ChildProcessByStdio<null, Readable, Readable>

function start (args: readonly string[]): { child: Child, lines: () => string[], errors: () => string } {
  const child = spawn(process.execPath, [MAIN, 'listen', '--probe-domain', 'Probe.example', '--secret', secret, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let [text, errors] = ['', '']
  child.stdout.setEncoding('utf8').on('data', chunk => { text += chunk })
  child.stderr.setEncoding('utf8').on('data', chunk => { errors += chunk })
  return { child, lines: () => text.split('\n').filter(line => line !== ''), errors: () => errors }
}

async function listening (): Promise<{ child: Child, lines: () => string[], errors: () => string, port: number }> {
  const { child, lines, errors } = start(['--listen', '127.0.0.1:0'])
  await until(() => lines().length > 0)
  const first = JSON.parse(lines()[0] ?? '') as { on: string, domain: string, tls: boolean, places: { address: string, port: number, kind: string }[] }
  expect(first).toMatchObject({ on: 'listening', domain: 'probe.example', tls: false, places: [{ address: '127.0.0.1', kind: 'starttls' }] })
  return { child, lines, errors, port: first.places[0]?.port ?? 0 }
}

/** One stream: says everything at once, and hears until the other side closes. */
async function ask (port: number, elements: readonly string[], localAddress = '127.0.0.1'): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, localAddress })
  let heard = ''
  socket.setEncoding('utf8').on('data', chunk => { heard += chunk }).on('error', () => undefined)
  socket.write(`<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' from='partner.example' to='probe.example' version='1.0'>${elements.join('')}`)
  await until(() => elements.every((_, at) => (heard.match(/<db:/g) ?? []).length > at))
  socket.end('</stream:stream>')
  await once(socket, 'close')
  return heard
}

/** Questions from as many addresses as it takes to fill what a pipe holds, and the queue: about a megabyte of events. */
async function flood (port: number, net: number): Promise<void> {
  for (let host = 1; host <= 100; host++) await ask(port, Array.from({ length: 45 }, () => verify(RIGHT)), `127.9.${net}.${host}`)
}

function verify (key: string): string {
  return `<db:verify from='partner.example' to='probe.example' id='id1'>${key}</db:verify>`
}

async function until (holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !holds(); tries++) await new Promise(resolve => { setTimeout(resolve, 25) })
  expect(holds()).toBe(true)
}
