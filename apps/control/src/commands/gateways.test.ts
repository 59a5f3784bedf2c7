// What operators ask of gateways, against the whole API and a gateway on the bus that says what a test wants.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Check, Errors } from 'typebox/value'
import type { GatewayDone } from '@dialtone/contracts'
import { GatewayEvent, GatewayStatus, QueuesOfGateway, RouteExplanations, StreamsOfGateway } from '@dialtone/contracts/schemas'
import { OperatorError } from '@dialtone/kernel'
import { GATEWAY_SPEC as SPEC, scriptedGateway, type ScriptedGateway } from '@dialtone/testkit'
import type { TSchema } from 'typebox'
import { harness, until, type Harness } from '../http/test-support/harness.ts'

let api: Harness
let edge: ScriptedGateway
beforeEach(async () => {
  api = await harness({ hubLimits: { flushMs: 10 } })
  edge = scriptedGateway(api.bus)
  await api.configuration.change(() => [{ put: { kind: 'Gateway', name: 'edge', spec: structuredClone(SPEC) } }], 'test')
})
afterEach(async () => { await api.stop() })

const post = (verb: string, payload: object = {}, as: keyof Harness['as'] = 'operator') => api.app.inject({ method: 'POST', url: `/v1/gateways/edge/${verb}`, payload, headers: api.as[as] })
const get = (url: string) => api.app.inject({ url, headers: api.as.viewer })
const spec = () => api.configuration.get('Gateway', 'edge')?.spec
const there = async (how: Parameters<ScriptedGateway['be']>[0] = {}) => {
  await edge.be({ revision: api.configuration.revision, ...how })
  await until(() => api.gateways.get('edge')?.presence !== undefined)
}
const shaped = (shape: TSchema, body: string) => expect(Check(shape, JSON.parse(body)) ? [] : Errors(shape, JSON.parse(body))).toEqual([])

describe('how it is', () => {
  it('is listed beside what is wanted, which may be sent back as it is', async () => {
    expect((await get('/v1/gateways')).json()).toMatchObject({ resources: [{ name: 'edge', spec: SPEC }], status: [{ gateway: 'edge', desired: 'running', state: 'absent', healthy: false, says: expect.stringContaining('start the gateway') }] })
    await there()
    const { status, resources: [resource] } = (await get('/v1/gateways')).json()
    expect(status).toMatchObject([{ state: 'running', healthy: true, says: '1 streams in, 1 out; 4 stanzas wait, the oldest for 11 s', conservation: { accepted: 10, accounted: 10, holds: true }, presence: { streams: { outbound: 1 } } }])
    expect((await api.app.inject({ method: 'PUT', url: '/v1/gateways/edge', payload: resource, headers: api.as.admin })).json()).toMatchObject({ counts: { unchanged: 1 } })
  })

  it('that it has drained is no fault, and has its end said with it', async () => {
    await api.configuration.change(() => [{ put: { kind: 'Gateway', name: 'edge', spec: { ...structuredClone(SPEC), desired: 'draining' } } }], 'test')
    await there({ state: 'stopped' })
    await until(() => api.gateways.get('edge')?.says === 'it has drained, as is wanted, and takes nothing; to have it carry again: dialtone gateway start edge')
  })

  it('one that runs under a name that is not configured is told too', async () => {
    const stray = scriptedGateway(api.bus, 'stray')
    await stray.be()
    await until(() => api.gateways.present().includes('stray'))
    expect((await get('/v1/gateways')).json().status.map(({ gateway }: { gateway: string }) => gateway)).toEqual(['edge', 'stray'])
    expect((await get('/v1/gateways/stray/status')).json()).toMatchObject({ state: 'running', says: expect.stringContaining('no Gateway resource') })
  })

  it('says first what an operator should know', async () => {
    for (const [how, says] of [
      [{ healthy: false, findings: [{ what: 'secret', unhealthy: true, says: 'the file /s cannot be read' }] }, 'secret: the file /s cannot be read'],
      [{ state: 'draining', drains: [{ scope: 'gateway', since: '2026-03-01T12:00:00Z', deadline: '2026-03-01T12:00:30Z', streams: 2, queued: 4, done: false }] }, 'gateway drains until 2026-03-01T12:00:30Z: 2 streams and 4 stanzas that wait are left'],
      [{ revision: 0 }, `it works by revision 0 of the configuration; what was written in ${api.configuration.revision} has not reached it yet`],
      [{ state: 'stopped' }, 'it is stopped, and is wanted running'],
      [{ stanzas: { accepted: 9, outcomes: { 'acknowledged': 0, 'written': 0, 'unknown-fate': 0, 'bounced': 0, 'expired': 0, 'dropped-by-rule': 0 }, queued: 0, onStream: 0, retried: 0 } }, '1 streams in'],
    ] as [Parameters<ScriptedGateway['be']>[0], string][]) {
      await there(how)
      await until(() => api.gateways.get('edge')?.says.startsWith(says) === true)
    }
    expect(api.gateways.get('edge')?.conservation).toEqual({ accepted: 9, accounted: 0, holds: false })
  })

  for (const [url, shape] of [['/v1/gateways/edge/status', GatewayStatus], ['/v1/gateways/edge/streams?peer=peer.example&most=5', StreamsOfGateway], ['/v1/gateways/edge/queues?zone=outside', QueuesOfGateway], ['/v1/explain-route?from=ours.example&to=peer.example', RouteExplanations], ['/v1/explain-route?from=ours.example&to=peer.example&gateway=edge', RouteExplanations]] as [string, TSchema][]) {
    it(`has the shape that the documentation shows: ${url}`, async () => {
      await there()
      await edge.serve()
      const { statusCode, body } = await get(url)
      expect(statusCode, body).toBe(200)
      shaped(shape, body)
    })
  }

  it('explains a route as each sees it, and says who did not answer', async () => {
    await there()
    const second = scriptedGateway(api.bus, 'second')
    await second.be()
    await until(() => api.gateways.present().length === 2)
    await edge.serve()
    expect((await get('/v1/explain-route?from=a.example&to=b.example')).json()).toMatchObject({ explanations: [{ gateway: 'edge', from: 'a.example', to: 'b.example', outcome: 'deliver' }], unanswered: [{ gateway: 'second', says: expect.stringContaining('Try again') }] })
  })
})

