import { CAUSES, DEFAULT_JUDGE_CONFIG, type EndpointObservation, type FeaturesSeen, type Failure, type Observation } from '@dialtone/contracts'
import { describe, expect, it } from 'vitest'
import { CAUSE_ROWS, ORDER, judge } from './index.ts'
import { endpoint, observation } from './test-support/observation.ts'

const REFUSED: Failure = { at: 'tcp', why: 'refused' }
const SILENT: Failure = { at: 'stream', why: 'went-silent', received: 0 }
const UNKNOWN_HOST: Failure = { at: 'stream', why: 'stream-error', condition: 'host-unknown' }
const POLICY: Failure = { at: 'stream', why: 'stream-error', condition: 'policy-violation' }
const of = (...endpoints: EndpointObservation[]): Observation => observation({ endpoints })
const causeOf = (...observations: Observation[]) => judge(observations, DEFAULT_JUDGE_CONFIG).cause

describe('the tables', () => {
  it('have a complete row for every cause', () => expect(Object.keys(CAUSE_ROWS).toSorted()).toEqual([...CAUSES].toSorted()))
  it('name in look-alikes only other causes', () => {
    for (const [cause, { lookAlikes }] of Object.entries(CAUSE_ROWS)) expect(lookAlikes.map(([other]) => other)).not.toContain(cause)
  })
  it('judge observer, claim, DNS, path, service, TLS, certificate, authentication, dialback and policy in this order, each cause once', () => {
    expect(new Set(ORDER).size).toBe(ORDER.length)
    const groups = ORDER.map(cause => cause === 'dialback.domain-claimed' ? 'claim' : cause.startsWith('peer.') ? (cause === 'peer.unreachable' ? 'path' : 'service') : cause.split('.')[0])
    expect(groups.filter((group, at) => group !== groups[at - 1])).toEqual(['vantage', 'claim', 'dns', 'path', 'service', 'tls', 'certificate', 'auth', 'dialback', 'policy', 'unknown'])
  })
})

