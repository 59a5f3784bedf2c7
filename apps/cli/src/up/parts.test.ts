import { mkdtemp, rename, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Control } from '@dialtone/control'
import type { ApplyRequest, OverviewRow, Resource } from '@dialtone/contracts'
import { NO_LOGGER, OperatorError } from '@dialtone/kernel'
import { expect, it } from 'vitest'
import { openApi } from '../client/api.ts'
import { terminalOf } from '../terminal.ts'
import { fakeServer } from '../test-support/fake-server.ts'
import { banner } from './banner.ts'
import { applyDemo, forgetDemo, startDemo, wantsDemo } from './demo.ts'
import { liveLines } from './live.ts'
import { rebased } from './rebased.ts'
import { partsOf } from './parts.ts'

const { signal } = new AbortController()
const NOW = '2026-11-23T10:20:00.000Z'

it('runs an agent for each vantage that is configured, and for no other', async () => {
  const log: string[] = []
  let broken = true
  const agents = partsOf('the agent of vantage', async vantage => {
    if (vantage === 'broken' && broken) throw new OperatorError('x', 'no secret')
    log.push(`+${vantage}`)
    return { stop: async () => { log.push(`-${vantage}`) } }
  }, NO_LOGGER, sentence => log.push(sentence))
  void agents.want(['a', 'b'])
  await agents.want(['b', 'broken'])
  broken = false
  await agents.want(['b', 'broken'])
  expect(agents.running()).toEqual(['b', 'broken'])
  await agents.stop()
  expect(log).toEqual(['+a', '+b', '-a', 'the agent of vantage broken does not start: no secret', '+broken', '-b', '-broken'])
})

it('acts the demo out where nothing is configured, goes on with it, and takes away what is its own alone', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'dialtone-demo-'))
  const own = { kind: 'Domain', name: 'own.example', spec: {}, revision: 1, updatedAt: NOW, updatedBy: 'me' } as const
  expect(await wantsDemo(undefined, dir, [], false)).toBe(true)
  expect(await wantsDemo(undefined, dir, [own], false)).toBe(false)
  expect(await wantsDemo(undefined, dir, [], true)).toBe(false)
  const demo = await startDemo(dir, [], signal)
  expect(demo.wanted).toEqual(demo.fleet.resources)
  const asked: { by: string, request: ApplyRequest }[] = []
  const control: Pick<Control, 'apply'> = { apply: async (by, request) => asked.push({ by, request }) }
  await applyDemo(control, demo)
  expect(asked).toEqual([{ by: 'demo', request: { resources: demo.fleet.resources, reason: 'the demo fleet' } }])
  const resources: Resource[] = [own, ...demo.fleet.resources.map(resource => ({ ...resource, revision: 1, updatedAt: NOW, updatedBy: 'me' }))]
  await demo.fleet.stop()
  expect(await wantsDemo(undefined, dir, resources, false)).toBe(true)
  expect(await wantsDemo(false, dir, resources, false)).toBe(false)

  // What the operator changed and deleted is theirs.
  const theirs = resources.filter(({ name }) => name !== 'good.example').map(each => each.kind === 'Schedule' ? { ...each, spec: { ...each.spec, lightEverySeconds: 77 } } : each)
  const again = await startDemo(dir, theirs, signal)
  await again.fleet.stop()
  expect(again.wanted).toEqual([])
  await applyDemo({ apply: () => { throw new Error('nothing is to be applied') } }, again)

  await forgetDemo(control, dir, resources, [{ kind: 'Domain', name: 'ours.example' }])
  const gone = asked.at(-1)?.request.delete ?? []
  expect(gone).toHaveLength(demo.fleet.resources.length - 1)
  expect(gone.map(({ name }) => name)).not.toContain('own.example')
  expect(gone.map(({ name }) => name)).not.toContain('ours.example')
  expect(await wantsDemo(undefined, dir, [own], false)).toBe(false)
  await rm(dir, { recursive: true })
})