describe('where nobody answers, what to do is said', () => {
  it('nobody is there', async () => {
    for (const url of ['/v1/gateways/edge/streams', '/v1/gateways/edge/queues', '/v1/explain-route?from=a.example&to=b.example', '/v1/explain-route?from=a.example&to=b.example&gateway=edge']) {
      expect((await get(url)).json(), url).toMatchObject({ status: 503, code: 'no-gateway', detail: expect.stringMatching(/^Start /) })
    }
    expect((await post('retry')).json()).toMatchObject({ status: 503, code: 'no-gateway' })
  })

  it('nobody has that name', async () => {
    for (const url of ['/v1/gateways/nope/status', '/v1/gateways/nope/streams', '/v1/explain-route?from=a.example&to=b.example&gateway=nope']) expect((await get(url)).json(), url).toMatchObject({ status: 404, code: 'not-found' })
    expect((await api.app.inject({ method: 'POST', url: '/v1/gateways/nope/drain', payload: {}, headers: api.as.operator })).json()).toMatchObject({ status: 404, detail: expect.stringContaining('PUT /v1/gateways/nope') })
  })

  it('it refuses, and what it answered otherwise', async () => {
    await there()
    await edge.serve({ act: () => Promise.reject(new OperatorError('not-now', 'it is starting')) })
    expect((await post('retry')).json()).toMatchObject({ status: 409, code: 'gateway-refused', detail: expect.stringContaining('it is starting') })
    await until(() => api.audited.some(({ action, outcome }) => action === 'gateway.retry' && outcome === 'refused'))
    expect((await get('/v1/explain-route?from=nope&to=UPPER')).statusCode).toBe(400)
  })
})