describe('one endpoint', () => {
  it.each<[string, string, Failure]>([
    ['a refused port', 'peer.unreachable', REFUSED],
    ['a server without the domain', 'service.wrong-host', UNKNOWN_HOST],
    ['silence', 'service.silent', SILENT],
  ])('%s is %s', (_, cause, failure) => expect(causeOf(of(endpoint('192.0.2.1', failure)))).toBe(cause))

  it('says what to do about an address that may not be connected to', () => {
    const guarded = endpoint('10.0.0.1', { at: 'guard', why: 'address-refused', detail: '10.0.0.1 is private (10.0.0.0/8)' }, 'tcp')
    const verdict = judge([of(guarded)], DEFAULT_JUDGE_CONFIG)
    expect(verdict).toMatchObject({ cause: 'unknown', state: 'unknown', evidence: [{ endpoint: '10.0.0.1', text: 'not connected to: 10.0.0.1 is private (10.0.0.0/8)' }] })
    expect(verdict.remedy[0]).toContain('--allow-net')
  })

  it('does not believe that encryption is offered later when the peer demands it in clear', () => {
    const demanded: Failure = { at: 'stream', why: 'stream-error', condition: 'policy-violation', text: 'Use of STARTTLS required' }
    expect(causeOf(of(endpoint('192.0.2.1', demanded)))).toBe('tls.not-offered')
  })

  it('does not work in clear for a profile that demands certificates, alone or beside another', () => {
    const config = { ...DEFAULT_JUDGE_CONFIG, profile: 'expressway' as const }
    expect(judge([of(endpoint('192.0.2.1'))], config)).toMatchObject({ cause: 'tls.not-offered', state: 'down' })
    const encrypted = endpoint('192.0.2.2', undefined, undefined, { tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', sni: 'partner.example', clientCertificateRequested: true } })
    expect(judge([of(endpoint('192.0.2.1'), encrypted)], config)).toMatchObject({ cause: 'degraded.endpoint-dead', state: 'degraded' })
  })
})

describe('a peer that offers nothing after TLS', () => {
  const header = { id: 'i', version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: false }
  const features = { starttls: 'absent' as const, mechanisms: [], dialback: false, dialbackErrors: false, bidi: false, streamManagement: false, other: [] }
  const asking = endpoint('192.0.2.1', undefined, undefined, { tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', sni: 'partner.example', clientCertificateRequested: true }, header, headerAgain: header, featuresAgain: features })
  const unshown = observation({ endpoints: [asking] })
  const shown = observation({ vantage: 'there', endpoints: [asking], asked: { clientCertificate: true } })
  it('has not refused a certificate that nobody showed', () => {
    const { cause, state, sentence } = judge([unshown], DEFAULT_JUDGE_CONFIG)
    expect([cause, state]).toEqual(['auth.external-refused', 'unknown'])
    expect(sentence).toContain('it wants a certificate, and we had none to show')
  })
  it('has refused ours, whatever a vantage without one adds', () => {
    const { cause, state, sentence } = judge([unshown, shown], DEFAULT_JUDGE_CONFIG)
    expect([cause, state]).toEqual(['auth.external-refused', 'down'])
    expect(sentence).toContain('our certificate is not accepted')
    expect(judge([shown], DEFAULT_JUDGE_CONFIG).remedy.join(' ')).not.toContain('--key FILE')
  })
})

describe('two endpoints', () => {
  it('names the fault that the order puts first, whichever has it', () => {
    expect(causeOf(of(endpoint('192.0.2.1', SILENT), endpoint('192.0.2.2', REFUSED)))).toBe('peer.unreachable')
    expect(causeOf(of(endpoint('192.0.2.2', REFUSED), endpoint('192.0.2.1', SILENT)))).toBe('peer.unreachable')
  })
  it('calls a dead one beside a working one degraded', () => expect(causeOf(of(endpoint('192.0.2.1'), endpoint('192.0.2.2', REFUSED)))).toBe('degraded.endpoint-dead'))
  it('does not call an address family that it lacks dead', () => {
    expect(causeOf(of(endpoint('192.0.2.1'), endpoint('192.0.2.2', { at: 'probe', why: 'no-address-family' }, 'tcp')))).toBe('degraded.weak-authentication')
  })
  it('tells each fact once, with its places', () => {
    const { sentence } = judge([of(endpoint('192.0.2.1', REFUSED), endpoint('192.0.2.2', REFUSED), endpoint('192.0.2.3', { at: 'tcp', why: 'timeout' }))], DEFAULT_JUDGE_CONFIG)
    expect(sentence).toBe('partner.example: no advertised endpoint accepts a TCP connection (2 endpoints: TCP refused; xmpp.partner.example:5269, 192.0.2.3: TCP timeout).')
  })
  it('blames the endpoint that was tried, not the service whose records could not be asked for', () => {
    const dns: Observation['dns'] = [{ ...question('xmpps-server', 'servfail'), name: '_xmpps-server._tcp.partner.example', type: 'SRV' }]
    expect(causeOf({ ...of(endpoint('192.0.2.1', REFUSED)), dns })).toBe('peer.unreachable')
    expect(causeOf(observation({ dns }))).toBe('dns.servfail')
  })
})

describe('the claim question', () => {
  const claimed = (control: 'serves' | 'denies'): Observation => ({ ...of(endpoint('192.0.2.1')), claim: [claim('claim', 'serves'), claim('control', control)] })
  it('accuses nobody when the server answers for every name', () => expect(causeOf(claimed('serves'))).toBe('degraded.weak-authentication'))
  it('wins over everything that works', () => expect(causeOf(claimed('denies'))).toBe('dialback.domain-claimed'))
  it('accuses no provider that was named', () => {
    expect(judge([claimed('denies')], { ...DEFAULT_JUDGE_CONFIG, hostedBy: ['partner.example'] }).cause).toBe('degraded.weak-authentication')
  })
})

describe('records', () => {
  const srv = (target: string, port = 5269) => ({ type: 'SRV' as const, ttl: 60, priority: 0, weight: 0, port, target })
  const services = (...records: ReturnType<typeof srv>[]): Observation['dns'][number] => ({ ...question('xmpp-server', 'answer'), name: '_xmpp-server._tcp.partner.example', type: 'SRV', records })
  const absent = (name: string): Observation['dns'][number] => ({ ...question('target', 'nodata'), name, type: 'A' })
  const control = (outcome: Observation['dns'][number]['outcome']): Observation['dns'][number] => ({ ...question('control', outcome), name: '.', type: 'SOA' })

  it('that nobody can use are down, not unknown', () => {
    expect(judge([observation({ dns: [services(srv('xmpp.partner.example', 0))] })], DEFAULT_JUDGE_CONFIG)).toMatchObject({ cause: 'dns.no-records', state: 'down' })
    expect(judge([observation({ dns: [services(srv('not a host'))] })], DEFAULT_JUDGE_CONFIG)).toMatchObject({ cause: 'dns.target-unresolvable', state: 'down' })
  })
  it('prove nothing about targets that were not asked for', () => {
    const many = Array.from({ length: 12 }, (_, at) => srv(`xmpp${at}.partner.example`))
    const asked = many.slice(0, 10).map(({ target }) => absent(target))
    expect(judge([observation({ dns: [services(...many), ...asked] })], DEFAULT_JUDGE_CONFIG)).toMatchObject({ cause: 'unknown', sentence: expect.stringContaining('none of the first 10 SRV targets has an address, and 2 more were not asked for') as unknown })
    expect(causeOf(observation({ dns: [services(...many.slice(0, 10)), ...asked] }))).toBe('dns.target-unresolvable')
  })
  it("say no only when both services were answered for", () => {
    const dot = services(srv('.'))
    const direct = (outcome: Observation['dns'][number]['outcome']): Observation['dns'][number] => ({ ...question('xmpps-server', outcome), name: '_xmpps-server._tcp.partner.example', type: 'SRV' })
    expect(causeOf(observation({ dns: [dot, direct('nodata')] }))).toBe('dns.service-disabled')
    expect(causeOf(observation({ dns: [dot, direct('timeout'), control('answer')] }))).toBe('unknown')
  })
  it('of a resolver that fails for this domain alone say so', () => {
    const lies: Observation['dns'][number] = { ...question('xmpp-server', 'malformed'), name: '_xmpp-server._tcp.partner.example', type: 'SRV', detail: 'an answer to another question: evil.example' }
    const verdict = judge([observation({ dns: [lies, control('answer')] })], DEFAULT_JUDGE_CONFIG)
    expect(verdict).toMatchObject({ cause: 'unknown', state: 'unknown' })
    expect(verdict.sentence).toContain('the resolver gives no usable answer about this domain, and answers about others')
    expect(verdict.sentence).toContain('an answer to another question: evil.example')
    expect(verdict.remedy.join(' ')).toContain('dialtone check partner.example --resolver')
    expect(causeOf(observation({ dns: [lies, control('malformed')] }))).toBe('dns.resolver-unavailable')
  })
  it('of a named endpoint are its addresses alone', () => {
    const named = { asked: { overrides: ['h.example:5269'] } }
    expect(causeOf(observation({ ...named, dns: [{ ...absent('h.example'), outcome: 'nxdomain' }] }))).toBe('dns.target-unresolvable')
    expect(causeOf(observation({ ...named, dns: [{ ...absent('h.example'), outcome: 'timeout' }, control('timeout')] }))).toBe('dns.resolver-unavailable')
    expect(judge([observation({ ...named, endpoints: [endpoint('192.0.2.1', REFUSED)] })], { ...DEFAULT_JUDGE_CONFIG, expectedAddresses: ['192.0.2.9'] }).cause).toBe('peer.unreachable')
  })
  it('are compared as addresses, not as text', () => {
    const six = endpoint('2001:db8::1', REFUSED, 'tcp', { family: 6 })
    expect(judge([of(six)], { ...DEFAULT_JUDGE_CONFIG, expectedAddresses: ['2001:db8:0:0::1'] }).cause).toBe('peer.unreachable')
    expect(judge([of(six)], { ...DEFAULT_JUDGE_CONFIG, expectedAddresses: ['2001:db8::2'] }).cause).toBe('dns.address-unexpected')
  })
})

describe('what was not seen', () => {
  const tls = { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', sni: 'partner.example', clientCertificateRequested: true }
  const guarded = endpoint('10.0.0.1', { at: 'guard', why: 'address-refused' }, 'tcp')
  it('is no endpoint that works', () => {
    const verdict = judge([of(endpoint('192.0.2.1', undefined, undefined, { tls }), guarded)], DEFAULT_JUDGE_CONFIG)
    expect(verdict).toMatchObject({ cause: 'healthy', state: 'up' })
    expect(verdict.sentence).toContain('succeeded on 1 of 2 advertised endpoints')
    expect(verdict.untested.map(({ needs }) => needs).join(' ')).toContain('--allow-net')
  })
  it('is no certificate that is good', () => {
    const digest = 'a'.repeat(64)
    const shown = endpoint('192.0.2.1', undefined, undefined, { tls, chain: { sent: [digest], path: [digest], trust: 'trusted', anchors: 'given' } })
    expect(judge([of(shown)], DEFAULT_JUDGE_CONFIG)).toMatchObject({ cause: 'unknown', state: 'unknown' })
    expect(judge([{ ...of(shown), certificates: { [digest]: { der: 'AAAA', sha512: '', spkiSha256: digest, spkiSha512: '' } } }], DEFAULT_JUDGE_CONFIG).cause).toBe('unknown')
  })
})

describe('in clear', () => {
  const header = { id: 'x', version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: false }
  const features: FeaturesSeen = { starttls: 'absent', mechanisms: ['PLAIN'], dialback: false, dialbackErrors: false, bidi: false, streamManagement: false, other: [] }
  const offers = (given: Partial<Parameters<typeof endpoint>[3]>) => causeOf(of(endpoint('192.0.2.1', undefined, undefined, { header, features: { ...features, mechanisms: [] }, ...given })))
  it('only dialback authenticates', () => {
    expect(offers({})).toBe('auth.none-offered')
    expect(offers({ features: { ...features, mechanisms: ['EXTERNAL', 'PLAIN'] } })).toBe('auth.none-offered')
    expect(offers({ features: { ...features, mechanisms: [], dialback: true } })).toBe('degraded.weak-authentication')
    expect(offers({ header: { ...header, dialbackNamespace: true } })).toBe('degraded.weak-authentication')
  })
})

it('nobody claims a domain by serving itself', () => {
  const claim = (['claim', 'control'] as const).map(role => ({ endpoint: '192.0.2.1', role, to: 'partner.example', answer: role === 'claim' ? 'serves' as const : 'denies' as const, ms: 1 }))
  expect(causeOf(observation({ asked: { as: 'partner.example' }, endpoints: [endpoint('192.0.2.1')], claim }))).toBe('degraded.weak-authentication')
  expect(causeOf(observation({ asked: { as: 'ours.example' }, endpoints: [endpoint('192.0.2.1')], claim }))).toBe('dialback.domain-claimed')
})

describe('a refusal in our name', () => {
  const refusedAt = (startedAt: string, vantage = 'here') => observation({ startedAt, vantage, asked: { as: 'ours.example' }, endpoints: [endpoint('192.0.2.1', POLICY)] })
  const [first, soon, later] = [refusedAt('2026-01-01T00:00:00Z'), refusedAt('2026-01-01T00:04:59Z'), refusedAt('2026-01-01T00:05:00Z')]
  it('is no policy yet', () => expect(judge([first], DEFAULT_JUDGE_CONFIG)).toMatchObject({ cause: 'peer.busy', state: 'degraded' }))
  it('is none within the retry window', () => expect(causeOf(first, soon)).toBe('peer.busy'))
  it('is policy when it is repeated after it', () => {
    expect(judge([first, later], DEFAULT_JUDGE_CONFIG)).toMatchObject({ cause: 'policy.refused-by-peer', state: 'down', confidence: 'single-vantage' })
    expect(causeOf(later, first)).toBe('policy.refused-by-peer')
  })
  it('is forgotten once it works', () => {
    expect(causeOf(first, { ...of(endpoint('192.0.2.1')), startedAt: '2026-01-01T01:00:00Z' })).toBe('degraded.weak-authentication')
  })
  it('proves nothing about anybody when nobody was named', () => expect(causeOf(of(endpoint('192.0.2.1', POLICY)))).toBe('unknown'))
})

describe('several vantages', () => {
  const works = of(endpoint('192.0.2.1'))
  const fails = { ...of(endpoint('192.0.2.1', REFUSED)), vantage: 'there' }
  const deaf: Observation = observation({ vantage: 'there', dns: [{ ...question('control', 'timeout'), name: '.', type: 'SOA' }] })
  it('are a partition when they disagree', () => {
    expect(causeOf(works, fails)).toBe('peer.partition')
    expect(causeOf(fails, works)).toBe('peer.partition')
  })
  it('are none when one has a broken resolver', () => {
    expect(causeOf(works, deaf)).toBe('degraded.weak-authentication')
    expect(judge([deaf], DEFAULT_JUDGE_CONFIG)).toMatchObject({ cause: 'dns.resolver-unavailable', state: 'unknown', side: 'observer' })
  })
  it('prove what all of them see, and make likely what some see', () => {
    expect(judge([{ ...fails, vantage: 'here' }, fails], DEFAULT_JUDGE_CONFIG)).toMatchObject({ cause: 'peer.unreachable', confidence: 'proved', evidence: [{ vantage: 'here' }, { vantage: 'there' }] })
    expect(judge([{ ...fails, vantage: 'here' }, { ...of(endpoint('192.0.2.1', SILENT)), vantage: 'there' }], DEFAULT_JUDGE_CONFIG).confidence).toBe('likely')
    expect(judge([fails], DEFAULT_JUDGE_CONFIG).confidence).toBe('single-vantage')
  })
})

it('names the domain, and ours, in what to do', () => {
  const verdict = judge([observation({ asked: { as: 'ours.example' }, endpoints: [endpoint('192.0.2.1', POLICY)] })], DEFAULT_JUDGE_CONFIG)
  expect(verdict.remedy.join(' ')).toContain('dialtone check partner.example --as ours.example')
  expect(verdict.remedy.join(' ')).not.toMatch(/DOMAIN|OURS/)
})

function claim (role: 'claim' | 'control', answer: 'serves' | 'denies'): Observation['claim'][number] {
  return { endpoint: '192.0.2.1', role, to: 'ours.example', answer, ms: 1 }
}

function question (purpose: Observation['dns'][number]['purpose'], outcome: Observation['dns'][number]['outcome']) {
  return { purpose, outcome, resolver: '192.0.2.53:53', transport: 'udp' as const, atMs: 0, ms: 1, authenticated: false, records: [], aliases: [], extended: [] }
}
