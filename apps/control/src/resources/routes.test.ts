import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Check } from 'typebox/value'
import { createEmbeddedBus } from '@dialtone/bus'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { ApplyResult, LintReport, Problem } from '@dialtone/contracts/schemas'
import { problemOf, stand, type Stand } from './test-support.ts'

let api: Stand
beforeEach(async () => { api = await stand() })
afterEach(() => api.stop())

const DOMAIN = '/v1/domains/ours.example'

describe('one resource', () => {
  it('is created, read back as it was written, replaced over what was seen, and deleted', async () => {
    const spec = { expectedAddresses: ['203.0.113.10'], internal: [{ host: '192.0.2.5', port: 5269 }], note: 'Ünïcode\nin two lines' }
    const made = await api.ask('PUT', DOMAIN, { spec })
    expect(made).toMatchObject({ status: 201, headers: { location: DOMAIN, etag: '"1"' }, body: { revision: 1, results: [{ result: 'created', after: spec }] } })
    expect(Check(ApplyResult, made.body)).toBe(true)

    const read = await api.ask('GET', DOMAIN)
    expect(read).toMatchObject({ status: 200, headers: { etag: '"1"' } })
    expect(read.body).toEqual({ kind: 'Domain', name: 'ours.example', spec, revision: 1, updatedAt: '2026-11-26T12:00:00.000Z', updatedBy: 'admin' })
    expect((await api.ask('GET', DOMAIN, undefined, { 'if-none-match': '"1"' })).status).toBe(304)

    // What GET answered may be sent back with a change; its revision is the precondition.
    const replaced = await api.ask('PUT', DOMAIN, { ...read.body, spec: { ...spec, note: 'shorter' } })
    expect(replaced).toMatchObject({ status: 200, headers: { etag: '"2"' }, body: { results: [{ result: 'changed', diff: [{ pointer: '/spec/note', before: spec.note, after: 'shorter' }] }] } })
    expect(await api.ask('DELETE', DOMAIN, undefined, { 'if-match': '"2"' })).toMatchObject({ status: 200, body: { results: [{ result: 'deleted' }] } })
    expect(problemOf(await api.ask('GET', DOMAIN))).toMatchObject({ status: 404, code: 'not-found' })
  })

  it('is not replaced or deleted by who does not say what they have seen', async () => {
    await api.ask('PUT', DOMAIN, { spec: {} })
    const blind = await api.ask('PUT', DOMAIN, { spec: { note: 'x' } })
    expect(problemOf(blind)).toMatchObject({ status: 428, code: 'precondition-required' })
    expect(blind.headers['etag']).toBe('"1"')
    expect(problemOf(await api.ask('DELETE', DOMAIN)).status).toBe(428)
    expect(await api.ask('PUT', DOMAIN, { spec: {} })).toMatchObject({ status: 200, body: { results: [{ result: 'unchanged', revision: 1 }] } })
    expect((await api.ask('PUT', DOMAIN, { spec: { note: 'x' } }, { 'if-match': '*' })).status).toBe(200)
    expect(problemOf(await api.ask('PUT', DOMAIN, { spec: {} }, { 'if-match': '"1"' }))).toMatchObject({ status: 412, code: 'revision-mismatch' })
    expect((await api.ask('PUT', DOMAIN, { spec: {} }, { 'if-match': '"7", "2"' })).status).toBe(200)
    expect((await api.ask('GET', DOMAIN)).body.spec).toEqual({})
  })

  it.each([
    ['creating over what is there', { 'if-none-match': '*' }, 412], ['a weak tag', { 'if-match': 'W/"1"' }, 412], ['no tag at all', { 'if-match': 'one' }, 400],
    ['both at once', { 'if-match': '"1"', 'if-none-match': '*' }, 400], ['if-none-match of a tag', { 'if-none-match': '"1"' }, 400],
  ])('%s is refused', async (_, headers, status) => {
    await api.ask('PUT', DOMAIN, { spec: {} })
    expect(problemOf(await api.ask('PUT', DOMAIN, { spec: { note: 'x' } }, headers)).status).toBe(status)
  })

  it('that is not there cannot be replaced, patched or deleted', async () => {
    expect(problemOf(await api.ask('PUT', DOMAIN, { spec: {} }, { 'if-match': '*' })).status).toBe(412)
    expect(problemOf(await api.ask('DELETE', DOMAIN, undefined, { 'if-match': '"3"' })).status).toBe(412)
    expect(problemOf(await api.ask('DELETE', DOMAIN)).status).toBe(404)
    expect(problemOf(await api.ask('PATCH', DOMAIN, { spec: {} })).status).toBe(404)
  })

  it('is patched by field, null removing one', async () => {
    await api.ask('PUT', '/v1/vantages/lab', { spec: { side: 'inside', network: 'lab', note: 'x' } })
    expect(await api.ask('PATCH', '/v1/vantages/lab', { spec: { desired: 'paused', note: null } })).toMatchObject({ status: 200, body: { results: [{ result: 'changed' }] } })
    expect((await api.ask('GET', '/v1/vantages/lab')).body.spec).toEqual({ side: 'inside', network: 'lab', desired: 'paused' })
    expect(await api.ask('PATCH', '/v1/vantages/lab', '{"spec":{"desired":null}}', { 'content-type': 'application/merge-patch+json' })).toMatchObject({ status: 200 })
    expect(problemOf(await api.ask('PATCH', '/v1/vantages/lab', { spec: { side: null } })).problems).toContainEqual({ pointer: '/spec/side', says: 'is missing' })
    expect(problemOf(await api.ask('PATCH', '/v1/vantages/lab', { spec: {} }, { 'if-match': '"1"' })).status).toBe(412)
    expect(problemOf(await api.ask('PATCH', '/v1/vantages/lab', { specs: {} })).pointer).toBe('/specs')
  })

  it('tried dry is checked, compared and linted, and not written', async () => {
    const dry = await api.ask('PUT', `${DOMAIN}?dryRun=true`, { spec: { schedule: 'default' } })
    expect(dry).toMatchObject({ status: 200, body: { dryRun: true, revision: 0, results: [{ result: 'created' }], lint: [{ code: 'no-vantage' }] } })
    expect((await api.ask('GET', DOMAIN)).status).toBe(404)
    expect(problemOf(await api.ask('PUT', `${DOMAIN}?dryRun=true`, { spec: { schedule: 'nightly' } })).code).toBe('configuration-conflict')
    expect(await api.trail()).toEqual([])
  })

  it('has a history of who wrote what, and why', async () => {
    await api.ask('PUT', DOMAIN, { spec: {} }, { 'x-reason': Buffer.from('für den Umzug').toString('latin1'), 'x-ticket': 'OPS-1' })
    await api.ask('PUT', DOMAIN, { spec: { note: 'moved' } }, { 'if-match': '"1"' })
    await api.ask('PUT', DOMAIN, { spec: { note: 'late' } }, { 'if-match': '"1"' })
    const { body } = await api.ask('GET', `${DOMAIN}/revisions`)
    expect(body.revisions).toMatchObject([
      { revision: 2, actor: 'admin', spec: { note: 'moved' }, diff: [{ pointer: '/spec/note', after: 'moved' }] },
      { revision: 1, reason: 'für den Umzug', ticket: 'OPS-1', spec: {}, diff: [{ pointer: '/spec', after: {} }] },
    ])
    expect(await api.trail()).toMatchObject([{ outcome: 'done' }, { outcome: 'done', before: { revision: 1 }, after: { revision: 2 } }, { outcome: 'refused', subject: 'Domain/ours.example', says: expect.stringContaining('revision 2') }])
  })
})

