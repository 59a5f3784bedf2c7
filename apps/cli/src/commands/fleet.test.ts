// The commands of a fleet against an API that says what a test wants.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CheckView, OverviewRow } from '@dialtone/contracts'
import { KINDS } from '@dialtone/contracts/schemas'
import { expect, it } from 'vitest'
import { PATHS, kindOf } from '../resources/kinds.ts'
import { collectingOut, fakeServer, problem, type Asked } from '../test-support/fake-server.ts'
import { runAgents } from './agents.ts'
import { runApply } from './apply.ts'
import { runDelete } from './delete.ts'
import { runDescribe } from './describe.ts'
import { runGet } from './get.ts'
import { runIncidents } from './incidents.ts'
import { runOverview } from './overview.ts'
import { runRun } from './run.ts'
import { runToken } from './token.ts'
import { runWatchFleet } from './watch-fleet.ts'

const { signal } = new AbortController()
const NOW = '2026-11-23T10:20:00.000Z'
const ROW: OverviewRow = { domain: 'ours.example', state: 'down', cause: 'service.down', side: 'ours', sentence: 'nobody listens', since: NOW, confidence: 'proved' }
const UP: OverviewRow = { ...ROW, domain: 'fine.example', state: 'up', cause: 'healthy', side: 'nobody' }
const SUMMARY = { json: { asOf: NOW, seq: 1, states: { up: 1, degraded: 0, down: 1, unknown: 0 }, causes: {}, incidents: { open: 1, confirmed: 0, recovering: 0 }, agents: { healthy: 1, all: 1 }, behind: 0 } }
const PEER = { kind: 'Peer', name: 'peer.example', spec: { profile: 'webex' }, revision: 7, updatedAt: NOW, updatedBy: 'me' }

it('knows every kind of the contract by its path', () => {
  expect(PATHS).toEqual(Object.fromEntries(Object.entries(KINDS).map(([kind, { path }]) => [kind, path])))
  for (const kind of Object.keys(KINDS)) expect([kindOf(kind), kindOf(kind.toLowerCase()), kindOf(KINDS[kind as keyof typeof KINDS].path)]).toEqual([kind, kind, kind])
  expect(() => kindOf('Zone')).toThrow(/there is no kind 'Zone': one of domains,/)
})

it('overview: reads every page, and ends as the worst', async () => {
  await using server = await fakeServer({
    'GET /v1/summary': SUMMARY,
    'GET /v1/overview': ({ query }: Asked) => ({ json: query['cursor'] === undefined ? { asOf: NOW, seq: 1, domains: [ROW], next: 'more' } : { asOf: NOW, seq: 1, domains: [UP] } }),
  })
  const out = collectingOut()
  expect(await runOverview(['--server', server.url, '--state', 'down,up'], out, signal, {})).toBe(2)
  expect(out.text()).toMatch(/1 down.*\n\nstate[^]*ours\.example[^]*fine\.example/)
  expect(server.asked.filter(({ path }) => path === '/v1/overview').map(({ query }) => query)).toEqual([{ limit: '200', state: 'down,up' }, { limit: '200', state: 'down,up', cursor: 'more' }])
  const json = collectingOut()
  await runOverview(['--server', server.url, '--json', '--short'], json, signal, {})
  expect((JSON.parse(json.text()) as { domains: OverviewRow[] }).domains).toEqual([ROW])
  await expect(runOverview(['--server', server.url, '--state', 'dead'], out, signal, {})).rejects.toThrow(/--state 'dead' is not known: one of up, degraded/)
})

it('run: tells progress once, and ends as the verdict after it', async () => {
  const vantage = { vantage: 'outside', target: 'peer:peer.example', state: 'asked' } as const
  const steps: CheckView[] = [
    { id: 'c1', domain: 'peer.example', state: 'running', startedAt: NOW, vantages: [vantage] },
    { id: 'c1', domain: 'peer.example', state: 'running', startedAt: NOW, vantages: [vantage] },
    { id: 'c1', domain: 'peer.example', state: 'done', startedAt: NOW, endedAt: NOW, vantages: [{ ...vantage, state: 'done' }], before: [{ ...ROW, cause: 'peer.busy' }], after: [{ ...ROW, state: 'degraded' }] },
  ]
  await using server = await fakeServer({ 'POST /v1/checks': () => ({ status: 202, json: steps.shift() }), 'GET /v1/checks/c1': () => ({ json: steps.shift() }) })
  const out = collectingOut()
  expect(await runRun(['--server', server.url, 'Ours.Example', 'peer.example', '--deep', '--vantages', 'outside'], out, signal, {})).toBe(1)
  expect(server.asked.find(({ method }) => method === 'POST')?.body).toEqual({ domain: 'ours.example', peer: 'peer.example', deep: true, vantages: ['outside'] })
  expect(out.errorText()).toBe('check c1 of ours.example <-> peer.example\n  outside      asked     peer:peer.example\n  outside      done      peer:peer.example\n')
  expect(out.text()).toContain('ours.example was peer.busy before')
})