describe('what is wanted', () => {
  it('is kept in the resource, is on record, and is the same when it is wanted again', async () => {
    await there()
    const first = await post('drain', { peer: 'peer.example', reason: 'they move', ticket: 'T-1', deadlineSeconds: 60 })
    expect(first.json<GatewayDone>()).toMatchObject({ dryRun: false, effects: [{ subject: 'Gateway/edge peer peer.example', outcome: 'done', says: expect.stringContaining('GET /v1/gateways/edge/status') }], watch: '/v1/events?topics=gateway:edge', gateway: { gateway: 'edge' } })
    expect(spec()).toEqual({ ...SPEC, drainSeconds: 60, peers: { 'peer.example': 'draining' } })
    const { revision } = api.configuration
    expect((await post('drain', { peer: 'peer.example' })).json<GatewayDone>().effects).toMatchObject([{ outcome: 'unchanged' }])
    expect(api.configuration.revision).toBe(revision)
    await until(() => api.audited.some(({ action }) => action === 'gateway.drain'))
    expect(api.audited.find(({ action }) => action === 'gateway.drain')).toMatchObject({ actor: 't-operator', subject: 'Gateway/edge', outcome: 'done', reason: 'they move', ticket: 'T-1', before: { spec: SPEC } })
    await post('start', { peer: 'peer.example' })
    expect(spec()).toEqual({ ...SPEC, drainSeconds: 60 })
  })

  it('of all of it, of a zone, of a pair', async () => {
    await post('stop')
    await post('drain', { zone: 'lan' })
    await post('hold', { pair: { ours: 'ours.example', peer: 'peer.example' } })
    expect(spec()).toMatchObject({ desired: 'stopped', zones: [{ name: 'outside' }, { name: 'lan', desired: 'draining' }], pairs: { 'ours.example peer.example': 'held' } })
    await post('release', { pair: { ours: 'ours.example', peer: 'peer.example' } })
    expect(spec()).not.toHaveProperty('pairs')
  })

  it('is done later where it is away, and says so', async () => {
    expect((await post('drain')).json<GatewayDone>().effects[0]).toMatchObject({ outcome: 'done', says: expect.stringContaining('not there now, and does it when it is back') })
  })

  it('is planned, and nothing is written', async () => {
    await there()
    await edge.serve()
    const { revision } = api.configuration
    expect((await post('drain', { dryRun: true })).json<GatewayDone>().effects).toEqual([{ subject: 'Gateway/edge', outcome: 'would-do', says: 'would want that the gateway finishes what there is and takes nothing new: it has 2 streams and 4 stanzas that wait now' }])
    expect(api.configuration.revision).toBe(revision)
  })

  it('is refused where it cannot be: by who may not, of what is not there, of two things at once', async () => {
    expect((await post('drain', {}, 'viewer')).statusCode).toBe(403)
    expect((await post('hold')).json()).toMatchObject({ status: 400, pointer: '/peer' })
    // What can never match, in the words of the linter.
    expect((await post('block', { peer: 'ours.example' })).json()).toMatchObject({ status: 400, pointer: '/peer', detail: "Gateway/edge: 'ours.example' is one of ours, so it is never a peer and this changes nothing." })
    expect((await post('hold', { pair: { ours: 'peer.example', peer: 'ours.example' } })).json()).toMatchObject({ status: 400, pointer: '/pair', detail: expect.stringContaining('in this order') })
    expect((await post('drain', { zone: 'dmz' })).json()).toMatchObject({ status: 404 })
    expect((await post('drain', { zone: 'lan', peer: 'peer.example' })).statusCode).toBe(400)
    expect((await post('drain', { peer: 'PEER' })).statusCode).toBe(400)
    expect((await post('dance')).statusCode).toBe(404)
  })

  it('may come without a body, and says what stays when another thing is let go', async () => {
    const start = await api.app.inject({ method: 'POST', url: '/v1/gateways/edge/start', headers: api.as.operator })
    expect([start.statusCode, start.json<GatewayDone>().effects[0]?.outcome]).toEqual([200, 'unchanged'])
    await post('block', { peer: 'peer.example' })
    expect((await post('release', { peer: 'peer.example' })).json<GatewayDone>().effects).toMatchObject([{ outcome: 'unchanged', says: expect.stringContaining("it was not held: it is blocked, and stays so until 'unblock'") }])
  })

  it('a zone that is stopped is seen, while it drains and afterwards', async () => {
    await post('stop', { zone: 'lan' })
    const view = () => api.gateways.get('edge')
    expect(view()?.zones).toEqual([{ zone: 'lan', desired: 'stopped', says: 'the gateway is not there, and does it when it is back' }])
    const drain = { scope: 'zone lan', since: '2026-03-01T12:00:00Z', deadline: '2026-03-01T12:00:30Z', streams: 2, queued: 4, done: false }
    await there({ drains: [drain] })
    await until(() => view()?.zones?.[0]?.says === 'it drains until 2026-03-01T12:00:30Z: 2 streams and 4 stanzas that wait are left')
    await edge.be({ revision: api.configuration.revision, drains: [{ ...drain, streams: 0, queued: 0, done: true }] })
    await until(() => view()?.says === 'zone lan is wanted stopped: it has drained, and takes nothing')
    shaped(GatewayStatus, (await get('/v1/gateways/edge/status')).body)
    await post('start', { zone: 'lan' })
    await edge.be({ revision: api.configuration.revision, listeners: [{ zone: 'lan', address: '10.0.0.1', port: 5269, kind: 'starttls', open: false }] })
    await until(() => view()?.zones?.[0]?.says === '1 of its 1 listeners are closed')
  })

  it('two who write at once both succeed', async () => {
    await Promise.all([post('hold', { peer: 'a.example' }), post('block', { peer: 'b.example' }), post('drain', { zone: 'lan' })])
    expect(spec()).toMatchObject({ peers: { 'a.example': 'held', 'b.example': 'blocked' }, zones: [{}, { desired: 'draining' }] })
  })
})