describe('what is wrong is named', () => {
  it.each([
    ['an unknown field', { spec: { expectedAdresses: [] } }, '/spec/expectedAdresses', "is 'expectedAddresses' meant?"],
    ['an unknown field beside the spec', { spec: {}, metadata: {} }, '/metadata', 'is not a field'],
    ['a wrong type', { spec: { note: 5 } }, '/spec/note', 'must be a string, not a number'],
    ['a word that is none of the set', { spec: { profile: 'standart' } }, '/spec/profile', "is 'standard' meant?"],
    ['an address', { spec: { expectedAddresses: ['203.0.113.10', '300.1.1.1'] } }, '/spec/expectedAddresses/1', 'is no IPv4 or IPv6 address'],
    ['a network', { spec: { allowNets: ['10.0.0.0/33'] } }, '/spec/allowNets/0', 'is no network'],
    ['a U-label', { spec: { hostedBy: ['bücher.example'] } }, '/spec/hostedBy/0', "it must be written as 'xn--bcher-kva.example'"],
    ['capitals', { spec: { hostedBy: ['Partner.Example'] } }, '/spec/hostedBy/0', "it must be written as 'partner.example'"],
    ['an address for a domain', { spec: { alsoClaimed: ['192.0.2.1'] } }, '/spec/alsoClaimed/0', 'is an address'],
    ['a nested field', { spec: { internal: [{ host: 'x.example', port: 70_000, tls: true }] } }, '/spec/internal/0/port', 'must be at most 65535'],
    ['a secret instead of a reference', { spec: { secret: 'hunter2' } }, '/spec/secret', 'file:/path'],
    ['half a surrogate pair', '{"spec":{"note":"\\ud800"}}', '/spec/note', 'surrogate'],
    ['a control character', { spec: { note: 'a\u001b[2J' } }, '/spec/note', 'control character'],
    ['another name than that of the path', { name: 'other.example', spec: {} }, '/name', 'as the path says'],
    ['no spec', {}, '/spec', 'is missing'],
    ['no object', [1], '', 'must be an object'],
  ])('%s', async (_, body, pointer, says) => {
    const found = problemOf(await api.ask('PUT', DOMAIN, body))
    expect(Check(Problem, found)).toBe(true)
    expect(found.status).toBe(400)
    expect(found.problems?.find(one => one.pointer === pointer)?.says).toContain(says)
  })

  it('all of it at once, with the first in the sentence', async () => {
    const found = problemOf(await api.ask('PUT', '/v1/exceptions/works', { spec: { effect: 'accept', until: '2026-13-01', reason: '', until2: 'x' } }))
    expect(found.problems?.map(({ pointer }) => pointer).toSorted()).toEqual(['/spec/reason', '/spec/until', '/spec/until2'])
    expect(found.detail).toContain('(and 2 more)')
  })

  it.each([
    ['no JSON', '{"spec":', 400, 'invalid-json'], ['a prototype', '{"spec":{"__proto__":{"a":1}}}', 400, undefined], ['too much', JSON.stringify({ spec: { note: 'x'.repeat(300_000) } }), 413, 'too-large'], ['nothing', '', 400, 'invalid-json'],
  ])('a body of %s', async (_, body, status, code) => {
    const found = problemOf(await api.ask('PUT', DOMAIN, body))
    expect(found.status).toBe(status)
    if (code !== undefined) expect(found.code).toBe(code)
  })

  it('a body of twenty thousand levels', async () => {
    const deep = (open: string, close: string) => open.repeat(20_000) + '1' + close.repeat(20_000)
    for (const nested of [deep('[', ']'), deep('{"a":', '}'), deep('{"spec":', '}')]) {
      expect(problemOf(await api.ask('PUT', DOMAIN, `{"spec":${nested}}`)).status).toBe(400)
      expect(problemOf(await api.ask('PUT', DOMAIN, `{"spec":{"note":${nested}}}`)).status).toBe(400)
      expect(problemOf(await api.ask('POST', '/v1/apply', `{"resources":[{"kind":"Domain","name":"a.example","spec":${nested}}]}`)).status).toBe(400)
      expect(problemOf(await api.ask('POST', '/v1/tokens', nested)).status).toBe(400)
      await api.ask('PUT', '/v1/vantages/lab', { spec: { side: 'inside' } })
      expect(problemOf(await api.ask('PATCH', '/v1/vantages/lab', `{"spec":{"resolver":${nested}}}`)).status).toBe(400)
    }
  })

  it('a body that is not said to be JSON, a query that is not known, a name that is none, a route that is none', async () => {
    expect(problemOf(await api.ask('PUT', DOMAIN, 'spec: {}', { 'content-type': 'application/yaml' })).status).toBe(415)
    expect(problemOf(await api.ask('GET', '/v1/domains?limit=0')).pointer).toBe('/limit')
    expect(problemOf(await api.ask('GET', '/v1/domains?sort=name')).pointer).toBe('/sort')
    expect(problemOf(await api.ask('GET', '/v1/domains?q=a&q=b')).status).toBe(400)
    expect(problemOf(await api.ask('GET', '/v1/domains?cursor=%00')).pointer).toBe('/cursor')
    expect(problemOf(await api.ask('PUT', `${DOMAIN}?dryrun=true`, { spec: {} })).problems?.[0]?.says).toContain("is 'dryRun' meant?")
    expect(problemOf(await api.ask('PUT', '/v1/domains/UPPER.example', { spec: {} })).problems?.[0]).toMatchObject({ pointer: '/name' })
    expect(problemOf(await api.ask('PUT', `/v1/domains/${'a.'.repeat(149)}a`, { spec: {} })).status).toBe(400)
    expect(problemOf(await api.ask('GET', '/v1/nothing')).code).toBe('no-such-route')
  })
})

