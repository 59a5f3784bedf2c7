import { gzipSync } from 'node:zlib'
import { Configuration, ObservationRecorded } from '@dialtone/contracts/schemas'
import { NO_METER } from '@dialtone/kernel'
import { Type, type TSchema } from 'typebox'
import { expect, it } from 'vitest'
import { createBodies } from './bodies.ts'
import { LIMITS } from './limits.ts'

const closed = { additionalProperties: false }
const bodies = createBodies(NO_METER, LIMITS)
const arrived = (schema: TSchema, value: unknown, kind = {}): unknown => bodies.read('observation', schema, Buffer.from(JSON.stringify(value)), kind)

const Shape = Type.Object({
  kind: Type.Union([Type.Object({ at: Type.Literal('a'), n: Type.Optional(Type.Integer()) }, closed), Type.Object({ at: Type.Literal('b'), n: Type.String() }, closed)]),
  list: Type.Array(Type.Object({ n: Type.Integer() }, closed)),
  named: Type.Record(Type.String(), Type.Object({ n: Type.Integer() }, closed)),
  either: Type.Optional(Type.Union([Type.Null(), Type.Object({ leaf: Type.String() }, closed), Type.Object({ failure: Type.String() }, closed)])),
}, closed)

it('a field that is not known is taken out wherever it is, and the rest is as it was', () => {
  const value = JSON.parse('{"__proto__":{"n":1},"new":1,"kind":{"at":"b","n":"x","new":[1]},"list":[{"n":1},{"n":2,"new":{}}],"named":{"x":{"n":1,"new":null}},"either":{"failure":"x","new":1}}') as unknown
  expect(arrived(Shape, value)).toEqual({ bytes: expect.any(Number), value: { kind: { at: 'b', n: 'x' }, list: [{ n: 1 }, { n: 2 }], named: { x: { n: 1 } }, either: { failure: 'x' } } })
})

it('what is known has to be as it is said all the same, also beside what is not known', () => {
  const right = { kind: { at: 'a', new: 1 }, list: [], named: {} }
  expect(arrived(Shape, right)).toMatchObject({ value: { kind: { at: 'a' } } })
  expect(arrived(Shape, { ...right, kind: { at: 'a', n: 'x', new: 1 } })).toMatchObject({ reason: 'shape' })
  expect(arrived(Shape, { ...right, kind: { at: 'c' } })).toMatchObject({ reason: 'shape' })
  expect(arrived(Shape, { ...right, list: [{ n: 'x', new: 1 }] })).toMatchObject({ reason: 'shape', says: expect.stringContaining('/list/0/n') })
  expect(arrived(Shape, { kind: { at: 'a' }, list: [], new: {} })).toMatchObject({ reason: 'shape', says: expect.stringContaining('named') })
})

it('what we write ourselves is strict, but for a document that keeps what it does not know', () => {
  const value = { kind: { at: 'a', new: 1 }, list: [], named: {}, new: 2 }
  expect(() => bodies.write('observation', Shape, value)).toThrow(/\/new is not known|new/)
  const kind = { keepsUnknown: true }
  expect(arrived(Shape, value, kind)).toMatchObject({ value })
  expect(JSON.parse(bodies.write('configuration', Shape, value, kind).toString())).toEqual(value)
  expect(() => bodies.write('configuration', Shape, { ...value, list: 1 }, kind)).toThrow(/\/list/)
})

it('the kinds of the fleet too: an observation and a configuration of a later release are read, a huge one is not', () => {
  const dns = { name: 'example.org', type: 'A', purpose: 'fallback', resolver: '192.0.2.1:53', outcome: 'answer', transport: 'udp', atMs: 0, ms: 1, authenticated: false, records: [{ type: 'A', ttl: 1, address: '192.0.2.1' }], aliases: [], extended: [] }
  const asked = { from: 'example.net', resolver: '192.0.2.1:53', resolverTrusted: false, controlName: 'example.com', overrides: [], fallbackPort: 5269, families: [4], depth: 'none', clientCertificate: false }
  const recorded = {
    v: 1, id: 'observation-1', agent: 'one', vantage: 'north', target: 'peer:example.org', job: 'peer',
    observation: { v: 1, domain: 'example.org', vantage: 'north', startedAt: '2026-01-01T00:00:00Z', ms: 1, asked, dns: [dns], endpoints: [], claim: [], certificates: {}, messages: {}, leftOut: 0 },
  }
  const later = structuredClone(recorded) as never as { new: number, observation: { new: number, dns: { new: number, records: { new: number }[] }[] } }
  later.new = later.observation.new = 1
  for (const answer of later.observation.dns) {
    answer.new = 1
    for (const record of answer.records) record.new = 1
  }
  expect(arrived(ObservationRecorded, recorded)).toMatchObject({ value: recorded })
  expect(arrived(ObservationRecorded, later)).toEqual({ bytes: expect.any(Number), value: recorded })
  const huge = (what: object): unknown => arrived(ObservationRecorded, { ...recorded, observation: { ...recorded.observation, ...what } })
  expect(huge({ dns: Array.from({ length: 1025 }, () => dns) })).toMatchObject({ reason: 'shape', says: expect.stringContaining('/observation/dns') })
  expect(huge({ dns: [{ ...dns, records: Array.from({ length: 4097 }, () => dns.records[0]) }] })).toMatchObject({ reason: 'shape', says: expect.stringContaining('/records') })
  expect(huge({ domain: 'x'.repeat(3000) })).toMatchObject({ reason: 'shape', says: expect.stringContaining('/observation/domain') })
  expect(huge({ messages: Object.fromEntries(Array.from({ length: 4097 }, (_, at) => [`${at}`, ''])) })).toMatchObject({ reason: 'shape', says: expect.stringContaining('/observation/messages') })
  expect(arrived(Configuration, { v: 1, resources: [], new: 1 }, { keepsUnknown: true })).toMatchObject({ value: { new: 1 } })
})

it('a few kilobytes that grow beyond the limit are not unpacked; a document that is kept may be larger', () => {
  const Text = Type.String()
  const bytes = gzipSync(JSON.stringify('x'.repeat(5 * 1024 * 1024)))
  expect(bodies.read('observation', Text, bytes)).toMatchObject({ reason: 'too-large' })
  expect(bodies.read('configuration', Text, bytes, { lasting: true })).toHaveProperty('value')
  expect(() => bodies.write('observation', Text, 'x'.repeat(5 * 1024 * 1024))).toThrow(expect.objectContaining({ code: 'too-large' }))
})