const PAIR: OverviewRow = { ...ROW, domain: 'ours.example', peer: 'peer.example' }
/** A control API that knows peer.example as the peer of these alone. */
const peerOf = (...ours: string[]) => ({
  'GET /v1/overview': ({ query }: Asked) => ({ json: { asOf: NOW, seq: 1, domains: query['peer'] === 'peer.example' ? ours.map(domain => ({ ...PAIR, domain })) : [] } }),
})

it('agents: a vantage without one is named', async () => {
  const vantage = (name: string) => ({ kind: 'Vantage', name, spec: {}, revision: 1, createdAt: NOW, updatedAt: NOW, updatedBy: 'me' })
  const agent = { v: 1, vantage: 'near', agent: 'near-1', version: '0.1.0', startedAt: NOW, at: NOW, state: 'running', targets: { all: 0, mine: 0, failing: 0 }, spool: { waiting: 0 }, findings: [] }
  await using server = await fakeServer({ 'GET /v1/agents': { json: { asOf: NOW, agents: [agent] } }, 'GET /v1/vantages': { json: { resources: [vantage('far'), vantage('near')] } } })
  const out = collectingOut()
  expect(await runAgents(['--server', server.url], out, signal, {})).toBe(0)
  expect(out.text()).toMatch(/near-1 [^]*\nfar: no agent\n$/)
})

it('run: a peer alone means its pairs', async () => {
  const done = { id: 'c3', domain: 'peer.example', state: 'done', startedAt: NOW, vantages: [{ vantage: 'outside', target: 't', state: 'done' }] }
  await using one = await fakeServer({ ...peerOf('ours.example'), 'POST /v1/checks': { status: 202, json: { ...done, after: [PAIR] } } })
  const out = collectingOut()
  expect(await runRun(['--server', one.url, 'peer.example'], out, signal, {})).toBe(2)
  expect(one.asked.at(-1)?.body).toEqual({ domain: 'ours.example', peer: 'peer.example' })
  await using two = await fakeServer({ ...peerOf('a.example', 'b.example'), 'POST /v1/checks': { status: 202, json: done } })
  const both = collectingOut()
  expect(await runRun(['--server', two.url, 'peer.example'], both, signal, {})).toBe(2)
  expect(two.asked.find(({ method }) => method === 'POST')?.body).toEqual({ domain: 'peer.example' })
  expect(both.text()).toMatch(/a\.example <-> peer\.example[^]*b\.example <-> peer\.example/)
})

it('describe: a peer alone means its pair, or says which there are', async () => {
  const half = { since: NOW, verdict: { state: 'down', cause: 'service.down', side: 'peer', hop: 'none', actor: 'peer-admin', confidence: 'proved', sentence: 'it is down', evidence: [], remedy: [], untested: [], agreement: { inside: 0, insideAgree: 0, outside: 1, outsideAgree: 1 }, ruledOut: [], wouldDecide: [], setAside: [] } }
  await using one = await fakeServer({ ...peerOf('ours.example'), 'GET /v1/status/ours.example/peer.example': { json: { asOf: NOW, seq: 1, domain: 'ours.example', peer: 'peer.example', out: half, in: half, vantages: [] } } })
  const out = collectingOut()
  expect(await runDescribe(['--server', one.url, 'peer.example'], out, signal, {})).toBe(2)
  expect(out.text()).toMatch(/^Link: +ours\.example <-> peer\.example\n/)
  await using two = await fakeServer(peerOf('a.example', 'b.example'))
  await expect(runDescribe(['--server', two.url, 'peer.example'], out, signal, {})).rejects.toMatchObject({ code: 'not-found', message: 'peer.example is a peer of 2 of our domains: name one of them, too:\n  dialtone describe a.example peer.example\n  dialtone describe b.example peer.example' })
  await using none = await fakeServer(peerOf())
  await expect(runDescribe(['--server', none.url, 'nobody.example'], out, signal, {})).rejects.toThrow("nothing is known about nobody.example; 'dialtone overview' lists what is")
})

