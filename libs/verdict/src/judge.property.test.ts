// Whatever the network shows, in whatever order it is told: there is a verdict, it is the same one, and it keeps its schema.
import { CAUSES, DEFAULT_JUDGE_CONFIG, DNS_OUTCOMES, DNS_PURPOSES, PROFILES, STAGES, STREAM_CONDITIONS, type ChainSeen, type EndpointObservation, type Failure, type FeaturesSeen, type HeaderSeen, type JudgeConfig, type Observation } from '@dialtone/contracts'
import { Verdict, firstProblem } from '@dialtone/contracts/schemas'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { judge } from './index.ts'
import { endpoint, observation } from './test-support/observation.ts'

const condition = fc.constantFrom(...STREAM_CONDITIONS, 'forbidden', 'made-up')
const text = fc.constantFrom(undefined, 'Attempt to connect from a host we serve', 'Use of STARTTLS required', "Your server's certificate has expired", 'x')
const failure: fc.Arbitrary<Failure> = fc.oneof(
  fc.constant<Failure>({ at: 'guard', why: 'address-refused' }),
  fc.constantFrom('refused', 'reset', 'timeout', 'unreachable').map((why): Failure => ({ at: 'tcp', why: why as 'refused' })),
  fc.constant<Failure>({ at: 'starttls', why: 'refused' }),
  fc.record({ why: fc.constantFrom('alert-from-peer', 'alert-from-us', 'protocol', 'not-tls', 'closed', 'reset', 'timeout'), alert: fc.constantFrom(undefined, 'unknown_ca', 'certificate_required', 'protocol_version') })
    .map(({ why, alert }): Failure => ({ at: 'tls', why: why as 'closed', ...(alert === undefined ? {} : { alert }) })),
  fc.record({ condition, text }).map(({ condition: sent, text: said }): Failure => ({ at: 'stream', why: 'stream-error', condition: sent, ...(said === undefined ? {} : { text: said }) })),
  fc.constantFrom(...STREAM_CONDITIONS).map((sent): Failure => ({ at: 'stream', why: 'broke-protocol', condition: sent })),
  fc.record({ why: fc.constantFrom('not-xmpp', 'closed', 'ended', 'reset', 'went-silent'), received: fc.nat(2) }).map(({ why, received }): Failure => ({ at: 'stream', why: why as 'closed', received })),
  fc.constantFrom('no-address-family', 'cancelled', 'no-resources', 'unclassified').map((why): Failure => ({ at: 'probe', why: why as 'cancelled' })),
)
const header: fc.Arbitrary<HeaderSeen> = fc.record({ id: fc.constantFrom(undefined, '', 'i'), contentNamespace: fc.constantFrom('jabber:server', 'jabber:client'), dialbackNamespace: fc.boolean() })
  .map(({ id, ...rest }) => ({ ...rest, ...(id === undefined ? {} : { id }) }))
const features: fc.Arbitrary<FeaturesSeen> = fc.record({ mechanisms: fc.constantFrom<string[]>([], ['EXTERNAL']), dialback: fc.boolean() })
  .map(some => ({ starttls: 'optional' as const, dialbackErrors: false, bidi: false, streamManagement: false, other: [], ...some }))
const chain: fc.Arbitrary<ChainSeen> = fc.constantFrom('trusted', 'self-signed', 'unknown-ca', 'incomplete', 'invalid')
  .map(trust => ({ sent: ['a'.repeat(64)], path: ['a'.repeat(64)], trust: trust as 'trusted', anchors: 'given' as const }))