it('a configuration that the bus does not take is refused by its size, and nothing is written', async () => {
  const bus = createEmbeddedBus({ file: ':memory:', meter: NO_METER, logger: NO_LOGGER, limits: { mostBodyBytes: 2000 } })
  const small = await stand({ bus })
  const resources = Array.from({ length: 200 }, (_, i) => ({ kind: 'Domain', name: `d${i}.example`, spec: { note: `${Math.sin(i)}` } }))
  expect(problemOf(await small.ask('POST', '/v1/apply', { resources }))).toMatchObject({ status: 413, code: 'too-large' })
  expect((await small.ask('GET', '/v1/domains')).body.resources).toEqual([])
  expect(await small.trail()).toMatchObject([{ outcome: 'refused', subject: 'configuration' }])
  await small.stop()
})

describe('many at once', () => {
  const fleet = { resources: [
    { kind: 'Domain', name: 'ours.example', spec: {} }, { kind: 'Peer', name: 'partner.example', spec: { ours: ['ours.example'], schedule: 'slow' } },
    { kind: 'Schedule', name: 'slow', spec: { lightEverySeconds: 600 } }, { kind: 'Vantage', name: 'lab', spec: { side: 'inside' } },
  ] }

  it('are one write with one revision, in whatever order they name each other', async () => {
    const { status, body } = await api.ask('POST', '/v1/apply', fleet)
    expect(status).toBe(200)
    expect(Check(ApplyResult, body)).toBe(true)
    expect(body).toMatchObject({ revision: 1, counts: { created: 4 } })
    expect(await api.ask('POST', '/v1/apply', fleet)).toMatchObject({ body: { revision: 1, counts: { created: 0, unchanged: 4 } } })
    expect((await api.trail()).map(({ subject, action, outcome }) => [subject, action, outcome])).toEqual(fleet.resources.map(({ kind, name }) => [`${kind}/${name}`, 'apply', 'done']))
  })

  it('are all refused for the sake of one, and each problem names its resource', async () => {
    const found = problemOf(await api.ask('POST', '/v1/apply', { resources: [...fleet.resources, { kind: 'Domain', name: 'x.example', spec: { secrets: 'y' } }, { kind: 'Domian', name: 'z.example', spec: {} }] }))
    expect(found.problems).toMatchObject([{ pointer: '/resources/4/spec/secrets', resource: 'Domain/x.example' }, { pointer: '/resources/5/kind', says: expect.stringContaining("is 'Domain' meant?") }])
    expect((await api.ask('GET', '/v1/domains')).body.resources).toEqual([])
    const conflict = problemOf(await api.ask('POST', '/v1/apply', { resources: fleet.resources.filter(({ kind }) => kind !== 'Schedule') }))
    expect(conflict).toMatchObject({ status: 422, code: 'configuration-conflict', problems: [{ pointer: '/spec/schedule', resource: 'Peer/partner.example' }] })
  })

  it('hold to revisions where they are given, and to none elsewhere', async () => {
    await api.ask('POST', '/v1/apply', fleet)
    expect(problemOf(await api.ask('POST', '/v1/apply', { resources: [{ kind: 'Domain', name: 'ours.example', spec: { note: 'x' }, revision: 7 }] }))).toMatchObject({ status: 412, pointer: '/resources/0' })
    expect((await api.ask('POST', '/v1/apply', { resources: [{ kind: 'Domain', name: 'ours.example', spec: { note: 'x' }, revision: 1 }] })).status).toBe(200)
    expect((await api.ask('POST', '/v1/apply', { resources: [{ kind: 'Domain', name: 'ours.example', spec: { note: 'y' } }] })).status).toBe(200)
  })

  it('delete what is named, prune what is not, and say who still refers', async () => {
    await api.ask('POST', '/v1/apply', fleet)
    const kept = problemOf(await api.ask('POST', '/v1/apply', { delete: [{ kind: 'Domain', name: 'ours.example' }] }))
    expect(kept).toMatchObject({ status: 422, problems: [{ resource: 'Peer/partner.example', pointer: '/spec/ours/0' }] })
    expect(problemOf(await api.ask('DELETE', '/v1/schedules/slow', undefined, { 'if-match': '*' })).detail).toContain('Peer/partner.example')
    expect(await api.ask('POST', '/v1/apply?dryRun=true', { resources: [{ kind: 'Domain', name: 'other.example', spec: {} }], prune: ['Domain', 'Peer'] })).toMatchObject({ body: { counts: { created: 1, deleted: 2 }, revision: 1 } })
    expect(await api.ask('POST', '/v1/apply', { resources: [{ kind: 'Peer', name: 'new.example', spec: {} }], prune: true })).toMatchObject({ body: { counts: { created: 1, deleted: 1 } } })
    expect((await api.ask('GET', '/v1/domains')).body.resources).toHaveLength(1)
    expect(problemOf(await api.ask('POST', '/v1/apply', { delete: [{ kind: 'Peer', name: 'gone.example' }] }))).toMatchObject({ status: 404, pointer: '/delete/0' })
    expect(problemOf(await api.ask('POST', '/v1/apply', { resources: [{ kind: 'Peer', name: 'a.example', spec: {} }], delete: [{ kind: 'Peer', name: 'a.example' }] }))).toMatchObject({ status: 400 })
  })
})

