import { Type } from 'typebox'
import { expect, it } from 'vitest'
import { NO_LOGGER } from '@dialtone/kernel'
import type { Bus, ConfigurationChange } from '@dialtone/contracts'
import { embedded, eventually, stand } from '../resources/test-support.ts'
import { CONFIGURATION_KEY, ConfigurationDocument } from '@dialtone/contracts/schemas'
import { startConfiguration } from './store.ts'

const clock = { now: () => Date.parse('2026-11-26T12:00:00Z'), elapsed: () => 0 }
const start = (bus: Bus) => startConfiguration({ bus, logger: NO_LOGGER, clock })
const domain = (name: string, note?: string) => ({ put: { kind: 'Domain' as const, name, spec: note === undefined ? {} : { note } } })

it('two that write over the same revision: exactly one wins, and the other is told what is there', async () => {
  const bus = embedded()
  const [one, other] = [await stand({ bus }), await stand({ bus })]
  await one.ask('PUT', '/v1/domains/ours.example', { spec: {} })
  for (let round = 0; round < 10; round++) {
    const { headers } = await one.ask('GET', '/v1/domains/ours.example')
    const match = { 'if-match': String(headers['etag']) }
    const answers = await Promise.all([one, other, one, other].map((api, i) => api.ask('PUT', '/v1/domains/ours.example', { spec: { note: `${round}.${i}` } }, match)))
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412, 412, 412])
    const winner = answers.findIndex(({ status }) => status === 200)
    expect((await one.ask('GET', '/v1/domains/ours.example')).body.spec.note).toBe(`${round}.${winner}`)
    await eventually(() => other.configuration.revision).toBe(one.configuration.revision)
  }
  await one.app.close()
  await other.stop()
})

it('many that write different resources at once: all are there, each with a revision of its own', async () => {
  const bus = embedded()
  const stores = await Promise.all([start(bus), start(bus), start(bus)])
  await Promise.all(Array.from({ length: 60 }, async (_, i) => stores[i % 3]?.change(() => [domain(`d${i}.example`)], `w${i % 3}`)))
  await eventually(() => stores.map(store => store.all('Domain').length)).toEqual([60, 60, 60])
  expect(new Set(stores[0]?.all('Domain').map(({ revision }) => revision)).size).toBe(60)
  await Promise.all(stores.map(store => store.stop()))
  await bus.stop()
})

it('an answer of "nothing to do" or "not over this revision" counts only over what is there now', async () => {
  const bus = embedded()
  const [writer, reader] = [await start(bus), await start(bus)]
  await writer.change(() => [domain('ours.example', 'a')], 'w')
  // The reader has not been told yet: it must look before it says that its own write changes nothing, or that there is nothing.
  expect(await reader.change(now => now.get('Domain', 'ours.example') === undefined ? [] : [domain('ours.example', 'b')], 'r')).toMatchObject({ written: true, revision: 2 })
  await writer.change(() => [domain('ours.example', 'c')], 'w')
  expect(await reader.change(() => [domain('ours.example', 'b')], 'r')).toMatchObject({ written: true, revision: 4 })
  await Promise.all([writer.stop(), reader.stop()])
  await bus.stop()
})

it('what a newer release wrote in the configuration is there after this one has changed something else', async () => {
  const bus = embedded()
  const documents = await bus.documents({ ...ConfigurationDocument, schema: Type.Any() }, { create: true })
  const resource = { kind: 'Domain', name: 'ours.example', spec: { newer: 1 }, revision: 1, updatedAt: '2026-11-26T12:00:00Z', updatedBy: 'newer' }
  await documents.put(CONFIGURATION_KEY, { v: 1, resources: [resource], newer: { n: 1 } })
  const older = await start(bus)
  expect(older.get('Domain', 'ours.example')?.revision).toBe(1)
  for (const note of ['a', 'b']) await older.change(() => [domain('other.example', note)], 'older')
  expect((await documents.get(CONFIGURATION_KEY))?.document).toMatchObject({ v: 1, resources: [{ name: 'other.example', spec: { note: 'b' } }, resource], newer: { n: 1 } })
  await older.stop()
  await bus.stop()
})

