import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AgentPresence, CommandDone, HookDone } from '@dialtone/contracts'
import { ResetTarget, RunHook } from '@dialtone/contracts/schemas'
import { OperatorError } from '@dialtone/kernel'
import type { Static } from 'typebox'
import { beThere, harness, until, type Harness } from '../http/test-support/harness.ts'

let api: Harness
beforeEach(async () => { api = await harness() })
afterEach(async () => { await api.stop() })

const post = (url: string, payload: object = {}) => api.app.inject({ method: 'POST', url, payload, headers: api.as.operator })
const vantage = () => api.configuration.get('Vantage', 'inside')?.spec
const audit = async (action: string) => {
  await until(() => api.audited.some(each => each.action === action))
  return api.audited.find(each => each.action === action)
}

describe('what is wanted is written into the configuration', () => {
  it('all agents of a vantage pause and resume', async () => {
    const answer = await post('/v1/agents/inside/pause', { reason: 'firewall work', ticket: 'T-1' })
    expect(answer.json<CommandDone>()).toMatchObject({ dryRun: false, effects: [{ subject: 'Vantage/inside', outcome: 'done' }] })
    expect(vantage()).toEqual({ side: 'inside', desired: 'paused' })
    expect((await post('/v1/agents/inside/pause')).json<CommandDone>().effects[0]?.outcome).toBe('unchanged')
    await post('/v1/agents/inside/resume')
    expect(vantage()?.desired).toBe('running')
    expect(await audit('pause')).toMatchObject({ actor: 't-operator', subject: 'Vantage/inside', outcome: 'done', reason: 'firewall work', ticket: 'T-1', before: { spec: { side: 'inside' } }, after: { spec: { side: 'inside', desired: 'paused' } } })
  })

  it('one agent pauses, and the others of its vantage do not', async () => {
    await Promise.all(['a1', 'a2'].map(agent => beThere(api, 'inside', agent)))
    await post('/v1/agents/inside/a2/pause')
    await post('/v1/agents/inside/a1/pause')
    expect(vantage()).toEqual({ side: 'inside', pausedAgents: ['a1', 'a2'] })
    await post('/v1/agents/inside/a1/resume')
    await post('/v1/agents/inside/a2/resume')
    expect(vantage()).toEqual({ side: 'inside' })
  })

  it('an agent that nobody has heard of does not, and those that are known are named; one that went away while it was paused resumes', async () => {
    await beThere(api, 'inside', 'a1')
    await beThere(api, 'outside', 'b1')
    for (const verb of ['pause', 'resume']) {
      const answer = await post(`/v1/agents/inside/nope/${verb}`)
      expect([answer.statusCode, answer.json<{ detail: string }>().detail]).toEqual([404, "Nobody has heard of an agent 'nope' of inside; known are a1."])
    }
    expect(vantage()).toEqual({ side: 'inside' })
    await api.configuration.change(() => [{ put: { kind: 'Vantage', name: 'inside', spec: { side: 'inside', pausedAgents: ['gone'] } } }], 'test')
    expect((await post('/v1/agents/inside/gone/resume')).statusCode).toBe(200)
    expect(vantage()).toEqual({ side: 'inside' })
  })

  it('a schedule pauses', async () => {
    await post('/v1/schedules/default/pause')
    expect(api.configuration.get('Schedule', 'default')?.spec.desired).toBe('paused')
  })

  it('a vantage is set aside with a reason, and heard again', async () => {
    expect((await post('/v1/vantages/inside/quarantine')).statusCode).toBe(400)
    await post('/v1/vantages/inside/quarantine', { reason: 'its resolver lies' })
    expect(vantage()?.quarantined).toBe('its resolver lies')
    await post('/v1/vantages/inside/release')
    expect(vantage()).toEqual({ side: 'inside' })
  })

  it('maintenance is an exception that ends by itself', async () => {
    const before = Date.now()
    const answer = await post('/v1/maintenance', { domain: 'example.org', minutes: 30, reason: 'upgrade' })
    expect(answer.statusCode, answer.body).toBe(201)
    const [exception] = api.configuration.all('Exception')
    expect(answer.headers['location']).toBe(`/v1/exceptions/${exception?.name}`)
    expect(exception?.spec).toMatchObject({ effect: 'maintenance', domain: 'example.org', reason: 'upgrade' })
    expect(Date.parse(exception?.spec.until ?? '') - before).toBeGreaterThanOrEqual(30 * 60_000)
    for (const [body, pointer] of [[{ domain: 'example.org', reason: 'x' }, '/until'], [{ domain: 'example.org', reason: 'x', minutes: 1, until: '2100-01-01T00:00:00Z' }, '/until'], [{ domain: 'example.org', reason: 'x', until: '2020-01-01T00:00:00Z' }, '/until'], [{ domain: 'example.org', reason: 'x', until: '2100-01-01T00:00:00Z' }, '/until'], [{ reason: 'x', minutes: 1 }, '/domain']] as const) {
      const refused = await post('/v1/maintenance', body)
      expect([refused.statusCode, refused.json<{ pointer: string }>().pointer]).toEqual([400, pointer])
    }
  })

  it('a dry run writes nothing, and says what it would', async () => {
    await beThere(api, 'inside', 'a1')
    const { revision } = api.configuration
    for (const [url, body] of [['/v1/agents/inside/pause', {}], ['/v1/agents/inside/a1/pause', {}], ['/v1/schedules/default/pause', {}], ['/v1/vantages/inside/quarantine', { reason: 'x' }], ['/v1/maintenance', { domain: 'example.org', minutes: 1, reason: 'x' }]] as const) {
      const answer = await post(url, { ...body, dryRun: true })
      expect([answer.statusCode, answer.json<CommandDone>().dryRun, answer.json<CommandDone>().effects[0]?.outcome], url).toEqual([200, true, 'would-do'])
    }
    expect(api.configuration.revision).toBe(revision)
  })

  it('what is not there is not made', async () => {
    for (const url of ['/v1/agents/elsewhere/pause', '/v1/agents/elsewhere/a1/pause', '/v1/schedules/other/pause', '/v1/vantages/elsewhere/release']) expect((await post(url)).statusCode, url).toBe(404)
    expect((await post('/v1/agents/inside/dance')).statusCode).toBe(400)
  })

  it('two who write at once both succeed', async () => {
    await Promise.all(['a1', 'a2'].map(agent => beThere(api, 'inside', agent)))
    await Promise.all([post('/v1/agents/inside/a1/pause'), post('/v1/agents/inside/a2/pause'), post('/v1/vantages/inside/quarantine', { reason: 'x' })])
    expect(vantage()).toEqual({ side: 'inside', pausedAgents: ['a1', 'a2'], quarantined: 'x' })
  })
})