it('ten thousand domains are one write, and one more among them is one', async () => {
  const resources = Array.from({ length: 10_000 }, (_, i) => ({ kind: 'Domain', name: `d${i}.example`, spec: { expectedAddresses: [`203.0.113.${i % 256}`] } }))
  expect((await api.ask('POST', '/v1/apply', { resources })).body).toMatchObject({ revision: 1, counts: { created: 10_000 } })
  expect((await api.bus.extent('audit')).last).toBe(10_000)
  expect((await api.ask('PUT', '/v1/domains/new.example', { spec: {} })).body).toMatchObject({ revision: 2 })
  expect(problemOf(await api.ask('POST', '/v1/apply', { resources: Array.from({ length: 40_000 }, (_, i) => ({ kind: 'Domain', name: `e${i}.example`, spec: {} })) }))).toMatchObject({ status: 413, code: 'too-many-resources' })
}, 60_000)

describe('lists', () => {
  beforeEach(async () => {
    await api.ask('POST', '/v1/apply', { resources: [
      ...Array.from({ length: 25 }, (_, i) => ({ kind: 'Domain', name: `d${String(i).padStart(2, '0')}.example`, spec: i % 5 === 0 ? { profile: 'webex', note: 'The Fifth' } : {} })),
      { kind: 'Peer', name: 'p.example', spec: { ours: ['d01.example', 'd02.example'] } }, { kind: 'Peer', name: 'q.example', spec: { ours: ['d03.example'] } },
      { kind: 'Exception', name: 'now', spec: { effect: 'maintenance', domain: 'd01.example', until: '2026-11-27T00:00:00Z', reason: 'works' } },
      { kind: 'Exception', name: 'soon', spec: { effect: 'maintenance', domain: 'd01.example', from: '2026-11-28T00:00:00Z', until: '2026-11-29T00:00:00Z', reason: 'works' } },
    ] })
  })
  const names = ({ body }: { body: any }) => body.resources.map(({ name }: { name: string }) => name)

  it('come in pages that miss nothing and repeat nothing, also while others write', async () => {
    const first = await api.ask('GET', '/v1/domains?limit=10')
    expect(names(first)).toHaveLength(10)
    await api.ask('DELETE', '/v1/domains/d09.example', undefined, { 'if-match': '*' })
    await api.ask('PUT', '/v1/domains/a-first.example', { spec: {} })
    const second = await api.ask('GET', `/v1/domains?limit=10&cursor=${first.body.next}`)
    const third = await api.ask('GET', `/v1/domains?limit=10&cursor=${second.body.next}`)
    expect([...names(first), ...names(second), ...names(third)]).toEqual(Array.from({ length: 25 }, (_, i) => `d${String(i).padStart(2, '0')}.example`))
    expect(third.body).not.toHaveProperty('next')
  })

  it('are filtered', async () => {
    expect(names(await api.ask('GET', '/v1/domains?profile=webex'))).toHaveLength(5)
    expect(names(await api.ask('GET', '/v1/domains?q=fifth&limit=2'))).toEqual(['d00.example', 'd05.example'])
    expect(names(await api.ask('GET', '/v1/domains?q=d07'))).toEqual(['d07.example'])
    expect(names(await api.ask('GET', '/v1/peers?ours=d02.example'))).toEqual(['p.example'])
    expect(names(await api.ask('GET', '/v1/exceptions?active=true'))).toEqual(['now'])
    expect(names(await api.ask('GET', '/v1/exceptions?active=false'))).toEqual(['soon'])
  })

  it('are not sent again while nothing changed', async () => {
    const { headers } = await api.ask('GET', '/v1/domains')
    expect((await api.ask('GET', '/v1/domains', undefined, { 'if-none-match': String(headers['etag']) })).status).toBe(304)
    await api.ask('PUT', '/v1/domains/new.example', { spec: {} })
    expect((await api.ask('GET', '/v1/domains', undefined, { 'if-none-match': String(headers['etag']) })).status).toBe(200)
  })

  it('tell what the linter finds', async () => {
    const { body } = await api.ask('GET', '/v1/lint')
    expect(Check(LintReport, body)).toBe(true)
    expect(body.findings.map(({ code }: { code: string }) => code)).toContain('no-vantage')
    expect((await api.ask('GET', '/v1/lint?level=error')).body.findings).toEqual([])
  })
})
