import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CheckView, Subscription } from '@dialtone/contracts'
import { CheckNow, CheckProgress } from '@dialtone/contracts/schemas'
import { OperatorError } from '@dialtone/kernel'
import { beThere, harness, until, type Harness } from '../http/test-support/harness.ts'
import { THEN } from '../http/test-support/readings.ts'

let api: Harness
let served: Subscription[]
beforeEach(async () => {
  api = await harness({ askMs: 300 })
  served = []
})
afterEach(async () => {
  await Promise.all(served.map(each => each.stop()))
  await api.stop()
})

const ask = (payload: object, role: 'operator' | 'admin' = 'operator') => api.app.inject({ method: 'POST', url: '/v1/checks', payload, headers: api.as[role] })
const states = ({ vantages }: CheckView) => vantages.map(({ vantage, state }) => `${vantage} ${state}`)

/** An agent that says this to every request. */
async function agent (vantage: string, answer: (body: { check: string, target: string, deep: boolean }) => Promise<{ agent: string, accepted: boolean, says?: string, retryAfterSeconds?: number, owner?: string }>): Promise<void> {
  served.push(await api.bus.serve(CheckNow, [vantage, 'any'], answer, { shared: true }))
}

/** As a real one does: takes it, tells how far it is, and what it saw is recorded. */
async function working (vantage: string, told: { check: string, target: string, deep: boolean }[] = []): Promise<void> {
  await agent(vantage, async body => {
    told.push(body)
    const progress = (at: 'started' | 'step' | 'done') => api.bus.publish(CheckProgress, [vantage, body.check], { check: body.check, vantage, agent: 'a1', target: body.target, at, ...(at === 'step' ? { stage: 'tcp', outcome: 'ok' } : {}) }, { id: `${body.check}-${vantage}-${at}` })
    setTimeout(() => {
      void (async () => {
        for (const at of ['started', 'step', 'done'] as const) await progress(at)
        const [job, domain = '', ours] = body.target.split(':')
        api.readings.recorded.push({ id: `obs-${vantage}-1`, at: THEN, domain, ...(ours === undefined ? {} : { ours }), vantage, agent: 'a1', job: job as 'peer', check: body.check, full: true, same: 0 })
      })()
    }, 5)
    return { agent: 'a1', accepted: true }
  })
}

