import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CommandDone, HookDone } from '@dialtone/contracts'
import { ResetTarget, RunHook } from '@dialtone/contracts/schemas'
import { OperatorError } from '@dialtone/kernel'
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
    await post('/v1/agents/inside/a2/pause')
    await post('/v1/agents/inside/a1/pause')
    expect(vantage()).toEqual({ side: 'inside', pausedAgents: ['a1', 'a2'] })
    await post('/v1/agents/inside/a1/resume')
    await post('/v1/agents/inside/a2/resume')
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
    expect(answer.json<CommandDone>().effects.map(({ subject, outcome }) => `${subject} ${outcome}`)).toEqual(['inside/a1 done', 'outside/b1 done'])
    expect(asked.toSorted()).toEqual(['inside peer:peer.example:example.org', 'outside control:peer.example'])
    asked.length = 0
    await post('/v1/reset', { vantages: ['outside'] })
    expect(asked).toEqual(['outside undefined'])
    expect(await audit('reset')).toMatchObject({ subject: 'example.org peer.example', outcome: 'done' })
  })

  it('says of each agent that does not answer', async () => {
    await beThere(api, 'inside', 'a1')
    const answer = await post('/v1/reset')
    expect(answer.json<CommandDone>().effects).toMatchObject([{ subject: 'inside/a1', outcome: 'no-agent' }])
    expect((await post('/v1/reset', { vantages: ['outside'] })).json()).toMatchObject({ code: 'no-agent' })
    expect((await post('/v1/reset', { peer: 'peer.example' })).statusCode).toBe(400)
  })
})

describe('a hook of a managed server', () => {
  it('is asked for by name, and what it printed is on record', async () => {
    const asked: unknown[] = []
    await api.bus.serve(RunHook, ['inside', 'any'], async body => {
      asked.push(body)
      return { exitCode: 0, output: 'running\n'.repeat(1000), ms: 5, truncated: false }
    }, { shared: true })
    const answer = await post('/v1/managed-servers/xmpp/status')
    expect(answer.json<HookDone>()).toMatchObject({ server: 'xmpp', vantage: 'inside', hook: 'status', exitCode: 0, truncated: false })
    expect(asked).toEqual([{ server: 'xmpp', hook: 'status' }])
    const entry = await audit('hook.status')
    expect(entry).toMatchObject({ subject: 'ManagedServer/xmpp', outcome: 'done', says: expect.stringContaining('exit 0: running\\n') })
    expect(entry?.says?.length).toBeLessThanOrEqual(2000)
  })

  it('that fails, is refused, or is answered by nobody, is told as it is, and is on record', async () => {
    expect((await post('/v1/managed-servers/xmpp/reload')).json()).toMatchObject({ status: 503, code: 'no-agent' })
    const refusing = await api.bus.serve(RunHook, ['inside', 'any'], async () => { throw new OperatorError('not-allowed-here', 'the file of this agent allows no reload') }, { shared: true })
    expect((await post('/v1/managed-servers/xmpp/reload')).json()).toMatchObject({ status: 409, code: 'agent-refused', detail: expect.stringContaining('allows no reload') })
    await refusing.stop()
    await api.bus.serve(RunHook, ['inside', 'any'], async () => ({ exitCode: 1, output: 'no', ms: 5, truncated: false }), { shared: true })
    expect((await post('/v1/managed-servers/xmpp/reload')).json<HookDone>().exitCode).toBe(1)
    await until(() => api.audited.filter(({ action }) => action === 'hook.reload').length === 3)
    expect(api.audited.filter(({ action }) => action === 'hook.reload').map(({ outcome }) => outcome)).toEqual(['failed', 'refused', 'failed'])
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
