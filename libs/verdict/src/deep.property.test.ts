// Whatever a deep check shows, in whatever order its connections are told: one verdict, which says no more than the depth allows.
import {
  CALLBACK_ANSWERS, DEEP_STAGES, DEFAULT_JUDGE_CONFIG, DEPTHS, STREAM_CONDITIONS, type Callback, type Deep, type DeepConnection, type DialbackAnswerSeen, type Failure, type JudgeConfig, type Observation,
} from '@dialtone/contracts'
import { DIALBACK_DEVIATIONS, examine } from '@dialtone/checks'
import { Deep as DeepSchema, Verdict, firstProblem } from '@dialtone/contracts/schemas'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judge } from './index.ts'
import { endpoint } from './test-support/observation.ts'
import { TLS_SEEN, callback, connection, features, listener, probed, works } from './test-support/deep.ts'

const OURS = 'ours.example'
const PROBE = 'probe.example'
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const conditions = [...STREAM_CONDITIONS, 'forbidden', 'not-allowed', 'not-acceptable', 'item-not-found', 'remote-server-not-found', 'remote-server-timeout', 'service-unavailable', 'made-up']
const texts = [undefined, '', 'Attempt to connect from a host we serve', "Your server's certificate has expired", 'Access denied by service policy', 'Connection failed: timeout', 'DNS lookup failed: enoname', 'Host unknown', 'x']
const failure: fc.Arbitrary<Failure> = fc.oneof(
  fc.constantFrom<Failure>({ at: 'tcp', why: 'refused' }, { at: 'guard', why: 'address-refused' }, { at: 'probe', why: 'cancelled' }, { at: 'starttls', why: 'refused' }),
  fc.record({ alert: fc.constantFrom('unknown_ca', 'certificate_required', 'protocol_version'), late: fc.boolean() }).map(({ alert, late }): Failure => ({ at: 'tls', why: 'alert-from-peer', alert, late })),
  fc.record({ condition: fc.constantFrom(...conditions), text: fc.constantFrom(...texts) }).map(({ condition, text }): Failure => ({ at: 'stream', why: 'stream-error', condition, ...(text === undefined ? {} : { text }) })),
  fc.constantFrom(...STREAM_CONDITIONS).map((condition): Failure => ({ at: 'stream', why: 'broke-protocol', condition })),
  fc.constantFrom('closed', 'ended', 'reset', 'went-silent').map((why): Failure => ({ at: 'stream', why: why as 'closed', received: 1 })),
)
const answer: fc.Arbitrary<DialbackAnswerSeen> = fc.oneof(
  fc.constantFrom<DialbackAnswerSeen>({ type: 'valid' }, { type: 'invalid' }),
  fc.record({ condition: fc.constantFrom(undefined, ...conditions, ...DIALBACK_DEVIATIONS.map(row => row.condition)), text: fc.constantFrom(...texts) })
    .map(({ condition, text }): DialbackAnswerSeen => ({ type: 'error', ...(condition === undefined ? {} : { condition }), ...(text === undefined ? {} : { text }) })),
)
const defined = <T extends object>(record: T): T => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T
const pair = fc.record({ from: fc.constantFrom(OURS, PROBE, PROBE, 'other.example'), to: fc.constantFrom('partner.example', 'partner.example', 'partner.example', 'other.example') })
const some: fc.Arbitrary<DeepConnection> = fc.record({
  role: fc.constantFrom('external', 'dialback', 'verify'), of: fc.constantFrom('peer', 'peer', 'ours'), kind: fc.constantFrom('starttls', 'direct'), endpoint: fc.constantFrom('192.0.2.1', '192.0.2.2', 'starttls/h:5269/a'), pair,
  stop: maybe(fc.record({ at: fc.constantFrom(...DEEP_STAGES), failure })), certificate: fc.boolean(), encrypted: fc.boolean(), requested: fc.boolean(), mechanisms: fc.constantFrom<string[]>([], ['EXTERNAL']), dialbackOffered: fc.boolean(),
  sasl: maybe(fc.record({ success: fc.boolean() })), question: maybe(fc.record({ right: fc.constantFrom('valid', 'invalid'), answer: maybe(answer) })), pong: maybe(fc.constantFrom('result', 'error', 'none')),
  key: maybe(fc.record({ key: fc.constantFrom('true', 'made-up'), waitedMs: fc.constantFrom(100, 15_000, 95_000), sentAtMs: fc.constantFrom(0, 100, 200_000), secured: fc.boolean(), answer: maybe(answer), cutShort: maybe(fc.boolean()) })),
}).map(({ role, of, kind, endpoint: id, pair: named, stop, certificate, encrypted, requested, mechanisms, dialbackOffered, sasl, question, pong, key }) => {
  const { tls: _, headerAgain: _again, ...made } = connection(role, defined({
    of: of as 'peer', kind: kind as 'direct', endpoint: id, pair: named, certificate, featuresAgain: features({ mechanisms, dialback: dialbackOffered }), sasl,
    question: question === undefined ? undefined : defined({ right: question.right as 'valid', ms: 1, answer: question.answer }),
    ping: pong === undefined ? undefined : { answer: pong as 'none', ms: 1 },
    dialback: key === undefined ? undefined : defined({ ...key, key: key.key as 'true', streamId: 's' }),
  }) as Partial<DeepConnection>, stop)
  return encrypted ? { ...made, tls: { ...TLS_SEEN, clientCertificateRequested: requested } } : made
})
const call: fc.Arbitrary<Callback> = fc.record({
  atMs: fc.constantFrom(50, 150, 90_000), source: fc.constantFrom('192.0.2.1:1', '203.0.113.1:2'), tls: maybe(fc.constant('TLSv1.3')), asked: maybe(fc.record({ atMs: fc.constantFrom(50, 150, 90_000), answered: fc.constantFrom(...CALLBACK_ANSWERS) })),
  strangeId: maybe(fc.constant('x')), authenticated: maybe(fc.constantFrom('external', 'dialback')), reverse: maybe(fc.record({ atMs: fc.constant(1), ms: fc.constant(1), answer: maybe(answer), failure: maybe(failure) }).map(defined)), failure: maybe(failure),
}).map(given => callback(defined(given) as Partial<Callback>))
const deep: fc.Arbitrary<Deep> = fc.record({
  depth: fc.constantFrom(...DEPTHS.filter(depth => depth !== 'none')), as: fc.constantFrom(OURS, PROBE), quick: fc.boolean(), connections: fc.array(some, { maxLength: 4 }), callbacks: fc.array(call, { maxLength: 3 }), callbacksLeftOut: fc.constant(0), endpointsLeftOut: maybe(fc.constant(2)),
  strayConnections: maybe(fc.record({ count: fc.constantFrom(1, 7), sources: fc.subarray(['192.0.2.1:1', '203.0.113.1:2']), failure: maybe(failure) }).map(defined)),
  listener: maybe(fc.record({ published: fc.constantFrom('leads-here', 'elsewhere', 'nowhere', 'unknown'), domain: fc.constantFrom(OURS, PROBE) }).map(listener)),
}).map(given => defined(given) as Deep)
const light = fc.constantFrom<Observation['endpoints'][]>([works('192.0.2.1')], [works('192.0.2.1'), works('192.0.2.2')], [works('192.0.2.1'), endpoint('192.0.2.2', { at: 'tcp', why: 'refused' }, 'tcp')], [endpoint('192.0.2.1', { at: 'tcp', why: 'timeout' }, 'tcp')], [])
const seen: fc.Arbitrary<Observation> = fc.record({ deep, endpoints: light, as: fc.constantFrom(undefined, OURS), vantage: fc.constantFrom('here', 'there'), minute: fc.nat(12), claims: fc.boolean(), clientCertificate: fc.boolean() })
  .map(({ deep: given, endpoints, as, vantage, minute, claims, clientCertificate }) => {
    const o = probed({}, {
      endpoints, vantage, startedAt: `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`, asked: { clientCertificate, depth: given.depth, ...(as === undefined ? {} : { as }) },
      ...(claims ? { claim: [{ endpoint: '192.0.2.1', role: 'claim', to: OURS, answer: 'serves', ms: 1 }, { endpoint: '192.0.2.1', role: 'control', to: 'x.invalid', answer: 'denies', ms: 1 }] } : {}),
    })
    return { ...o, deep: given }
  })
