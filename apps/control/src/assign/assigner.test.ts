import { afterEach, beforeEach, expect, it } from 'vitest'
import { NO_LOGGER, NO_METER, OperatorError } from '@dialtone/kernel'
import { ASSIGNMENT_KEY, assignmentDocument, gatewayDocument } from '@dialtone/contracts/schemas'
import type { Assignment, Bus, Lease } from '@dialtone/contracts'
import { startConfiguration, type ConfigurationStore } from '../configuration/store.ts'
import type { Edit } from '../configuration/edit.ts'
import { embedded, eventually } from '../resources/test-support.ts'
import { startAssigner } from './assigner.ts'

let bus: Bus
let configuration: Awaited<ReturnType<typeof startConfiguration>>
const clock = { now: () => Date.parse('2026-11-26T12:00:00Z'), elapsed: () => 0 }
beforeEach(async () => {
  bus = embedded()
  configuration = await startConfiguration({ bus, logger: NO_LOGGER, clock })
})
afterEach(async () => {
  await configuration.stop()
  await bus.stop()
})

const vantage = (name: string, side: 'inside' | 'outside' = 'outside'): Edit => ({ put: { kind: 'Vantage', name, spec: { side } } })
const domain = (name: string): Edit => ({ put: { kind: 'Domain', name, spec: {} } })
const change = (...edits: Edit[]) => configuration.change(() => edits, 'test')
const assigned = async (name: string) => (await bus.documents(assignmentDocument(name), { create: true })).get(ASSIGNMENT_KEY)
const targets = async (name: string) => (await assigned(name))?.document.targets.map(({ id }) => id)
const assigner = (lease: Lease, view: ConfigurationStore = configuration, reconcileMs = 3_600_000) => startAssigner({ bus, configuration: view, lease, logger: NO_LOGGER, reconcileMs })

it('writes what each vantage has to do, when it changes, and only then', async () => {
  await change(vantage('out'), domain('a.example'))
  const running = assigner(leaseOf(true))
  await running.settled()
  expect(await targets('out')).toEqual(['own-published:a.example'])
  const first = await assigned('out')
  await change({ put: { kind: 'Schedule', name: 'unused', spec: {} } })
  await running.settled()
  expect(await assigned('out')).toEqual(first)
  await change(domain('b.example'))
  await running.settled()
  expect((await assigned('out'))?.document).toMatchObject({ revision: configuration.revision, targets: [{ id: 'own-published:a.example' }, { id: 'own-published:b.example' }] })
  await running.stop()
})

it('writes nothing without the lease, and everything when it gets it', async () => {
  await change(vantage('out'), domain('a.example'))
  const lease = leaseOf(false)
  const running = assigner(lease)
  await running.settled()
  expect(await assigned('out')).toBeUndefined()
  lease.give(true)
  await running.settled()
  expect(await targets('out')).toEqual(['own-published:a.example'])
  lease.give(false)
  await change(domain('b.example'))
  await running.settled()
  expect(await targets('out')).toEqual(['own-published:a.example'])
  await running.stop()
})

it('empties a vantage that was removed, also when it was removed while nobody looked', async () => {
  await change(vantage('out'), vantage('old'), domain('a.example'))
  const first = assigner(leaseOf(true))
  await first.settled()
  expect(await targets('old')).toHaveLength(1)
  await first.stop()
  await change({ remove: { kind: 'Vantage', name: 'old' } })
  const second = assigner(leaseOf(true))
  await second.settled()
  expect(await assigned('old')).toBeUndefined()
  await change({ remove: { kind: 'Vantage', name: 'out' } })
  await second.settled()
  expect(await assigned('out')).toBeUndefined()
  await change(vantage('old'))
  await second.settled()
  expect(await targets('old')).toHaveLength(1)
  await second.stop()
})

it('a former holder that knows an older configuration writes over nothing newer', async () => {
  await change(vantage('out'), domain('a.example'))
  const frozen = { ...configuration, revision: configuration.revision, all: configuration.resources.all, get: configuration.resources.get, onChange: () => () => undefined }
  const fresh = assigner(leaseOf(true))
  await change(domain('b.example'))
  await fresh.settled()
  const former = assigner(leaseOf(true), frozen)
  await former.settled()
  expect(await targets('out')).toHaveLength(2)
  await former.stop()
  await fresh.stop()
})