it('incidents: of a peer alone, those of its pairs', async () => {
  const incident = { id: 'i-1', state: 'confirmed', cause: 'service.down', side: 'peer', worst: 'down', sentence: 'it is down', domain: 'ours.example', subjects: [{ domain: 'ours.example', peer: 'peer.example' }], openedAt: NOW, flaps: 0, causes: [] }
  await using server = await fakeServer({ 'GET /v1/incidents': ({ query }: Asked) => ({ json: { asOf: NOW, seq: 1, incidents: query['domain'] === undefined ? [{ ...incident, id: 'i-2', subjects: [{ domain: 'ours.example' }] }, incident] : [] } }) })
  const out = collectingOut()
  await runIncidents(['--server', server.url, 'peer.example', '--json'], out, signal, {})
  expect((JSON.parse(out.text()) as { incidents: { id: string }[] }).incidents.map(({ id }) => id)).toEqual(['i-1'])
})

it('run: who was busy is asked again, the others are not', async () => {
  const view = (id: string, vantages: object[]) => ({ status: 202, json: { id, domain: 'ours.example', state: 'done', startedAt: NOW, endedAt: NOW, vantages, after: [ROW] } })
  const answers = [
    view('c4', [{ vantage: 'inside', target: 't', state: 'done' }, { vantage: 'outside', target: 't', state: 'refused', says: 'it is being checked', retryAfterSeconds: 1 }]),
    view('c5', [{ vantage: 'outside', target: 't', state: 'done' }]),
  ]
  await using server = await fakeServer({ ...peerOf(), 'POST /v1/checks': () => answers.shift() ?? problem(500, 'internal', 'no more') })
  const out = collectingOut()
  expect(await runRun(['--server', server.url, 'ours.example', '--quiet'], out, signal, {})).toBe(2)
  expect(server.asked.filter(({ method }) => method === 'POST').map(({ body }) => body)).toEqual([{ domain: 'ours.example' }, { domain: 'ours.example', vantages: ['outside'] }])
  expect(out.text()).not.toContain('not everybody looked')
})

it('run: says when nobody looked, and when to come again', async () => {
  await using server = await fakeServer({ ...peerOf(), 'POST /v1/checks': () => ({ status: 202, json: { id: 'c2', domain: 'ours.example', state: 'done', startedAt: NOW, vantages: [{ vantage: 'outside', target: 't', state: 'refused', retryAfterSeconds: 30 }] } }) })
  const out = collectingOut()
  expect(await runRun(['--server', server.url, 'ours.example'], out, signal, {})).toBe(3)
  expect(out.errorText()).toContain('(again after 30 s)')
  expect(out.text()).toContain('not everybody looked: outside: refused')
})

it('apply: names the line of what the server finds wrong', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'dialtone-apply-'))
  const file = join(dir, 'fleet.yaml')
  await writeFile(file, 'kind: Peer\nname: peer.example\nspec:\n  profile: webex\n')
  const answers = [
    { json: { asOf: NOW, dryRun: false, revision: 8, counts: { created: 0, changed: 1, unchanged: 0, deleted: 1 }, lint: [{ level: 'warning', code: 'x', resource: 'Peer/peer.example', says: 'no Domain' }, { level: 'warning', code: 'x', resource: 'Peer/other.example', says: 'no Domain' }], results: [{ kind: 'Peer', name: 'peer.example', result: 'changed', diff: [{ pointer: '/spec/profile', before: 'cup', after: 'webex' }] }, { kind: 'Peer', name: 'old.example', result: 'deleted' }] } },
    problem(422, 'invalid-resources', 'One resource is not right.', { problems: [{ pointer: '/resources/0/spec/profile', says: 'must be one of standard', resource: 'Peer/peer.example' }] }),
    problem(422, 'configuration-conflict', 'It contradicts.', { problems: [{ pointer: '/spec/profile', says: 'Peer/peer.example names a profile that is not there', resource: 'Peer/peer.example' }] }),
  ]
  await using server = await fakeServer({ 'POST /v1/apply': () => answers.shift() ?? problem(500, 'internal', 'no more') })
  const out = collectingOut()
  expect(await runApply(['--server', server.url, '-f', file, '--prune', '--dry-run'], out, signal, {})).toBe(0)
  expect(server.asked.at(-1)).toMatchObject({ query: { dryRun: 'true' }, body: { prune: true, resources: [{ kind: 'Peer', name: 'peer.example', spec: { profile: 'webex' } }] } })
  expect(out.text()).toMatch(/^changed {3}Peer peer\.example\n {10}- profile: "cup"\n {10}\+ profile: "webex"\ndeleted {3}Peer old\.example\nwarning {3}Peer\/peer\.example: no Domain\n {10}1 finding about other resources: see GET \/v1\/lint\n0 created, 1 changed, 0 unchanged, 1 deleted; revision 8\n$/)
  await expect(runApply(['--server', server.url, '-f', file], out, signal, {})).rejects.toThrow(`nothing is applied; one thing is wrong:\n  ${file}:4:12: Peer/peer.example: spec.profile must be one of standard`)
  await expect(runApply(['--server', server.url, '-f', file], out, signal, {})).rejects.toThrow(`one thing is wrong:\n  ${file}:4:12: Peer/peer.example names a profile that is not there`)
  await rm(dir, { recursive: true })
})