const someEndpoint: fc.Arbitrary<EndpointObservation> = fc.record({
  address: fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.3'), kind: fc.constantFrom('starttls', 'direct'), source: fc.constantFrom('srv', 'fallback', 'override', 'port-probe'),
  stopped: fc.option(fc.record({ at: fc.constantFrom(...STAGES), failure }), { nil: undefined, freq: 3 }), header, headerAgain: fc.option(header, { nil: undefined }), featuresAgain: fc.option(features, { nil: undefined }),
  encrypted: fc.boolean(), chain: fc.option(chain, { nil: undefined }), clientCertificateRequested: fc.boolean(),
}).map(({ address, kind, source, stopped, header: head, headerAgain, featuresAgain, encrypted, chain: shown, clientCertificateRequested }) => endpoint(address, stopped?.failure, stopped?.at, {
  kind: kind as 'direct', source: source as 'srv', header: head,
  ...(headerAgain === undefined ? {} : { headerAgain }), ...(featuresAgain === undefined ? {} : { featuresAgain }), ...(shown === undefined ? {} : { chain: shown }),
  ...(encrypted ? { tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', sni: 'partner.example', clientCertificateRequested } } : {}),
}))
const answer = fc.record({ purpose: fc.constantFrom(...DNS_PURPOSES), outcome: fc.constantFrom(...DNS_OUTCOMES), target: fc.constantFrom('.', 'xmpp.partner.example', 'localhost') })
  .map(({ purpose, outcome, target }): Observation['dns'][number] => ({
    purpose, outcome, name: `${purpose}.partner.example`, type: 'SRV', resolver: '192.0.2.53:53', transport: 'udp', atMs: 0, ms: 1, authenticated: false, aliases: [], extended: [],
    records: outcome === 'answer' ? [{ type: 'SRV', ttl: 60, priority: 0, weight: 0, port: 5269, target }] : [],
  }))
const claim = fc.record({ endpoint: fc.constantFrom('192.0.2.1', '192.0.2.2'), role: fc.constantFrom('claim', 'control'), answer: fc.constantFrom('serves', 'denies', 'other-error', 'no-answer') })
  .map((given): Observation['claim'][number] => ({ to: 'ours.example', ms: 1, ...given }))
const some = fc.record({
  vantage: fc.constantFrom('here', 'there'), minute: fc.nat(12), endpoints: fc.array(someEndpoint, { maxLength: 3 }), dns: fc.array(answer, { maxLength: 4 }), claim: fc.array(claim, { maxLength: 3 }),
  clientCertificate: fc.boolean(),
}).map(({ minute, clientCertificate, ...rest }) => observation({ ...rest, startedAt: `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`, asked: { as: 'ours.example', clientCertificate } }))
const config: fc.Arbitrary<JudgeConfig> = fc.record({ profile: fc.constantFrom(...PROFILES), ours: fc.boolean(), expectedAddresses: fc.constantFrom([], ['192.0.2.1']), hostedBy: fc.constantFrom([], ['partner.example']) })
  .map(given => ({ ...DEFAULT_JUDGE_CONFIG, ...given }))

it('gives one verdict, which keeps its schema, whatever the order of what was seen', () => {
  const named = new Set<string>()
  fc.assert(fc.property(fc.array(some, { maxLength: 3 }), config, fc.infiniteStream(fc.nat(1000)), (observations, expected, random) => {
    const verdict = judge(observations, expected)
    expect(firstProblem(Verdict, verdict)).toBeUndefined()
    const shuffled = shuffle(observations, random).map(o => ({ ...o, endpoints: shuffle(o.endpoints, random), dns: shuffle(o.dns, random), claim: shuffle(o.claim, random) }))
    expect(judge(shuffled, expected)).toEqual(verdict)
    named.add(verdict.cause)
  }), { numRuns: 3000 })
  // The net is wide: what one vantage can prove without a certificate that can be read comes up.
  expect([...named].filter(cause => !CAUSES.some(known => known === cause))).toEqual([])
  expect(named.size).toBeGreaterThan(12)
})

function shuffle<T> (list: readonly T[], random: Iterator<number>): T[] {
  return list.map(each => ({ each, at: Number(random.next().value) })).toSorted((a, b) => a.at - b.at).map(({ each }) => each)
}