it('follows a demo that moved, in what still points at it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'dialtone-moved-'))
  const before = join(dir, 'before')
  const demo = await startDemo(before, [], signal)
  await demo.fleet.stop()
  const resources: Resource[] = demo.fleet.resources.map((each): Resource => {
    const resource: Resource = { ...each, revision: 1, updatedAt: NOW, updatedBy: 'me' }
    return resource.kind === 'Vantage' && resource.name === 'outside' ? { ...resource, spec: { ...resource.spec, desired: 'paused', fallbackPort: 1234, anchors: { system: false, given: ['file:/mine.pem', ...resource.spec.anchors?.given ?? []] } } } : resource
  }).filter(({ name }) => name !== 'inside')
  await rename(before, join(dir, 'after'))
  const again = await startDemo(join(dir, 'after'), resources, signal)
  await again.fleet.stop()
  const file = (name: string) => `file:${join(dir, 'after/demo', name)}`
  expect(again.wanted).toHaveLength(1)
  expect(again.wanted[0]).toMatchObject({ kind: 'Vantage', name: 'outside', spec: { desired: 'paused', fallbackPort: 1234, anchors: { given: ['file:/mine.pem', file('root.pem')] }, probeDomain: { secret: file('secret-outside'), key: file('probe-outside.key') } } })
  await rm(dir, { recursive: true })
})

it('takes over what somebody left as it was, and nothing that they wrote', () => {
  expect(rebased({ a: 1, b: 2, mine: 3, list: [{ p: 1 }, { p: 9 }] }, { a: 1, b: 1, gone: 1, list: [{ p: 1 }] }, { a: 5, b: 6, fresh: 7, list: [{ p: 2 }] })).toEqual({ a: 5, b: 2, mine: 3, fresh: 7, list: [{ p: 2 }, { p: 9 }] })
  expect(rebased({ a: 1 }, { a: 1, b: 2 }, { a: 1, b: 3 })).toEqual({ a: 1 })
  expect(rebased({ a: 1, b: 2 }, { a: 1, b: 2 }, { a: 1 })).toEqual({ a: 1 })
  expect(rebased([1, 2], [1], [2, 3])).toEqual([1, 2])
})

it('tells many causes in one line and few in their own', async () => {
  const row = (peer: string, cause: OverviewRow['cause']): OverviewRow => ({ domain: 'ours.example', peer, state: 'down', cause, side: 'peer', sentence: 'so it is', since: NOW, confidence: 'proved' })
  const stream = Promise.withResolvers<ServerResponse>()
  await using server = await fakeServer({
    'GET /v1/overview': { json: { asOf: NOW, seq: 1, domains: [row('e', 'dns.nxdomain')] } },
    'GET /v1/events': (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      stream.resolve(response)
      return undefined
    },
  })
  const stopping = new AbortController()
  const told: string[] = []
  const some = Promise.withResolvers<void>()
  const more = Promise.withResolvers<void>()
  const lines = liveLines(await openApi({ base: server.url, from: '', tokenFrom: '' }, signal), text => {
    if (text === '') return
    told.push(text)
    if (told.length === 1) some.resolve()
    else more.resolve()
  }, terminalOf({}, {}), stopping.signal)
  const send = (rows: OverviewRow[]) => { void stream.promise.then(response => response.write(rows.map(each => `data: ${JSON.stringify({ on: 'verdict.changed', row: each })}\n\n`).join(''))) }
  send([row('e', 'dns.nxdomain'), row('a', 'dns.nxdomain'), row('b', 'dns.nxdomain'), row('c', 'peer.busy'), row('d', 'service.silent')])
  await some.promise
  send([row('a', 'dns.nxdomain'), row('b', 'service.down')])
  await more.promise
  stopping.abort()
  await lines
  expect(told[0]).toMatch(/^\d\d:\d\d:\d\d {2}4 named: dns\.nxdomain, peer\.busy, service\.silent\n$/)
  expect(told.slice(1).join('')).toMatch(/^\d\d:\d\d:\d\d {2}. down +ours\.example <-> b {2}service\.down: so it is\n$/)
})

it('prints requests that a shell takes as they stand', () => {
  const text = banner({ url: 'http://127.0.0.1:5280', dir: "/home/o'neil/x y", kept: true, vantages: [], command: 'dialtone' }, terminalOf({}, {}))
  expect(text).toContain(String.raw`$(cat '/home/o'\''neil/x y/token')`)
  expect(text).toContain('and a Vantage from which it is seen')
  expect(text).not.toContain('demo')
  expect(banner({ url: 'http://127.0.0.1:5280', dir: '/x', kept: false, vantages: ['a'], command: 'dialtone' }, terminalOf({}, {}))).toMatch(/none is kept here[^]*"Authorization: Bearer \$DIALTONE_TOKEN"/)
})
