import type { ServerResponse } from 'node:http'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { fakeServer, problem } from '../test-support/fake-server.ts'
import { openApi } from './api.ts'
import { follow } from './events.ts'
import { eventReader, type ServerEvent } from './sse.ts'

const PATIENCE = { silentMs: 60_000, firstMs: 1, mostMs: 5, random: () => 0.5 }
const EVENT = 'id: a-1\nevent: summary\ndata: {"on":"agent.gone","vantage":"inside","agent":"one"}\n\n'

function begin (response: ServerResponse): ServerResponse {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('retry: 3000\n\nevent: hello\ndata: {}\n\n')
  return response
}

it('reads the same events however they are cut', () => {
  fc.assert(fc.property(fc.array(fc.record({ id: fc.stringMatching(/^[a-z0-9-]{1,8}$/), event: fc.stringMatching(/^[a-z.]{1,8}$/), data: fc.array(fc.stringMatching(/^[ -~]{0,20}$/), { minLength: 1, maxLength: 3 }) }), { maxLength: 5 }), fc.array(fc.nat(200), { maxLength: 20 }), fc.constantFrom('\n', '\r\n'), (events, cuts, end) => {
    const text = events.map(({ id, event, data }) => [`: beat`, `id: ${id}`, `event: ${event}`, ...data.map(line => `data: ${line}`), '', ''].join(end)).join('')
    const heard: ServerEvent[] = []
    let beats = 0
    const read = eventReader(event => heard.push(event), () => { beats++ })
    const places = [...new Set(cuts.map(cut => cut % (text.length + 1)))].toSorted((a, b) => a - b)
    for (const [at, from] of [0, ...places].entries()) read(text.slice(from, places[at] ?? text.length))
    expect(heard).toEqual(events.map(({ id, event, data }) => ({ id, event, data: data.join('\n') })))
    expect(beats).toBe(events.length)
  }))
})

it('refuses an event without an end', () => {
  const read = eventReader(() => undefined, () => undefined)
  expect(() => { for (let i = 0; i < 10; i++) read('x'.repeat(1024 * 1024)) }).toThrow(RangeError)
})

it('goes on after a loss with the id of the last event, and says both', async () => {
  let connections = 0
  await using server = await fakeServer({
    'GET /v1/events': (_, response) => {
      connections++
      begin(response)
      if (connections === 1) response.end(EVENT)
      else response.write(EVENT.replace('a-1', 'a-2').replace('"one"', '"two"'))
      return undefined
    },
  })
  const stopping = new AbortController()
  const seen: string[] = []
  await follow(await openApi({ base: server.url, from: '', tokenFrom: '' }, stopping.signal), 'agent', {
    event: event => {
      seen.push(event.on === 'agent.gone' ? event.agent : event.on)
      if (seen.includes('two')) stopping.abort()
    },
    lost: why => seen.push(why), live: () => seen.push('live'),
  }, stopping.signal, PATIENCE)
  expect(seen).toEqual(['live', 'one', 'the stream ended', 'live', 'two'])
  expect(server.asked.filter(({ path }) => path === '/v1/events').map(({ headers, query }) => [query['topics'], headers['last-event-id']])).toEqual([['agent', undefined], ['agent', 'a-1']])
})

it('opens anew a stream that has fallen silent, and reads again after a gap', async () => {
  let connections = 0
  await using server = await fakeServer({
    'GET /v1/events': (_, response) => {
      connections++
      begin(response)
      if (connections > 1) response.write('event: resync\ndata: {"reason":"too-far-behind"}\n\n')
      return undefined
    },
  })
  const stopping = new AbortController()
  const lost: string[] = []
  await follow(await openApi({ base: server.url, from: '', tokenFrom: '' }, stopping.signal), '', {
    event: () => undefined, lost: why => lost.push(why), resync: () => stopping.abort(),
  }, stopping.signal, { ...PATIENCE, silentMs: 50 })
  expect(lost[0]).toMatch(/nothing came for/)
})

it('goes on while the server is away, and ends when it is refused', async () => {
  const answers = [problem(503, 'stopping', 'The server stops.'), problem(401, 'unauthorized', 'This token is withdrawn.')]
  await using server = await fakeServer({ 'GET /v1/events': () => answers.shift() ?? problem(500, 'internal', 'no more') })
  const { signal } = new AbortController()
  const lost: string[] = []
  await expect(follow(await openApi({ base: server.url, from: '', tokenFrom: '', token: 't' }, signal), '', { event: () => undefined, lost: why => lost.push(why) }, signal, PATIENCE)).rejects.toThrow(/withdrawn/)
  expect(lost).toEqual(['The server stops.'])
})