describe('a reset', () => {
  it('is asked of every agent that has it, each by its name', async () => {
    const asked: string[] = []
    for (const [at, name] of [['inside', 'a1'], ['outside', 'b1']] as const) {
      await beThere(api, at, name)
      await api.bus.serve(ResetTarget, [at, name], async ({ target }) => {
        asked.push(`${at} ${target}`)
        return { targets: 1 }
      })
    }
    const answer = await post('/v1/reset', { domain: 'example.org', peer: 'peer.example' })
    expect(answer.json<CommandDone>().effects.map(({ subject, outcome }) => `${subject} ${outcome}`)).toEqual(['inside/a1 done', 'outside/b1 done', 'control done'])
    expect(api.resets).toEqual([{ domain: 'example.org', peer: 'peer.example' }])
    expect(asked.toSorted()).toEqual(['inside peer:peer.example:example.org', 'outside control:peer.example'])
    asked.length = 0
    await post('/v1/reset', { vantages: ['outside'] })
    expect(asked).toEqual(['outside undefined'])
    // What was confirmed is of all vantages.
    expect(api.resets).toHaveLength(1)
    await post('/v1/reset', { dryRun: true })
    expect(api.resets).toHaveLength(1)
    await post('/v1/reset')
    expect(api.resets.slice(1)).toEqual([{}])
    expect(await audit('reset')).toMatchObject({ subject: 'example.org peer.example', outcome: 'done' })
  })

  it('says of each agent that does not answer', async () => {
    await beThere(api, 'inside', 'a1')
    const answer = await post('/v1/reset')
    expect(answer.json<CommandDone>().effects).toMatchObject([{ subject: 'inside/a1', outcome: 'no-agent' }, { subject: 'control' }])
    expect((await post('/v1/reset', { vantages: ['outside'] })).json()).toMatchObject({ code: 'no-agent' })
    expect((await post('/v1/reset', { peer: 'peer.example' })).statusCode).toBe(400)
  })
})