it('tells what changed, before and after, to listeners here and at another control', async () => {
  const bus = embedded()
  const [here, there] = [await start(bus), await start(bus)]
  const heard: [string, string, unknown, unknown][][] = [[], []]
  ;[here, there].forEach((store, i) => store.onChange(changes => heard[i]?.push(...changes.map(({ kind, name, before, after }: ConfigurationChange): [string, string, unknown, unknown] => [kind, name, before?.spec, after?.spec]))))
  await here.change(() => [domain('a.example'), domain('b.example')], 'w')
  await here.change(() => [domain('a.example', 'x'), { remove: { kind: 'Domain', name: 'b.example' } }], 'w')
  const expected = [['Domain', 'a.example', undefined, {}], ['Domain', 'b.example', undefined, {}], ['Domain', 'a.example', {}, { note: 'x' }], ['Domain', 'b.example', {}, undefined]]
  expect(heard[0]).toEqual(expected)
  await eventually(() => heard[1]).toEqual(expected)
  await Promise.all([here.stop(), there.stop()])
  await bus.stop()
})

it('starts with what is there; what the bus has lost is written again by who knows it, and a change over nothing loses nothing', async () => {
  const bus = embedded()
  const first = await start(bus)
  await first.change(() => [domain('a.example')], 'w')
  await first.stop()
  const second = await start(bus)
  expect(second.all('Domain').map(({ name }) => name)).toEqual(['a.example'])
  const documents = await bus.documents(ConfigurationDocument, { create: true })
  await documents.remove(CONFIGURATION_KEY)
  await eventually(async () => (await documents.get(CONFIGURATION_KEY))?.document.resources).toMatchObject([{ name: 'a.example', revision: 1 }])
  await eventually(async () => (await documents.get(CONFIGURATION_KEY))?.revision).toBe(second.revision)
  await documents.remove(CONFIGURATION_KEY)
  expect(await second.change(() => [domain('b.example')], 'w')).toMatchObject({ written: true })
  expect(second.all('Domain').map(({ name }) => name)).toEqual(['a.example', 'b.example'])
  await second.stop()
  await bus.stop()
})

it('an error that was there before does not stop who mends something else, and a new one does', async () => {
  const bus = embedded()
  const store = await start(bus)
  const documents = await bus.documents(ConfigurationDocument, { create: true })
  const common = { revision: 1, updatedAt: '2026-11-26T12:00:00.000Z', updatedBy: 'older release' }
  await documents.put(CONFIGURATION_KEY, { v: 1, resources: [{ kind: 'Peer', name: 'p.example', spec: { schedule: 'gone' }, ...common }] })
  await eventually(() => store.all('Peer').length).toBe(1)
  expect(store.lint().filter(({ level }) => level === 'error')).toMatchObject([{ code: 'unknown-reference' }])
  expect(await store.change(() => [domain('a.example')], 'w')).toMatchObject({ written: true })
  await documents.put(CONFIGURATION_KEY, { v: 1, resources: [{ kind: 'Peer', name: 'p.example', spec: { ours: ['gone1.example', 'gone2.example'] }, ...common, revision: 9 }] })
  await eventually(() => store.get('Peer', 'p.example')?.spec.ours).toHaveLength(2)
  expect(await store.change(() => [{ put: { kind: 'Peer', name: 'p.example', spec: { ours: ['gone2.example'] } } }], 'w')).toMatchObject({ written: true })
  expect(await store.change(() => [domain('p2.example')], 'w')).toMatchObject({ written: true })
  await expect(store.change(() => [domain('p.example')], 'w')).rejects.toMatchObject({ code: 'configuration-conflict' })
  await store.stop()
  await bus.stop()
})

it('one that this release cannot read is written over by nobody, and said to be so', async () => {
  const bus = embedded()
  const raw = await bus.documents({ bucket: ConfigurationDocument.bucket, schema: Type.Unknown() }, { create: true })
  await raw.put(CONFIGURATION_KEY, { v: 2, everything: 'else' })
  const store = await start(bus)
  expect([store.revision, store.resources.size]).toEqual([0, 0])
  await expect(store.change(() => [domain('a.example')], 'w')).rejects.toMatchObject({ status: 500, code: 'configuration-unreadable' })
  expect((await raw.get(CONFIGURATION_KEY))?.document).toEqual({ v: 2, everything: 'else' })
  await store.stop()
  await bus.stop()
})
