// Whoever is heard first, whoever says the same again, whoever was unwell: what the fleet says does not depend on it.
import { PROFILES, type FleetVerdict, type Observation, type PeerReach, type Witness } from '@dialtone/contracts'
import { FleetPairVerdict, FleetVerdict as FleetVerdictSchema, firstProblem } from '@dialtone/contracts/schemas'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { judgeDomain, judgePair, reachOf } from '../index.ts'
import { chain } from '../test-support/certificates.ts'
import { connection, keyed, shared } from '../test-support/deep.ts'
import { CLOSED, CONFIG, HOST_UNKNOWN, HTTP, INTERNAL, PUBLIC, REFUSED, SILENT, TIMEOUT, UNREACHABLE, clear, deaf, look, no, reaching, stopped, well, type Seen } from '../test-support/fleet.ts'

const GUARDED = { at: 'guard', why: 'address-refused' } as const
const POLICY = { at: 'stream', why: 'stream-error', condition: 'policy-violation' } as const
const ALERT = { at: 'tls', why: 'alert-from-peer', alert: 'handshake_failure' } as const

function sights (address: string, whose: 'ours' | 'partner'): Seen[] {
  return [
    well(address, whose), well(address, whose), clear(address, whose), [well(address, whose), stopped('203.0.113.77', TIMEOUT, whose)],
    ...[REFUSED, TIMEOUT, UNREACHABLE, SILENT, CLOSED, HTTP, HOST_UNKNOWN, GUARDED, POLICY, ALERT].map(failure => stopped(address, failure, whose, failure.at === 'guard' ? 'tcp' : undefined)),
    well(address, whose, { chain: chain(whose, 'unknown-ca', true) }), well(address, whose, { chain: chain('appliance', 'self-signed') }), well(address, whose, { chain: chain(whose, 'trusted', true) }),
    deaf(`${whose}.example`), { dns: [no('xmpp-server', 'nxdomain', `${whose}.example`), no('existence', 'nxdomain', `${whose}.example`)], endpoints: [] }, { dns: [no('xmpp-server', 'malformed', `${whose}.example`), { ...no('control', 'nodata') }], endpoints: [] },
    ...[keyed({ answer: { type: 'valid' } }), keyed({ answer: { type: 'invalid' } }), keyed({ answer: { type: 'error', condition: 'remote-connection-failed' } }), connection('external', { sasl: { success: true } })].map((each): Seen => {
      const endpoints = [well(address, whose)]
      const { deep } = shared([{ ...each, endpoint: endpoints[0]?.id ?? '', pair: { from: 'ours.example', to: `${whose}.example` } }], {}, { endpoints })
      return { endpoints, ...(deep === undefined ? {} : { deep: { ...deep, connections: deep.connections.map(one => ({ ...one, pair: { from: 'ours.example', to: `${whose}.example` } })) } }) }
    }),
    { endpoints: [well(address, whose)], claim: [{ endpoint: well(address, whose).id, role: 'claim', to: 'ours.example', answer: 'serves', ms: 1 }, { endpoint: well(address, whose).id, role: 'control', to: 'x.invalid', answer: 'denies', ms: 1 }] } satisfies Partial<Observation>,
  ]
}

const SEEN = { internal: sights(INTERNAL, 'ours'), published: sights(PUBLIC, 'ours'), peer: sights('198.51.100.11', 'partner') }
const witness: fc.Arbitrary<Witness> = fc.record({
  job: fc.constantFrom('own-internal', 'own-published', 'own-published', 'peer', 'control'), vantage: fc.constantFrom('in1', 'in2', 'out1', 'out1-twin', 'out2', 'out3'),
  sight: fc.nat(1000), minute: fc.constantFrom(0, 0, 1, 7), shares: fc.boolean(),
}).map(({ job, vantage, sight, minute, shares }) => {
  const of = job === 'own-internal' ? SEEN.internal : job === 'own-published' ? SEEN.published : SEEN.peer
  return look(job, vantage, of[sight % of.length] ?? [], { at: `2026-01-01T00:0${minute}:00Z`, from: { sharesResolverWith: shares && vantage === 'in1' ? ['ours.example'] : [] } })
})
const witnesses = fc.array(witness, { maxLength: 7 })
const reach: fc.Arbitrary<PeerReach[]> = fc.constantFrom([], reaching('unreached', 'reached'), reaching('reached', 'reached'), reaching('untried', 'untried'))
const config = fc.record({ profile: fc.constantFrom(...PROFILES), splitViewExpected: fc.boolean(), expectedAddresses: fc.constantFrom([], [PUBLIC], ['203.0.113.99']), stopped: fc.constantFrom(undefined, undefined, undefined, 'a gateway that is stopped') })
  .map(({ stopped: stoppedByUs, ...given }) => ({ ...CONFIG, ...given, ...(stoppedByUs === undefined ? {} : { stoppedByUs }) }))