describe('a hook of a managed server', () => {
  const has = { hooks: { xmpp: ['status', 'reload'] } }
  const serve = (agent: string, answer: () => Promise<Static<typeof RunHook.answer>>) => api.bus.serve(RunHook, ['inside', agent], answer)
  const well = { exitCode: 0, output: 'running', ms: 5, truncated: false }

  it('is asked for by name, of the agent that has it in its file, and what it printed is on record', async () => {
    const asked: unknown[] = []
    for (const [agent, how] of [['a1', {}], ['a2', { hooks: { other: ['status'] } }], ['a3', { ...has, state: 'paused' }], ['a4', has], ['a5', { hooks: { xmpp: ['stop'] } }]] as const) {
      await beThere(api, 'inside', agent, structuredClone(how) as Partial<AgentPresence>)
      await api.bus.serve(RunHook, ['inside', agent], async body => {
        asked.push([agent, body])
        return { exitCode: 0, output: 'running\n'.repeat(1000), ms: 5, truncated: false }
      })
    }
    const answer = await post('/v1/managed-servers/xmpp/status')
    expect(answer.json<HookDone>()).toMatchObject({ server: 'xmpp', vantage: 'inside', hook: 'status', exitCode: 0, truncated: false })
    expect(asked).toEqual([['a4', { server: 'xmpp', hook: 'status' }]])
    const entry = await audit('hook.status')
    expect(entry).toMatchObject({ subject: 'ManagedServer/xmpp', outcome: 'done', says: expect.stringContaining('by a4, exit 0: running\\n') })
    expect(entry?.says?.length).toBeLessThanOrEqual(2000)
  })

  it('says what is missing where no agent has it', async () => {
    expect((await post('/v1/managed-servers/xmpp/reload')).json()).toMatchObject({ status: 503, code: 'no-agent', detail: expect.stringContaining('none is there') })
    await beThere(api, 'inside', 'a1')
    expect((await post('/v1/managed-servers/xmpp/reload')).json()).toMatchObject({ status: 409, code: 'hook-missing', detail: expect.stringContaining("No agent of inside has 'xmpp' in its hooks file (there: a1)") })
    await beThere(api, 'inside', 'a2', { hooks: { xmpp: ['status'] } })
    await until(() => api.presence.get('inside', 'a2') !== undefined)
    expect((await post('/v1/managed-servers/xmpp/reload')).json()).toMatchObject({ status: 409, code: 'hook-missing', detail: expect.stringContaining("no 'reload' of it (status)") })
    await until(() => api.audited.filter(({ action }) => action === 'hook.reload').length === 3)
    expect(api.audited.filter(({ action }) => action === 'hook.reload').map(({ outcome }) => outcome)).toEqual(['failed', 'refused', 'refused'])
    await api.configuration.change(() => [{ put: { kind: 'ManagedServer', name: 'constructor', spec: { vantage: 'inside', domains: ['example.org'], hooks: ['status'] } } }], 'test')
    expect((await post('/v1/managed-servers/constructor/status')).json()).toMatchObject({ code: 'hook-missing' })
  })

  it('is asked of the agent that the resource names, whatever is known of it', async () => {
    await api.configuration.change(() => [{ put: { kind: 'ManagedServer', name: 'xmpp', spec: { vantage: 'inside', agent: 'a9', domains: ['example.org'], hooks: ['status'] } } }], 'test')
    await beThere(api, 'inside', 'a1', has)
    expect((await post('/v1/managed-servers/xmpp/status')).json()).toMatchObject({ status: 503, code: 'no-agent', detail: expect.stringContaining('a9') })
    await serve('a9', async () => well)
    expect((await post('/v1/managed-servers/xmpp/status')).json<HookDone>().exitCode).toBe(0)
  })

  it('that fails or is refused is told as it is, and is on record', async () => {
    await beThere(api, 'inside', 'a1', has)
    expect((await post('/v1/managed-servers/xmpp/reload')).json()).toMatchObject({ status: 503, code: 'no-agent' })
    const refusing = await serve('a1', async () => { throw new OperatorError('not-allowed-here', 'the file of this agent allows no reload') })
    expect((await post('/v1/managed-servers/xmpp/reload')).json()).toMatchObject({ status: 409, code: 'agent-refused', detail: expect.stringContaining('allows no reload') })
    await refusing.stop()
    await serve('a1', async () => ({ ...well, exitCode: 1 }))
    expect((await post('/v1/managed-servers/xmpp/reload')).json<HookDone>().exitCode).toBe(1)
    await until(() => api.audited.filter(({ action }) => action === 'hook.reload').length === 3)
    expect(api.audited.filter(({ action }) => action === 'hook.reload').map(({ outcome }) => outcome)).toEqual(['failed', 'refused', 'failed'])
  })

  it('is on record when who asked has gone, when the bus breaks, and when control stops meanwhile', async () => {
    await beThere(api, 'inside', 'a1', has)
    const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>()
    const { promise: done, resolve: finish } = Promise.withResolvers<typeof well>()
    const first = await serve('a1', () => {
      isAsked()
      return done
    })
    const url = await api.app.listen({ port: 0, host: '127.0.0.1' })
    const leaving = new AbortController()
    const gone = fetch(`${url}/v1/managed-servers/xmpp/status`, { method: 'POST', headers: { ...api.as.operator, 'content-type': 'application/json' }, body: '{}', signal: leaving.signal })
    await asked
    leaving.abort()
    await expect(gone).rejects.toThrow()
    finish(well)
    await audit('hook.status')
    await first.stop()

    const { request } = api.bus
    api.bus.request = () => Promise.reject(new Error('broken'))
    expect((await post('/v1/managed-servers/xmpp/reload')).json()).toMatchObject({ status: 500, code: 'internal' })
    expect(await audit('hook.reload')).toMatchObject({ outcome: 'failed' })
    api.bus.request = request

    const { promise: again, resolve: isAgain } = Promise.withResolvers<void>()
    const { promise: late, resolve: release } = Promise.withResolvers<typeof well>()
    await serve('a1', () => {
      isAgain()
      return late
    })
    const stuck = fetch(`${url}/v1/managed-servers/xmpp/reload`, { method: 'POST', headers: { ...api.as.operator, 'content-type': 'application/json' }, body: '{}' })
    stuck.catch(() => undefined)
    await again
    const closing = api.app.close()
    api.app.server.closeAllConnections()
    await closing
    await expect(stuck).rejects.toThrow()
    await until(() => api.audited.filter(({ action }) => action === 'hook.reload').length === 2)
    expect(api.audited.findLast(({ action }) => action === 'hook.reload')).toMatchObject({ outcome: 'failed', says: expect.stringContaining('control was stopped') })
    release(well)
  })

  it('that the resource does not allow is never asked for', async () => {
    expect((await post('/v1/managed-servers/xmpp/stop')).json()).toMatchObject({ status: 403, code: 'hook-not-allowed' })
    expect((await post('/v1/managed-servers/other/status')).statusCode).toBe(404)
    expect((await post('/v1/managed-servers/xmpp/rm%20-rf')).statusCode).toBe(400)
    expect((await post('/v1/managed-servers/xmpp/status', { dryRun: true })).json<HookDone>()).toEqual({ server: 'xmpp', vantage: 'inside', hook: 'status', dryRun: true })
  })
})

it('keeps a note of what was changed outside', async () => {
  const answer = await post('/v1/changes', { domain: 'example.org', what: 'moved the\nserver', ticket: 'CHG-7' })
  expect(answer.statusCode).toBe(201)
  expect(answer.json()).toMatchObject({ dryRun: false, change: { kind: 'note', domain: 'example.org', what: 'moved the\\nserver', actor: 't-operator' } })
  expect(await audit('note')).toMatchObject({ subject: 'Domain/example.org', ticket: 'CHG-7', after: { kind: 'note' } })
})
