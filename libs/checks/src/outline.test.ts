import { expect, it } from 'vitest'
import type { Observation } from '@dialtone/contracts'
import { outlineOf } from './outline.ts'
import { answer, at, endpoint, observation, srv } from './test-support/observation.ts'
import { callback, deeply, keyed } from './test-support/deep.ts'

const usual = (): Observation => observation({ dns: [answer('xmpp-server', [srv('a.example'), srv('b.example')]), answer('target', [at('192.0.2.1'), at('192.0.2.2')])], endpoints: [endpoint(), endpoint({ address: '192.0.2.2' })] })
const silent = (received: number, detail = 'header') => observation({ endpoints: [endpoint({}, { at: 'header', failure: { at: 'stream', why: 'went-silent', received, detail } })] })
const refusedWith = (text: string) => observation({ endpoints: [endpoint({}, { at: 'header', failure: { at: 'stream', why: 'stream-error', condition: 'policy-violation', text } })] })

const alike: [string, Observation, Observation][] = [
  ['when it was seen', usual(), { ...usual(), startedAt: '2026-02-02T00:00:00Z', ms: 99 }],
  ['what is left of a TTL', observation({ dns: [answer('target', [at('192.0.2.1', 60)])] }), observation({ dns: [answer('target', [at('192.0.2.1', 12)])] })],
  ['the order of records', observation({ dns: [answer('target', [at('192.0.2.1'), at('192.0.2.2')])] }), observation({ dns: [answer('target', [at('192.0.2.2'), at('192.0.2.1')])] })],
  ['the order of answers and of endpoints', usual(), { ...usual(), dns: usual().dns.toReversed(), endpoints: usual().endpoints.toReversed() }],
  ['the id of a stream', observation({ endpoints: [endpoint({ header: header('a1') })] }), observation({ endpoints: [endpoint({ header: header('b2') })] })],
  ['the hash of a DNS message, which has an id', observation({ dns: [answer('target', 'nodata', { message: 'a'.repeat(64) })] }), observation({ dns: [answer('target', 'nodata', { message: 'b'.repeat(64) })] })],
  ['how many bytes came', silent(10), silent(11)],
  ['numbers in what a peer wrote', refusedWith('try again in 57 s, id 9f86d081884c7d65'), refusedWith('try again in 12 s, id 2c26b46b68ffc68f')],
  ['the made-up name of the control', claiming('4f2a.invalid'), claiming('99ab.invalid')],
  ['how often it was called back', deeply({ connections: [keyed()], callbacks: [called(1)] }), deeply({ connections: [keyed({ streamId: 's9', waitedMs: 300 })], callbacks: [called(2), called(3)] })],
]
for (const [name, one, other] of alike) it(`says nothing about ${name}`, () => expect(outlineOf(one)).toBe(outlineOf(other)))

const apart: [string, Observation, Observation][] = [
  ['another address', usual(), { ...usual(), dns: [answer('target', [at('192.0.2.9')])] }],
  ['an endpoint less', usual(), { ...usual(), endpoints: usual().endpoints.slice(1) }],
  ['another failure', silent(0, 'header'), silent(0, 'features')],
  ['bytes where there were none', silent(0), silent(1)],
  ['another text', refusedWith('go away'), refusedWith('come back')],
  ['a stage that became slow', observation({ endpoints: [endpoint()] }), slow()],
  ['an answer that is no longer there', observation({ dns: [answer('target', [at('192.0.2.1')])] }), observation({ dns: [answer('target', 'servfail')] })],
  ['another depth', usual(), deeply({ connections: [keyed()] })],
  ['a callback that failed', deeply({ connections: [keyed()], callbacks: [called(1)] }), deeply({ connections: [keyed()], callbacks: [{ ...called(1), failure: { at: 'tcp', why: 'reset' } }] })],
]
for (const [name, one, other] of apart) it(`tells ${name}`, () => expect(outlineOf(one)).not.toBe(outlineOf(other)))

function header (id: string) {
  return { id, contentNamespace: 'jabber:server', dialbackNamespace: true }
}

function claiming (to: string): Observation {
  return observation({ claim: [{ endpoint: 'starttls/a:5269/192.0.2.1', role: 'control', to, answer: 'denies', ms: 1 }] })
}

function called (n: number) {
  return callback({ source: `192.0.2.1:${40_000 + n}`, atMs: n, asked: { atMs: n, answered: 'valid', id: `s${n}` } })
}

function slow (): Observation {
  const steady = endpoint()
  return observation({ endpoints: [{ ...steady, steps: steady.steps.map(step => step.stage === 'tls' ? { ...step, ms: 4000 } : step) }] })
}