describe('who waits', () => {
  it('is told when the drain is over, and whether the stanzas add up', async () => {
    await there()
    const draining = post('drain', { wait: 60, deadlineSeconds: 30 })
    await until(() => spec()?.desired === 'draining')
    const drain = { scope: 'gateway', since: '2026-03-01T12:00:00Z', deadline: '2026-03-01T12:00:30Z', streams: 1, queued: 0, done: false }
    // What it told before the command reached it is no end; nor is a drain that goes on.
    await edge.be({ revision: api.configuration.revision - 1, state: 'draining', drains: [{ ...drain, done: true }] })
    await edge.be({ revision: api.configuration.revision, state: 'draining', drains: [drain] })
    await until(() => api.gateways.get('edge')?.presence?.drains[0]?.done === false)
    await edge.be({ revision: api.configuration.revision, state: 'draining', drains: [{ ...drain, streams: 0, done: true }] })
    expect((await draining).json<GatewayDone>()).toMatchObject({ reached: true, effects: [{ outcome: 'done' }], gateway: { state: 'draining', conservation: { holds: true } } })
    expect((await post('drain', { wait: 60 })).json<GatewayDone>()).toMatchObject({ reached: true, effects: [{ outcome: 'unchanged' }] })
  })

  it('for a peer waits for the drain of that peer', async () => {
    await there()
    const draining = post('drain', { wait: 60, peer: 'peer.example' })
    await until(() => spec()?.peers !== undefined)
    const drain = { scope: 'peer other.example', since: '2026-03-01T12:00:00Z', deadline: '2026-03-01T12:00:30Z', streams: 1, queued: 0, done: true }
    await edge.be({ revision: api.configuration.revision, drains: [drain, { ...drain, scope: 'peer peer.example', done: false }] })
    await until(() => api.gateways.get('edge')?.presence?.drains.length === 2)
    await edge.be({ revision: api.configuration.revision, drains: [drain, { ...drain, scope: 'peer peer.example' }] })
    expect((await draining).json<GatewayDone>().reached).toBe(true)
  })

  it('is told when the time is over', async () => {
    await there()
    expect((await post('stop', { wait: 1 })).json<GatewayDone>()).toMatchObject({ reached: false, gateway: { state: 'running', desired: 'stopped' } })
  })

  it('is told when control stops', async () => {
    const waiting = post('stop', { wait: 600 })
    await until(() => spec()?.desired === 'stopped')
    await api.app.close()
    expect((await waiting).json<GatewayDone>().reached).toBe(false)
  })
})