it('repairs what somebody else wrote or took away, and takes nobody their work while no configuration is known', async () => {
  await change(vantage('out'), domain('a.example'))
  const running = assigner(leaseOf(true), configuration, 20)
  await running.settled()
  const documents = await bus.documents(assignmentDocument('out'), { create: true })
  await documents.remove(ASSIGNMENT_KEY)
  await eventually(() => targets('out')).toEqual(['own-published:a.example'])
  const { document } = await assigned('out') ?? {}
  await documents.put(ASSIGNMENT_KEY, { ...document as Assignment, revision: 99, targets: [] })
  await eventually(() => targets('out')).toEqual(['own-published:a.example'])
  await running.stop()

  const blank = { ...configuration, revision: 0, all: () => [], get: () => undefined, onChange: () => () => undefined }
  const blind = assigner(leaseOf(true), blank)
  await blind.settled()
  expect(await targets('out')).toEqual(['own-published:a.example'])
  await blind.stop()
})

it('a vantage whose assignment cannot be written keeps no other from its work', async () => {
  await change(vantage('first'), vantage('gone'), domain('a.example'))
  const before = assigner(leaseOf(true))
  await before.settled()
  await before.stop()
  await change(vantage('last'), vantage('old'), { remove: { kind: 'Vantage', name: 'gone' } }, domain('b.example'))
  const [said, counted] = [[] as unknown[], [] as unknown[]]
  const broken = new Set(['first', 'gone'])
  const failing: Bus = { ...bus, connected: true, documents: async (type, options) => broken.has(type.bucket.replace('vantage-', '')) ? Promise.reject(new OperatorError('bus-full', 'no room')) : bus.documents(type, options) }
  const running = startAssigner({
    bus: failing, configuration, lease: leaseOf(true), reconcileMs: 20, logger: { ...NO_LOGGER, warn: fields => { said.push(fields) } },
    meter: { ...NO_METER, add: (_, labels) => { counted.push(labels) } },
  })
  await running.settled()
  expect([await targets('last'), await targets('old')]).toEqual([['own-published:a.example', 'own-published:b.example'], ['own-published:a.example', 'own-published:b.example']])
  expect(said.slice(0, 2)).toMatchObject([{ vantage: 'first', err: expect.stringContaining('no room') }, { vantage: 'gone' }])
  expect(counted).toContainEqual({ outcome: 'failed' })
  broken.clear()
  await eventually(() => targets('first')).toEqual(['own-published:a.example', 'own-published:b.example'])
  await eventually(() => assigned('gone')).toBeUndefined()
  await running.stop()
})

it('tells each gateway what it works by, when that says something new, and empties one that was removed', async () => {
  const gateway = (name: string): Edit => ({ put: { kind: 'Gateway', name, spec: { desired: 'running' } } })
  const told = async (name: string) => (await bus.documents(gatewayDocument(name), { create: true })).get(ASSIGNMENT_KEY)
  await change(gateway('edge'), gateway('old'), vantage('out'), domain('a.example'))
  const running = assigner(leaseOf(true))
  await running.settled()
  const first = await told('edge')
  expect(first?.document).toEqual({ v: 1, revision: configuration.revision, gateway: 'edge', spec: { desired: 'running' }, policies: {}, routes: {}, domains: { 'a.example': {} }, peers: {} })
  await change({ put: { kind: 'Policy', name: 'elsewhere', spec: { ours: '*', peer: '*', action: 'deny', gateways: ['old'] } } })
  await running.settled()
  expect(await told('edge')).toEqual(first)
  expect((await told('old'))?.document.policies).toEqual({ elsewhere: { ours: '*', peer: '*', action: 'deny', gateways: ['old'] } })
  await change({ put: { kind: 'Gateway', name: 'edge', spec: { desired: 'draining' } } }, { remove: { kind: 'Policy', name: 'elsewhere' } }, { remove: { kind: 'Gateway', name: 'old' } })
  await running.settled()
  expect((await told('edge'))?.document).toMatchObject({ revision: configuration.revision, spec: { desired: 'draining' } })
  expect(await told('old')).toBeUndefined()
  expect(await targets('out')).toEqual(['own-published:a.example'])
  await running.stop()
  await change({ remove: { kind: 'Gateway', name: 'edge' } })
  const second = assigner(leaseOf(true))
  await second.settled()
  expect(await told('edge')).toBeUndefined()
  await second.stop()
})

function leaseOf (held: boolean): Lease & { give: (held: boolean) => void } {
  const hearers = new Set<(held: boolean) => void>()
  let is = held
  return {
    get held () { return is },
    get token () { return is ? 1 : 0 },
    onChange: hear => {
      hearers.add(hear)
      return () => hearers.delete(hear)
    },
    give: next => {
      is = next
      for (const hear of hearers) hear(next)
    },
  }
}
