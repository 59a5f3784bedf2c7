import { once } from 'node:events'
import { createServer } from 'node:net'
import { createTelemetry } from '@dialtone/telemetry'
import { afterEach, expect, it } from 'vitest'
import { main } from '../main.ts'
import { parseControlConfig } from './config.ts'
import { answerMeanwhile, type Waiting } from './waiting.ts'

const started: Waiting[] = []
afterEach(async () => { for (const each of started.splice(0)) await each.stop() })

async function stand (port = 0) {
  const bus = { reached: false }
  const waiting = await answerMeanwhile({ config: parseControlConfig({ listen: { port } }), reached: () => bus.reached, exposition: createTelemetry({ process: true }) })
  started.push(waiting)
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`http://127.0.0.1:${waiting.port}${path}`, init)
    return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body: await answer.text() }
  }
  return { bus, waiting, ask }
}

it('says that the process lives, that it is not ready and why, and 503 to all else', async () => {
  const { bus, ask } = await stand()
  expect(await ask('/healthz')).toMatchObject({ status: 200, body: '{"ok":true}' })
  const ready = await ask('/readyz')
  expect([ready.status, JSON.parse(ready.body)]).toMatchObject([503, { ready: false, checks: [{ name: 'bus', ok: false, needed: true, says: expect.stringContaining('away') }, { name: 'start', ok: false }] }])
  expect(await ask('/metrics')).toMatchObject({ status: 200, body: expect.stringContaining('process_') })
  for (const [path, init] of [['/v1/overview', {}], ['/', {}], ['/docs/', {}], ['/v1/apply', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', 'authorization': 'Bearer x' } }], ['/healthz', { method: 'DELETE' }]] as const) {
    const { status, retryAfter, body } = await ask(path, init)
    expect([status, retryAfter, JSON.parse(body)], path).toMatchObject([503, '5', { code: 'bus-unreachable', detail: expect.stringContaining('start the bus') }])
  }
  bus.reached = true
  expect(JSON.parse((await ask('/v1/overview')).body)).toMatchObject({ status: 503, code: 'starting' })
  expect((await ask('/readyz')).status).toBe(503)
})

it('frees its port, also while somebody holds a connection, and says where it is taken', async () => {
  const { waiting, ask } = await stand()
  await ask('/healthz')
  await expect(stand(waiting.port)).rejects.toMatchObject({ code: 'cannot-listen', message: expect.stringContaining(String(waiting.port)) })
  await waiting.stop()
  expect((await stand(waiting.port)).waiting.port).toBe(waiting.port)
})

it('control that never reaches its bus answers, and ends cleanly', async () => {
  // Somebody who takes connections and says nothing.
  const silent = createServer(socket => { socket.on('error', () => undefined) }).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port: busPort } = silent.address() as { port: number }
  const { waiting } = await stand()
  await waiting.stop()
  const ending = new AbortController()
  const ended = main(['--bus', `nats://127.0.0.1:${busPort}`, '--listen', `127.0.0.1:${waiting.port}`, '--log-level', 'silent'], ending.signal, () => undefined)
  await expect.poll(() => fetch(`http://127.0.0.1:${waiting.port}/healthz`).then(({ status }) => status, () => 0), { timeout: 20_000 }).toBe(200)
  ending.abort()
  expect(await ended).toBe(0)
  silent.close()
}, 60_000)