type Question = { witnesses: Witness[], reach: PeerReach[], config: typeof CONFIG }
const question: fc.Arbitrary<Question> = fc.record({ witnesses, reach, config })
function judged ({ witnesses: heard, reach: known, config: expected }: Question) {
  const own = judgeDomain({ domain: 'ours.example', witnesses: heard, config: expected, reach: known })
  const pair = judgePair({ ours: 'ours.example', peer: 'partner.example', witnesses: heard, own, config: { ...expected, expectedAddresses: [] }, reach: known })
  return { own, pair, reach: reachOf('partner.example', heard) }
}

it('is one verdict, which keeps its schema, in whatever order the witnesses come', () => {
  const named = new Set<string>()
  fc.assert(fc.property(question, fc.infiniteStream(fc.nat(1000)), (asked, random) => {
    const told = judged(asked)
    expect(firstProblem(FleetVerdictSchema, told.own)).toBeUndefined()
    expect(firstProblem(FleetPairVerdict, told.pair)).toBeUndefined()
    expect(judged({ ...asked, witnesses: shuffle(asked.witnesses, random), reach: shuffle(asked.reach, random) })).toEqual(told)
    for (const { cause } of [told.own, told.pair.out, told.pair.in]) named.add(cause)
  }), { numRuns: 1500 })
  for (const cause of ['path.inbound-blocked', 'path.inbound-refused', 'path.outbound-blocked', 'path.peer-blocked', 'path.interfered', 'peer.unreachable', 'peer.partition', 'service.down', 'service.wrong-box', 'dns.resolver-unavailable', 'dialback.domain-claimed']) expect(named).toContain(cause)
}, 60_000)

it('is said more surely, never less, when another network sees the same', () => {
  const SURE: Record<FleetVerdict['confidence'], number> = { 'single-vantage': 0, likely: 1, proved: 2 }
  fc.assert(fc.property(question, fc.nat(20), (asked, which) => {
    const before = judged(asked)
    const again = asked.witnesses[which % Math.max(1, asked.witnesses.length)]
    if (again === undefined) return
    // All that was seen on its network is seen on another one of the same side.
    const { network } = again.standpoint
    const same = asked.witnesses.filter(each => each.standpoint.network === network).map(each => ({ ...each, observation: { ...each.observation, vantage: `${each.standpoint.vantage}-elsewhere` }, standpoint: { ...each.standpoint, vantage: `${each.standpoint.vantage}-elsewhere`, network: `${network}-elsewhere` } }))
    const after = judged({ ...asked, witnesses: [...asked.witnesses, ...same] })
    for (const [was, is] of [[before.own, after.own], [before.pair.out, after.pair.out], [before.pair.in, after.pair.in]] as const) {
      if (was.cause === is.cause && was.state === is.state) expect(SURE[is.confidence], `${is.cause} after ${network}`).toBeGreaterThanOrEqual(SURE[was.confidence])
    }
  }), { numRuns: 1500 })
}, 60_000)

it('is not changed by an agent that is set aside, but for saying so', () => {
  fc.assert(fc.property(question, witness, fc.constantFrom('uplink' as const, 'clock' as const, 'event-loop' as const), (asked, more, aside) => {
    const before = judged(asked)
    const after = judged({ ...asked, witnesses: [...asked.witnesses, { ...more, aside }] })
    // Where nobody else has looked, that is the verdict itself.
    const settled = (verdict: FleetVerdict): unknown => verdict.agreement.inside + verdict.agreement.outside === 0 ? undefined : { ...verdict, setAside: [] }
    for (const [was, is] of [[before.own, after.own], [before.pair.out, after.pair.out], [before.pair.in, after.pair.in]] as const) {
      expect(settled(is)).toEqual(settled(was))
    }
    expect(after.reach).toEqual(before.reach)
  }), { numRuns: 1000 })
}, 60_000)

it('counts two vantages on one network once', () => {
  fc.assert(fc.property(question, asked => {
    const before = judged(asked)
    const twins = asked.witnesses.map(each => ({ ...each, standpoint: { ...each.standpoint, vantage: `${each.standpoint.vantage}-double` }, observation: { ...each.observation, vantage: `${each.standpoint.vantage}-double` } }))
    const after = judged({ ...asked, witnesses: [...asked.witnesses, ...twins] })
    for (const [was, is] of [[before.own, after.own], [before.pair.out, after.pair.out], [before.pair.in, after.pair.in]] as const) {
      expect([is.cause, is.state, is.side, is.confidence, is.agreement]).toEqual([was.cause, was.state, was.side, was.confidence, was.agreement])
    }
  }), { numRuns: 1000 })
}, 60_000)

function shuffle<T> (list: readonly T[], random: Iterator<number>): T[] {
  return list.map(each => ({ each, at: Number(random.next().value) })).toSorted((a, b) => a.at - b.at).map(({ each }) => each)
}