const config: fc.Arbitrary<JudgeConfig> = fc.record({ ours: fc.boolean(), hostedBy: fc.constantFrom([], ['partner.example']) }).map(given => ({ ...DEFAULT_JUDGE_CONFIG, ...given }))

describe('a deep observation of anything', () => {
  it('keeps its schema', () => fc.assert(fc.property(deep, given => { expect(firstProblem(DeepSchema, given)).toBeUndefined() }), { numRuns: 100 }))

  it('gives findings, and one verdict that keeps its schema, whatever the order of observations and connections', () => {
    const named = new Set<string>()
    fc.assert(fc.property(fc.array(seen, { minLength: 1, maxLength: 3 }), config, fc.infiniteStream(fc.nat(1000)), (observations, expected, random) => {
      const verdict = judge(observations, expected)
      expect(firstProblem(Verdict, verdict)).toBeUndefined()
      for (const o of observations) examine(o, expected)
      const shuffled = shuffle(observations, random).map(o => ({ ...o, endpoints: shuffle(o.endpoints, random), ...(o.deep === undefined ? {} : { deep: { ...o.deep, connections: shuffle(o.deep.connections, random), callbacks: shuffle(o.deep.callbacks, random) } }) }))
      if (new Set(observations.map(({ asked }) => asked.as)).size < 2) expect(judge(shuffled, expected)).toEqual(verdict)
      named.add(verdict.cause)
    }), { numRuns: 1000 })
    // The net is wide.
    expect(named.size).toBeGreaterThan(8)
  })

  it('never says of ours what a dialback in the probe’s name showed', () => {
    const other = seen.map((o): Observation => ({ ...o, claim: [], asked: { ...o.asked, as: OURS }, deep: { ...o.deep!, depth: 'probe', as: PROBE, connections: o.deep!.connections.filter(({ role, pair: { from } }) => role !== 'external' || from !== OURS) } }))
    fc.assert(fc.property(other, config, (o, expected) => {
      const { deep: _, ...light } = o
      const { pair: both, untested, ...verdict } = judge([o], expected)
      const { cause, state, side, evidence, remedy } = judge([light], expected)
      expect(verdict).toMatchObject({ cause, state, side, evidence, remedy })
      expect(both?.ours).toBe(OURS)
      expect(both?.in.state).toBe('unknown')
      expect(both?.out.state).not.toBe('up')
      expect(untested).toContainEqual({ what: `dialback in the name of ${OURS}`, needs: '--depth shared --secret FILE' })
    }), { numRuns: 500 })
  })

  it('never says that no connection reached us where one did that nobody can assign', () => {
    fc.assert(fc.property(seen.filter(o => o.deep?.strayConnections !== undefined), config, (o, expected) => { expect(judge([o], expected).sentence).not.toContain('no connection reached') }), { numRuns: 300 })
  })

  it('never calls one refusal policy', () => {
    fc.assert(fc.property(seen, config, (o, expected) => { expect(judge([o], expected).cause).not.toBe('policy.refused-by-peer') }), { numRuns: 500 })
  })

  it('never learns from a made-up key that was denied', () => {
    const denied = seen.map((o): Observation => ({
      ...o, claim: [], asked: { ...o.asked, as: OURS },
      deep: { ...o.deep!, depth: 'knock', as: OURS, connections: [connection('dialback', { pair: { from: OURS, to: 'partner.example' }, dialback: { key: 'made-up', streamId: 's', secured: true, sentAtMs: 0, waitedMs: 1, answer: { type: 'invalid' } } })] },
    }))
    fc.assert(fc.property(denied, config, (o, expected) => {
      const { deep: _, ...light } = o
      expect(judge([o], expected).cause).toBe(judge([light], expected).cause)
      expect(judge([o], expected).pair?.out.state).not.toBe('up')
    }), { numRuns: 300 })
  })

  it('never calls the way in up without a listener of its own', () => {
    fc.assert(fc.property(seen, config, (o, expected) => {
      const { pair: both } = judge([o], expected)
      if (o.deep?.depth !== 'probe' || o.deep.listener === undefined) expect(both?.in.state).not.toBe('up')
    }), { numRuns: 500 })
  })
})

function shuffle<T> (list: readonly T[], random: Iterator<number>): T[] {
  return list.map(each => ({ each, at: Number(random.next().value) })).toSorted((a, b) => a.at - b.at).map(({ each }) => each)
}