describe('a check', () => {
  it('is asked of every vantage that has it, and ends with what each saw', async () => {
    await Promise.all([working('inside'), working('outside')])
    const answer = await ask({ domain: 'example.org', wait: 20, reason: 'why not' })
    expect(answer.statusCode, answer.body).toBe(200)
    const view = answer.json<CheckView>()
    expect(view).toMatchObject({ domain: 'example.org', state: 'done', before: [{ domain: 'example.org' }], after: [{ domain: 'example.org' }] })
    expect(view.vantages.map(({ vantage, agent, state, observation }) => [vantage, agent, state, observation])).toEqual([['inside', 'a1', 'done', 'obs-inside-1'], ['outside', 'a1', 'done', 'obs-outside-1']])
    expect(answer.headers['location']).toBe(`/v1/checks/${view.id}`)
    await until(() => api.audited.some(({ action }) => action === 'check'))
    expect(api.audited.find(({ action }) => action === 'check')).toMatchObject({ actor: 't-operator', role: 'operator', subject: 'example.org', outcome: 'done', reason: 'why not' })
  })

  it('of a pair asks inside for ours and outside for nobody, deeply where that is wanted', async () => {
    const told: { target: string, deep: boolean }[] = []
    await Promise.all([working('inside', told as never), working('outside', told as never)])
    const view = (await ask({ domain: 'example.org', peer: 'peer.example', deep: true, wait: 20 })).json<CheckView>()
    expect(view).toMatchObject({ domain: 'peer.example', ours: 'example.org', state: 'done' })
    expect(told.map(({ target, deep }) => `${target} ${deep}`).toSorted()).toEqual(['control:peer.example true', 'peer:peer.example:example.org true'])
  })

  it('is answered at once where nobody waits, and can be followed', async () => {
    await working('inside')
    const seen: string[] = []
    const stop = api.hub.join({ write: bytes => { seen.push(bytes.toString()); return true }, waiting: () => 0, end: () => undefined }, ['check'], {}, () => true)
    const answer = await ask({ domain: 'example.org', vantages: ['inside'] })
    expect(answer.statusCode).toBe(202)
    const url = String(answer.headers['location'])
    expect((await api.app.inject({ url: `${url}?wait=20`, headers: api.as.viewer })).json<CheckView>()).toMatchObject({ state: 'done' })
    await until(() => seen.join('').includes('"state":"done","startedAt"'))
    stop?.()
  })

  it('says that nobody is listening', async () => {
    const answer = await ask({ domain: 'example.org' })
    expect([answer.statusCode, answer.json<{ code: string }>().code, answer.headers['retry-after']]).toEqual([503, 'no-agent', '10'])
    await until(() => api.audited.some(({ action, outcome }) => action === 'check' && outcome === 'failed'))
  })

  it('says that nobody answered in time', async () => {
    for (const vantage of ['inside', 'outside']) await agent(vantage, () => new Promise(resolve => { setTimeout(() => resolve({ agent: 'a1', accepted: true }), 1000) }))
    const answer = await ask({ domain: 'example.org' })
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([504, 'agent-timeout'])
  })

  it('says why agents refuse, and when to come back', async () => {
    await agent('inside', async () => ({ agent: 'a1', accepted: false, says: 'inside the retry window', retryAfterSeconds: 77 }))
    await agent('outside', async () => { throw new OperatorError('paused', 'the vantage is paused') })
    const answer = await ask({ domain: 'example.org' })
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([409, '77'])
    expect(answer.json<{ detail: string }>().detail).toContain('inside the retry window')
    expect(answer.json<{ detail: string }>().detail).toContain('the vantage is paused')
  })

  it('asks the agent whose the target is, where another names it, and no third', async () => {
    await agent('inside', async () => ({ agent: 'a1', accepted: false, says: 'agent a2 checks this target', retryAfterSeconds: 5, owner: 'a2' }))
    await agent('outside', async () => ({ agent: 'b1', accepted: false, says: 'agent b2 checks this target', retryAfterSeconds: 5, owner: 'b2' }))
    served.push(await api.bus.serve(CheckNow, ['inside', 'a2'], async () => ({ agent: 'a2', accepted: false, says: 'inside the retry window', retryAfterSeconds: 77 })))
    served.push(await api.bus.serve(CheckNow, ['outside', 'b2'], async () => ({ agent: 'b2', accepted: false, says: 'agent b1 checks this target', retryAfterSeconds: 6, owner: 'b1' })))
    const answer = await ask({ domain: 'example.org' })
    expect(answer.statusCode).toBe(409)
    expect(answer.json<{ detail: string }>().detail).toContain('inside the retry window')
    expect(answer.json<{ detail: string }>().detail).toContain('agent b1 checks this target')
  })

  it('goes on with those who are there', async () => {
    await working('inside')
    const view = (await ask({ domain: 'example.org', wait: 20 })).json<CheckView>()
    expect([view.state, ...states(view)]).toEqual(['done', 'inside done', 'outside no-agent'])
  })

  it('does nothing in a dry run', async () => {
    const answer = await ask({ domain: 'example.org', dryRun: true })
    expect(answer.json()).toMatchObject({ dryRun: true, effects: [{ subject: 'inside own-published:example.org', outcome: 'would-do' }, { subject: 'outside own-published:example.org' }] })
  })

  it('of what nobody has to check is refused', async () => {
    for (const payload of [{ domain: 'unknown.example' }, { domain: 'example.org', vantages: ['elsewhere'] }]) {
      const answer = await ask(payload)
      expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([409, 'nothing-to-check'])
    }
  })
})

describe('who speaks for a check', () => {
  it('is its own vantage alone', async () => {
    await agent('inside', async () => ({ agent: 'a1', accepted: true }))
    await agent('outside', async () => ({ agent: 'b1', accepted: true }))
    const { id } = (await ask({ domain: 'example.org' })).json<CheckView>()
    const say = (key: string[], vantage: string, at: 'failed' | 'step', says: string) => api.bus.publish(CheckProgress, key, { check: id, vantage, agent: 'b1', target: 'own-published:example.org', at, says }, { id: says.replaceAll(' ', '-') })
    await say(['outside', id], 'inside', 'failed', 'in the name of another vantage')
    await say(['outside', 'another'], 'outside', 'failed', 'under the key of another check')
    await say(['outside', id], 'outside', 'step', 'by itself')
    const view = async () => (await api.app.inject({ url: `/v1/checks/${id}`, headers: api.as.viewer })).json<CheckView>()
    await expect.poll(async () => (await view()).vantages).toMatchObject([{ vantage: 'inside', agent: 'a1', state: 'running' }, { vantage: 'outside', state: 'running', says: 'by itself' }])
  })
})

