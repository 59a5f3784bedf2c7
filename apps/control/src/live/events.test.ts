import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { harness, until, type Harness } from '../http/test-support/harness.ts'
import { row } from '../http/test-support/readings.ts'

let api: Harness
afterEach(async () => { await api.stop() })

type Stream = { text: () => string, status: number, headers: Headers, closed: Promise<void>, close: () => void }

async function start (options: Parameters<typeof harness>[0] = {}): Promise<string> {
  api = await harness({ ...options, hubLimits: { flushMs: 20, heartbeatMs: 100, ...options.hubLimits } })
  return api.app.listen({ host: '127.0.0.1', port: 0 })
}

async function open (url: string, headers: Record<string, string> = {}): Promise<Stream> {
  const abort = new AbortController()
  const response = await fetch(url, { headers: { ...api.as.viewer, ...headers }, signal: abort.signal })
  let text = ''
  const closed = (async () => {
    try {
      for await (const bytes of response.body ?? []) text += Buffer.from(bytes as Uint8Array).toString()
    } catch (error) {
      if (!abort.signal.aborted) throw error
    }
  })()
  return { text: () => text, status: response.status, headers: response.headers, closed, close: () => abort.abort() }
}

it('streams what changes, unbuffered by proxies, with heart-beats, and goes on by Last-Event-ID', async () => {
  const url = await start()
  const first = await open(`${url}/v1/events?topics=verdict`)
  expect([first.status, first.headers.get('content-type'), first.headers.get('x-accel-buffering'), first.headers.get('cache-control')]).toEqual([200, 'text/event-stream; charset=utf-8', 'no', 'no-store'])
  expect(first.headers.get('x-content-type-options')).toBe('nosniff')
  api.readings.say({ on: 'verdict.changed', row: row('a.example') })
  await until(() => first.text().includes('a.example') && first.text().includes('event: heartbeat'))
  const id = /id: (\S+)\nevent: verdict\.changed/.exec(first.text())?.[1] ?? ''
  first.close()
  await first.closed
  await until(() => api.hub.size === 0)
  api.readings.say({ on: 'verdict.changed', row: row('b.example') })
  const second = await open(`${url}/v1/events?topics=verdict`, { 'last-event-id': id })
  await until(() => second.text().includes('b.example'))
  expect(second.text()).not.toContain('a.example')
  second.close()
  await second.closed
})

describe('the number of streams', () => {
  it('of one token is limited too, and another token has its own', async () => {
    const url = await start({ hubLimits: { perToken: 2 } })
    const own = [await open(`${url}/v1/events`), await open(`${url}/v1/events`)]
    const refused = await fetch(`${url}/v1/events`, { headers: api.as.viewer })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10'])
    expect(await refused.json()).toMatchObject({ code: 'streams-of-token', detail: expect.stringContaining("'t-viewer'") })
    const other = await open(`${url}/v1/events`, api.as.operator)
    own[0]?.close()
    await until(() => api.hub.size === 2)
    const again = await open(`${url}/v1/events`)
    expect([other.status, again.status]).toEqual([200, 200])
    for (const stream of [...own, other, again]) stream.close()
  })

  it('is limited, and the next one is told to wait', async () => {
    const url = await start({ hubLimits: { clients: 1 } })
    const first = await open(`${url}/v1/events`)
    const refused = await fetch(`${url}/v1/events`, { headers: api.as.viewer })
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10'])
    expect(await refused.json()).toMatchObject({ code: 'too-many-streams' })
    first.close()
    await first.closed
    await until(() => api.hub.size === 0)
    const second = await open(`${url}/v1/events`)
    expect(second.status).toBe(200)
    second.close()
    await second.closed
  })
})

it('refuses topics that are none', async () => {
  const url = await start()
  for (const topics of ['everything', 'domain:', 'pair:a', 'pair:a/b/c', 'domain:A', 'check:*', 'verdict,,', 'a'.repeat(4001), Array.from({ length: 33 }, () => 'verdict').join()]) {
    const answer = await fetch(`${url}/v1/events?topics=${encodeURIComponent(topics)}`, { headers: api.as.viewer })
    expect(answer.status, topics.slice(0, 40)).toBe(400)
    expect(await answer.json()).toMatchObject({ pointer: '/topics' })
  }
})

it('lets go of a reader that reads nothing, and serves the others', async () => {
  const url = await start({ hubLimits: { patienceMs: 200 } })
  const { port } = new URL(url)
  const stalled: Socket = connect(Number(port), '127.0.0.1')
  stalled.on('error', () => undefined)
  await once(stalled, 'connect')
  stalled.pause()
  stalled.write(`GET /v1/events?topics=verdict HTTP/1.1\r\nHost: a\r\nAuthorization: ${api.as.viewer.authorization}\r\n\r\n`)
  const reader = await open(`${url}/v1/events?topics=verdict`)
  await until(() => api.hub.size === 2)
  const long = 'x'.repeat(200_000)
  let told = 0
  while (api.hub.size === 2) {
    api.readings.say({ on: 'verdict.changed', row: { ...row(`${told++}.example`), sentence: long } })
    await new Promise(resolve => { setTimeout(resolve, 20) })
  }
  expect(reader.text()).toContain('0.example')
  stalled.destroy()
  reader.close()
  await reader.closed
})

it('ends a stream whose token is withdrawn', async () => {
  const url = await start()
  const reader = await open(`${url}/v1/events`)
  await api.removeToken('viewer')
  await reader.closed
  expect(reader.text()).toContain('event: hello')
})

it('stops while streams are open, and they end cleanly', async () => {
  const url = await start()
  const readers = await Promise.all([1, 2, 3].map(() => open(`${url}/v1/events`)))
  api.hub.stop()
  await api.app.close()
  await Promise.all(readers.map(({ closed }) => closed))
  expect(readers.every(({ text }) => text().includes('event: hello'))).toBe(true)
})

it('ends with its token, and does not wait for a heart-beat', async () => {
  let ahead = 0
  const url = await start({ hubLimits: { heartbeatMs: 3_600_000 }, now: () => Date.now() + ahead })
  const made = await api.app.inject({ method: 'POST', url: '/v1/tokens', headers: api.as.admin, payload: { name: 'short', role: 'viewer', expiresAt: new Date(Date.now() + 3_600_000).toISOString() } })
  const [short, other] = [await open(`${url}/v1/events`, { authorization: `Bearer ${made.json<{ token: string }>().token}` }), await open(`${url}/v1/events`)]
  expect([short.status, other.status]).toEqual([200, 200])
  ahead = 3_600_001
  await short.closed
  expect(api.hub.size).toBe(1)
  other.close()
})