describe('what is done at once', () => {
  it('is asked of the gateway, is on record, and says what it was', async () => {
    await there()
    await edge.serve()
    expect((await post('retry', { peer: 'slow.example', reason: 'they are back' })).json<GatewayDone>().effects).toEqual([{ subject: 'Gateway/edge peer slow.example', outcome: 'done', says: 'retry: 2 routes' }])
    await post('drop', { pair: { ours: 'ours.example', peer: 'slow.example' } })
    await post('close', { stream: 's1' })
    await post('reload')
    expect((await post('trace', { peer: 'slow.example', seconds: 30 })).json<GatewayDone>()).toMatchObject({ next: 7, effects: [{ outcome: 'done' }] })
    expect((await api.app.inject({ url: '/v1/gateways/edge/trace?after=7', headers: api.as.operator })).json()).toMatchObject({ lines: ['one line'], next: 7 })
    // A viewer sees no traffic.
    expect((await get('/v1/gateways/edge/trace')).statusCode).toBe(403)
    expect(edge.acts.splice(4)).toEqual([{ act: 'trace', peer: 'slow.example', seconds: 30 }, { act: 'trace', after: 7 }])
    expect(edge.acts).toEqual([{ act: 'retry', peer: 'slow.example' }, { act: 'drop', ours: 'ours.example', peer: 'slow.example' }, { act: 'close', stream: 's1' }, { act: 'reload' }])
    await until(() => api.audited.filter(({ action }) => action.startsWith('gateway.')).length === 5)
    expect(api.audited.find(({ action }) => action === 'gateway.retry')).toMatchObject({ subject: 'Gateway/edge peer slow.example', outcome: 'done', reason: 'they are back', says: 'retry: 2 routes' })
  })

  it('that changes nothing says so, and a dry run does nothing', async () => {
    await there()
    await edge.serve({ act: async () => ({ affected: 0, says: 'nothing waits' }) })
    expect((await post('flush')).json<GatewayDone>().effects).toMatchObject([{ outcome: 'unchanged', says: 'nothing waits' }])
    expect((await post('close', { stream: 'nope' })).json()).toMatchObject({ status: 404, pointer: '/stream' })
    expect((await post('close', { peer: 'slow.example' })).json<GatewayDone>().effects).toMatchObject([{ outcome: 'unchanged' }])
    edge.acts.length = 0
    expect((await post('drop', { peer: 'slow.example', dryRun: true })).json<GatewayDone>().effects).toMatchObject([{ outcome: 'would-do', says: 'would drop 1 route with 4 stanzas that wait' }])
    expect((await post('close', { stream: 's1', dryRun: true })).json<GatewayDone>().effects).toMatchObject([{ says: 'would close that stream' }])
    expect(edge.acts).toEqual([])
  })

  it('is not done to more than was meant', async () => {
    await there()
    await edge.serve()
    for (const [verb, body] of [['drop', {}], ['close', {}], ['retry', { stream: 's1' }], ['reload', { peer: 'a.example' }], ['retry', { seconds: 5 }], ['trace', { seconds: 601 }]] as const) expect((await post(verb, body)).statusCode, verb).toBe(400)
    expect((await post('retry', {}, 'viewer')).statusCode).toBe(403)
    expect(edge.acts).toEqual([])
  })
})

describe('live', () => {
  const listen = (topics: string) => {
    const seen: string[] = []
    const leave = api.hub.join({ write: bytes => seen.push(bytes.toString()) > 0, waiting: () => 0, end: () => undefined }, topics.split(','), {}, () => true)
    return { text: () => seen.join(''), leave }
  }
  const happens = (on: 'asked' | 'drain', says: string, n: number, gateway = 'edge') => api.bus.publish(GatewayEvent, [gateway], { gateway: 'edge', at: '2026-03-01T12:00:00Z', on, says }, { id: `e${n}` })

  it('how a gateway is, also when it is gone, and each thing that happens there', async () => {
    const [all, events, other] = [listen('gateway'), listen('gateway:edge'), listen('gateway:other,verdict')]
    await there()
    await happens('asked', 'first', 1)
    await happens('asked', 'second', 2)
    await happens('asked', 'of another', 3, 'other')
    await until(() => events.text().includes('second') && all.text().includes('"state":"running"'))
    expect(events.text()).toMatch(/first[^]*second/)
    expect(all.text()).not.toContain('first')
    await edge.gone()
    await until(() => all.text().includes('"state":"absent"'))
    expect(events.text()).not.toContain('of another')
    expect(other.text()).not.toContain('edge')
    const { statusCode } = await get('/v1/events?topics=gateway:NOT')
    expect(statusCode).toBe(400)
  })

  it('a flood of one gateway is cut, and said to be', async () => {
    const events = listen('gateway-event')
    for (let n = 0; n < 200; n++) await happens('asked', `number ${n}.`, n)
    let n = 200
    // The next one in another second says how many there were.
    while (!/\d+ events of this gateway were left out/.test(events.text())) {
      await happens('drain', 'over', n++)
      await new Promise(resolve => { setTimeout(resolve, 20) })
    }
    expect(events.text().match(/number \d+\./g)?.length).toBeLessThan(200)
  })
})