describe('where presence is known', () => {
  const named = async (vantage: string, name: string, asked: string[]) => {
    served.push(await api.bus.serve(CheckNow, [vantage, name], async () => {
      asked.push(name)
      return { agent: name, accepted: true }
    }))
  }

  it('agents that run are asked, in turn, and none that is paused', async () => {
    const asked: string[] = []
    await api.configuration.change(now => [{ put: { kind: 'Vantage', name: 'inside', spec: { ...now.get<'Vantage'>('Vantage', 'inside')?.spec, side: 'inside', pausedAgents: ['a4'] } } }], 'test')
    for (const [name, state] of [['a1', 'paused'], ['a2', 'running'], ['a3', 'running'], ['a4', 'running']] as const) {
      await beThere(api, 'inside', name, { state })
      await named('inside', name, asked)
    }
    await agent('inside', async () => ({ agent: 'a1', accepted: false, says: 'paused' }))
    for (let times = 0; times < 4; times++) expect((await ask({ domain: 'example.org', vantages: ['inside'] })).statusCode).toBe(202)
    expect(asked.toSorted()).toEqual(['a2', 'a2', 'a3', 'a3'])
  })

  it('who is gone is passed over, and whoever takes it is asked last', async () => {
    const asked: string[] = []
    await beThere(api, 'inside', 'gone')
    await beThere(api, 'inside', 'here')
    await named('inside', 'here', asked)
    for (let times = 0; times < 2; times++) await ask({ domain: 'example.org', vantages: ['inside'] })
    expect(asked).toEqual(['here', 'here'])
    await served.pop()?.stop()
    await agent('inside', async () => ({ agent: 'new', accepted: true }))
    expect((await ask({ domain: 'example.org', vantages: ['inside'] })).json<CheckView>().vantages).toMatchObject([{ agent: 'new', state: 'running' }])
  })
})

describe('a check that is cancelled', () => {
  it('is not waited for any more, and is on record', async () => {
    await agent('inside', async () => ({ agent: 'a1', accepted: true }))
    const { id } = (await ask({ domain: 'example.org', vantages: ['inside'] })).json<CheckView>()
    const waiting = api.app.inject({ url: `/v1/checks/${id}?wait=60`, headers: api.as.viewer })
    const cancel = (role: 'viewer' | 'operator') => api.app.inject({ method: 'DELETE', url: `/v1/checks/${id}`, headers: { ...api.as[role], 'x-reason': 'wrong one' } })
    expect((await cancel('viewer')).statusCode).toBe(403)
    const answer = await cancel('operator')
    expect([answer.statusCode, answer.json<CheckView>()]).toMatchObject([200, { id, state: 'cancelled', endedAt: expect.any(String), vantages: [{ state: 'cancelled', agent: 'a1', says: expect.stringContaining('t-operator') }] }])
    expect((await waiting).json()).toMatchObject({ state: 'cancelled' })
    expect((await cancel('operator')).json()).toEqual(answer.json())
    await until(() => api.audited.some(({ action }) => action === 'check.cancel'))
    expect(api.audited.filter(({ action }) => action === 'check.cancel')).toMatchObject([{ actor: 't-operator', subject: 'example.org', outcome: 'done', reason: 'wrong one' }])
    expect((await api.app.inject({ method: 'DELETE', url: '/v1/checks/unknown', headers: api.as.operator })).statusCode).toBe(404)
  })
})

it('takes no check while the bus is away, and reading goes on', async () => {
  await api.bus.stop()
  const answer = await ask({ domain: 'example.org' })
  expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([503, 'bus-unreachable'])
  expect((await api.app.inject({ url: '/v1/overview', headers: api.as.viewer })).statusCode).toBe(200)
  const pause = await api.app.inject({ method: 'POST', url: '/v1/agents/inside/pause', payload: {}, headers: api.as.operator })
  expect(pause.statusCode).toBe(503)
})