it('get: prints what apply reads; delete: over the revision that it saw', async () => {
  await using server = await fakeServer({
    'GET /v1/peers/peer.example': { json: PEER, headers: { etag: '"7"' } }, 'GET /v1/peers': { json: { asOf: NOW, seq: 1, resources: [PEER] } }, 'DELETE /v1/peers/peer.example': { status: 204 },
  })
  const out = collectingOut()
  await runGet(['--server', server.url, 'peer', 'peer.example'], out, signal, {})
  expect(out.text()).toBe(`# revision 7, ${NOW}, by me\nkind: Peer\nname: peer.example\nspec:\n  profile: webex\n`)
  const list = collectingOut()
  await runGet(['--server', server.url, 'peers'], list, signal, {})
  expect(list.text()).toMatch(/^kind +name +revision[^]*Peer +peer\.example +7 /)
  const gone = collectingOut()
  expect(await runDelete(['--server', server.url, 'peers', 'peer.example'], gone, signal, {})).toBe(0)
  expect(server.asked.at(-1)).toMatchObject({ method: 'DELETE', headers: { 'if-match': '"7"' } })
  await expect(runDelete(['--server', server.url, 'peers', 'none.example'], gone, signal, {})).rejects.toThrow(/no such thing/)
})

it('token: the secret alone on standard output', async () => {
  await using server = await fakeServer({ 'POST /v1/tokens': { status: 201, json: { name: 'ci', role: 'operator', createdAt: NOW, createdBy: 'me', token: 'dt_secret' } } })
  const out = collectingOut()
  expect(await runToken(['--server', server.url, 'create', 'ci', '--role', 'operator'], out, signal, {})).toBe(0)
  expect(out.text()).toBe('dt_secret\n')
  expect(server.asked.at(-1)?.body).toEqual({ name: 'ci', role: 'operator' })
  await expect(runToken(['--server', server.url, 'create', 'ci', '--role', 'king'], out, signal, {})).rejects.toThrow(/one of viewer, operator, admin/)
  await expect(runToken(['--server', server.url, 'create'], out, signal, {})).rejects.toThrow(/token takes/)
})

it('watch: the state first, then each change once, also what was missed', async () => {
  let rows = [ROW, UP]
  let streams = 0
  await using server = await fakeServer({
    'GET /v1/summary': SUMMARY, 'GET /v1/overview': () => ({ json: { asOf: NOW, seq: 1, domains: rows } }),
    'GET /v1/events': (_, response) => {
      streams++
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const event = { on: 'verdict.changed', row: { ...ROW, state: 'up', cause: 'healthy', sentence: 'all well' } }
      if (streams > 1) {
        rows = [{ ...ROW, state: 'degraded', cause: 'degraded.slow' }]
        response.write('event: resync\ndata: {}\n\n')
      } else response.end(`id: 1\nevent: verdict.changed\ndata: ${JSON.stringify(event)}\n\nid: 2\nevent: verdict.changed\ndata: ${JSON.stringify(event)}\n\n`)
      return undefined
    },
  })
  const out = collectingOut()
  expect(await runWatchFleet(['--server', server.url, '--count', '2'], out, signal, {})).toBe(0)
  expect(out.text()).toMatch(/^now {7}.*1 down.*\n\nstate[^]*service\.down[^]*\n\n\d\d:\d\d:\d\d {2}\S+ up +ours\.example {2}healthy after [^]*\d\d:\d\d:\d\d {2}\S+ degraded +ours\.example {2}degraded\.slow/)
  expect(out.errorText()).toMatch(/stale {3}the stream ended; reconnecting \(try 1\)\n.*live {4}again/)
})
