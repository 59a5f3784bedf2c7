// Who is heard, whom to believe where they contradict each other, and what a resolver that fails proves.
import type { EndpointObservation, Witness } from '@dialtone/contracts'
import { describe, expect, it } from 'vitest'
import { judgeDomain, reachOf } from '../index.ts'
import { connection, features, inOurName, keyed, listener, own, probed, shared } from '../test-support/deep.ts'
import { chain } from '../test-support/certificates.ts'
import { CONFIG, HOST_UNKNOWN, INTERNAL, PUBLIC, REFUSED, SILENT, TIMEOUT, clear, deaf, domainOf, internal, look, no, pairOf, published, reaching, records, stopped, well } from '../test-support/fleet.ts'
import { outboundBlocked } from './reach.ts'

const PEER = '198.51.100.11'
const dead = stopped(PUBLIC, TIMEOUT)

describe('who is heard', () => {
  it('nobody: nothing is known', () => {
    expect(domainOf([])).toMatchObject({ cause: 'unknown', state: 'unknown', sentence: 'ours.example: nobody has looked yet.', wouldDecide: ['any vantage that looks at the domain'] })
    expect(pairOf([])).toMatchObject({ out: { cause: 'unknown' }, in: { cause: 'unknown' } })
  })
  it('of one vantage the latest, whenever it comes', () => {
    const [first, later] = [published('out1', dead, { at: '2026-01-01T00:00:00Z' }), published('out1', well(PUBLIC), { at: '2026-01-01T00:01:00Z' })]
    expect(domainOf([first, later]).cause).toBe('healthy')
    expect(domainOf([later, first]).cause).toBe('healthy')
  })
  it('no agent that was itself the problem, which is told', () => {
    const aside: Witness = { ...published('out2', dead), aside: 'uplink' }
    expect(domainOf([published('out1'), aside])).toMatchObject({ cause: 'healthy', confidence: 'single-vantage', setAside: [{ vantage: 'out2', why: 'its own uplink or route is down' }] })
    expect(domainOf([aside])).toMatchObject({ cause: 'vantage.unhealthy', state: 'unknown', side: 'observer', setAside: [{ vantage: 'out2' }] })
    expect(reachOf('partner.example', [{ ...look('control', 'out1', well(PEER, 'partner')), aside: 'clock' }])).toMatchObject({ outside: 'untried' })
  })
  it('two on one network as one', () => {
    expect(domainOf([published('out1', dead), published('out1-twin', dead)])).toMatchObject({ cause: 'peer.unreachable', confidence: 'single-vantage', agreement: { outside: 1, outsideAgree: 1 } })
    expect(domainOf([published('out1', dead), published('out2', dead)])).toMatchObject({ cause: 'peer.unreachable', confidence: 'proved', agreement: { outside: 2, outsideAgree: 2 } })
  })
  it('nobody who asked about another domain or for somebody else', () => {
    expect(domainOf([published('out1'), published('out2', dead, { domain: 'second.example' })]).agreement.outside).toBe(1)
    expect(pairOf([look('peer', 'in1', stopped(PEER, REFUSED, 'partner'), { as: 'second.example' })]).out.cause).toBe('unknown')
  })
})

describe('what a deep check found', () => {
  const deepAt = (at: string, answer: 'valid' | 'invalid') => {
    const endpoints = [well(PEER, 'partner')]
    const ids = { endpoint: endpoints[0]?.id ?? '' }
    const { deep } = shared([keyed({ answer: { type: answer } }, undefined, ids), own({ type: 'invalid' })], {}, { endpoints })
    return look('peer', 'in1', { endpoints, ...(deep === undefined ? {} : { deep }) }, { at })
  }
  const light = (seen = well(PEER, 'partner')) => look('peer', 'in1', seen, { at: '2026-01-01T00:10:00Z' })
  it('stands until the next one, while light checks go well', () => {
    const found = pairOf([deepAt('2026-01-01T00:00:00Z', 'invalid')]).out.cause
    expect(found).toBe('dialback.denied')
    expect(pairOf([deepAt('2026-01-01T00:00:00Z', 'invalid'), light()]).out.cause).toBe(found)
    expect(pairOf([light(), deepAt('2026-01-01T00:00:00Z', 'invalid')]).out.cause).toBe(found)
  })
  it('excuses an endpoint that refuses who does not authenticate, and none that is not reached', () => {
    const endpoints = [well(PEER, 'partner')]
    const id = endpoints[0]?.id ?? ''
    const { deep } = shared([keyed({ answer: { type: 'valid' } }, undefined, { endpoint: id }), own({ type: 'valid' })], {}, { endpoints })
    const joined = (endpoint: ReturnType<typeof well>) => look('peer', 'in1', { endpoints: [{ ...endpoint, id }], ...(deep === undefined ? {} : { deep }) })
    expect(pairOf([joined(well(PEER, 'partner'))]).out.cause).toBe('healthy')
    for (const failure of [REFUSED, TIMEOUT]) expect(pairOf([joined(stopped(PEER, failure, 'partner'))]).out.cause).toBe('peer.unreachable')
  })
  it('goes behind what stops even light checks', () => {
    const stops = light(stopped(PEER, REFUSED, 'partner'))
    expect(pairOf([deepAt('2026-01-01T00:00:00Z', 'invalid'), stops]).out.cause).toBe('peer.unreachable')
    const endpoints = [well(PEER, 'partner')]
    const { deep } = probed({ as: 'ours.example', listener: listener({ domain: 'ours.example' }), connections: [inOurName(keyed({ answer: { type: 'invalid' } }, undefined, { endpoint: endpoints[0]?.id ?? '' }))] })
    const claimed = look('peer', 'in1', { endpoints, ...(deep === undefined ? {} : { deep }) })
    expect(pairOf([claimed, light()]).out).toMatchObject({ cause: 'dialback.domain-claimed', confidence: 'likely' })
    expect(pairOf([claimed, stops]).out.cause).toBe('peer.unreachable')
  })
  it('is replaced by the next one', () => {
    expect(pairOf([deepAt('2026-01-01T00:00:00Z', 'invalid'), deepAt('2026-01-01T00:05:00Z', 'valid'), light()])).toMatchObject({ out: { cause: 'dialback.denied', state: 'degraded' } })
  })
  it('of our own endpoints counts for our domain, from whichever peer it was asked', () => {
    expect(domainOf([internal('in1'), published('out1'), deepAt('2026-01-01T00:00:00Z', 'invalid')])).toMatchObject({ cause: 'dialback.denied', state: 'down', side: 'ours' })
  })
})

describe('a dialback that nobody concludes', () => {
  const silent = (vantage: string) => {
    const endpoints = [well(PEER, 'partner')]
    const { deep } = shared([keyed({ waitedMs: 95_000 }, undefined, { endpoint: endpoints[0]?.id ?? '' }), own(TIMEOUT)], {}, { endpoints })
    return look('peer', vantage, { endpoints, ...(deep === undefined ? {} : { deep }) })
  }
  it('is not known to be a closed way in, because those inside do not reach our public address', () => {
    expect(pairOf([silent('in1')]).out).toMatchObject({ cause: 'unknown', state: 'unknown', sentence: expect.stringContaining('whether it called back is not known') })
    expect(pairOf([silent('in1')], { own: domainOf([internal('in1'), published('out1')]) }).in).toMatchObject({ cause: 'healthy', confidence: 'likely' })
    expect(pairOf([silent('out1')]).out).toMatchObject({ cause: 'dialback.callback-blocked', confidence: 'likely' })
    const closed = domainOf([internal('in1'), published('out1', dead)])
    expect(pairOf([silent('in1')], { own: closed }).out).toMatchObject({ cause: 'path.inbound-blocked', state: 'down' })
  })
})

describe('who answers for our domain', () => {
  const claiming = (address: string) => {
    const endpoints = [well(address, 'partner')]
    const ask = (role: 'claim' | 'control', answer: 'serves' | 'denies') => ({ endpoint: endpoints[0]?.id ?? '', role, to: role === 'claim' ? 'ours.example' : 'made-up.invalid', answer, ms: 1 })
    return look('peer', 'in1', { endpoints, claim: [ask('claim', 'serves'), ask('control', 'denies')] })
  }
  it('claims it, unless it is its host, or stands at an address of ours', () => {
    expect(pairOf([claiming(PEER)])).toMatchObject({ out: { cause: 'dialback.domain-claimed', side: 'peer' }, in: { cause: 'dialback.domain-claimed' } })
    expect(pairOf([claiming(PEER)], { config: { ...CONFIG, hostedBy: ['partner.example'] } }).out.cause).toBe('healthy')
    expect(pairOf([claiming(PUBLIC)], { config: { ...CONFIG, expectedAddresses: [PUBLIC] } }).out.cause).toBe('healthy')
  })
})

describe('who contradicts', () => {
  it('is told where each came through and each did not', () => {
    const verdict = domainOf([published('out1'), published('out2', dead), published('out3', stopped(PUBLIC, SILENT))])
    expect(verdict).toMatchObject({ cause: 'peer.partition', state: 'degraded' })
    expect(verdict.sentence).toContain('it works from out1, and not from out2, out3')
  })
  it('among those who do not get through leaves it likely', () => {
    expect(domainOf([internal('in1'), published('out1', dead), published('out2', stopped(PUBLIC, HOST_UNKNOWN))])).toMatchObject({ state: 'down', confidence: 'likely' })
    expect(domainOf([internal('in1'), published('out1', dead), published('out2', stopped(PUBLIC, REFUSED))])).toMatchObject({ cause: 'path.inbound-blocked', confidence: 'proved' })
  })
  it('inside, about the service itself, leaves the closed way in likely', () => {
    expect(domainOf([internal('in1'), internal('in2', stopped(INTERNAL, REFUSED)), published('out1', dead)])).toMatchObject({ cause: 'path.inbound-blocked', confidence: 'likely' })
  })
  it('by what its resolver says is a partition as well', () => {
    expect(domainOf([published('out1'), published('out2', { dns: [no('xmpp-server', 'nxdomain'), no('existence', 'nxdomain')], endpoints: [] })])).toMatchObject({ cause: 'peer.partition' })
  })
  it('because its server is in another place is no split view', () => {
    const inside = published('in1', { endpoints: [well(INTERNAL)], dns: records('ours.example', [INTERNAL]) })
    expect(domainOf([inside, published('out1')]).cause).toBe('dns.split-view')
    expect(domainOf([inside, published('out1')], { config: { ...CONFIG, splitViewExpected: true } }).cause).toBe('healthy')
    expect(domainOf([inside], { config: { ...CONFIG, splitViewExpected: true, expectedAddresses: [PUBLIC] } }).cause).toBe('healthy')
    expect(domainOf([inside, published('out1'), published('out2', { endpoints: [well('203.0.113.20')], dns: records('ours.example', ['203.0.113.20']) })]).cause).toBe('healthy')
  })
  it('because it trusts another authority has found no other certificate', () => {
    expect(domainOf([internal('in1'), published('out1', well(PUBLIC, 'ours', { chain: chain('ours', 'unknown-ca') }))])).toMatchObject({ cause: 'certificate.untrusted', state: 'degraded' })
  })
  it('about encryption that a server in clear never had has found no interference', () => {
    const broken = stopped(PUBLIC, { at: 'tls', why: 'protocol' })
    expect(domainOf([internal('in1', clear(INTERNAL)), published('out1', broken)])).toMatchObject({ cause: 'tls.handshake-failed' })
    expect(domainOf([internal('in1'), published('out1', broken)])).toMatchObject({ cause: 'path.interfered', state: 'down' })
  })
  it('about encryption that the server demands and does not seem to offer has', () => {
    const demanded = stopped(PUBLIC, { at: 'stream', why: 'stream-error', condition: 'policy-violation', text: 'Use of STARTTLS required' }, 'ours', 'starttls')
    const seen = { ...demanded, features: features({ starttls: 'absent' }), header: { id: 'i', contentNamespace: 'jabber:server', dialbackNamespace: true } }
    expect(domainOf([internal('in1'), published('out1', seen)])).toMatchObject({ cause: 'path.interfered', state: 'down', ruledOut: [{ cause: 'tls.not-offered' }] })
    expect(domainOf([published('out1', seen)]).cause).toBe('tls.not-offered')
  })
  it('about the certificate has, even where the server then turns everybody away who shows none', () => {
    const turnedAway = (given: Partial<EndpointObservation> = {}) => {
      const { featuresAgain: _, ...seen } = well(PEER, 'partner', given)
      return { ...seen, steps: stopped(PEER, { at: 'stream', why: 'stream-error', condition: 'not-authorized' }, 'partner', 'features-again').steps }
    }
    const other = turnedAway({ chain: chain('partner', 'unknown-ca', true) })
    const from = (vantage: string, seen: EndpointObservation) => look('peer', vantage, seen)
    expect(pairOf([from('in1', other), from('out1', turnedAway())]).out).toMatchObject({ cause: 'path.interfered', state: 'down', side: 'path' })
    expect(pairOf([from('in1', turnedAway()), from('out1', turnedAway())]).out.cause).toBe('auth.external-refused')
    expect(pairOf([from('in1', other), from('out1', other)]).out.cause).not.toBe('path.interfered')
    expect(pairOf([from('in1', turnedAway()), from('out1', other)]).out.cause).toBe('auth.external-refused')
  })
  it('by another word of the server itself is told as that', () => {
    expect(domainOf([internal('in1'), published('out1', stopped(PUBLIC, { at: 'stream', why: 'stream-error', condition: 'resource-constraint' }))])).toMatchObject({ cause: 'peer.busy' })
  })
  it('about records cannot be gainsaid by who was told where to connect', () => {
    const config = { ...CONFIG, expectedAddresses: [PUBLIC] }
    const beside = [well(PUBLIC), well('203.0.113.99')]
    expect(domainOf([internal('in2'), published('in1', beside)], { config })).toMatchObject({ cause: 'dns.address-unexpected', state: 'degraded', confidence: 'single-vantage' })
  })
  it('about an address that nobody inside can try has found it dead', () => {
    const V6 = '2001:db8::1'
    const four = well(PEER, 'partner')
    const cannot = look('peer', 'in1', [four, stopped(V6, { at: 'probe', why: 'no-address-family' }, 'partner', 'tcp')])
    const without = look('peer', 'out1', [four, stopped(V6, TIMEOUT, 'partner')])
    const within = look('peer', 'out2', [four, well(V6, 'partner')])
    expect(pairOf([cannot, without]).out).toMatchObject({ cause: 'degraded.endpoint-dead', state: 'degraded', side: 'peer', confidence: 'single-vantage' })
    expect(pairOf([cannot, without, look('peer', 'out2', [four, stopped(V6, REFUSED, 'partner')])]).out).toMatchObject({ cause: 'degraded.endpoint-dead', confidence: 'proved' })
    // One of them gets through: whose way it is, is not known.
    expect(pairOf([cannot, without, within]).out.cause).toBe('healthy')
    // Who can try it inside, is believed.
    expect(pairOf([look('peer', 'in1', [four, well(V6, 'partner')]), without]).out.cause).toBe('healthy')
  })
  it('about one endpoint of two has found a dead one, not a way that is altered', () => {
    expect(domainOf([internal('in1'), published('out1', [well(PUBLIC), stopped('203.0.113.11', SILENT)])])).toMatchObject({ cause: 'degraded.endpoint-dead' })
  })
})

describe('what was thought and is not so', () => {
  it('is told with the reason', () => {
    expect(domainOf([internal('in1'), published('out1', dead)]).ruledOut).toEqual([{ cause: 'peer.unreachable', because: 'inside vantages reach the service' }, { cause: 'service.down', because: 'it answers inside vantages' }])
  })
  it('explains the missing hairpin, and does not call it a fault', () => {
    const verdict = domainOf([internal('in1'), published('in1', dead), published('out1')])
    expect(verdict).toMatchObject({ cause: 'healthy', state: 'up', ruledOut: [{ cause: 'peer.unreachable', because: 'outside vantages reach the public address' }] })
    expect(verdict.sentence).toContain('which is harmless')
    expect(verdict.evidence).toContainEqual({ text: 'TCP timeout, from inside: no hairpin', endpoint: dead.id, vantage: 'in1' })
  })
})

describe('a resolver that fails', () => {
  const sharing = { from: { sharesResolverWith: ['ours.example'] } }
  it('is down and ours where our server asks the same one, also when one vantage is all there is', () => {
    expect(domainOf([published('in1', deaf(), sharing)])).toMatchObject({ cause: 'dns.resolver-unavailable', state: 'down', side: 'ours', confidence: 'single-vantage' })
    expect(domainOf([look('peer', 'in1', deaf('partner.example'), sharing), internal('in1'), published('out1')])).toMatchObject({ cause: 'dns.resolver-unavailable', state: 'down', side: 'ours' })
  })
  it('is ours where no vantage at all gets an answer', () => {
    expect(domainOf([published('in1', deaf()), published('out1', deaf())])).toMatchObject({ cause: 'dns.resolver-unavailable', state: 'down', side: 'ours', confidence: 'proved' })
    expect(domainOf([published('out1', deaf()), published('out1-twin', deaf())])).toMatchObject({ cause: 'dns.resolver-unavailable', state: 'unknown', side: 'observer', confidence: 'single-vantage' })
  })
  it('is told where it may be ours, and nobody has said so', () => {
    const verdict = domainOf([internal('in1'), published('in1', deaf()), published('out1')])
    expect(verdict).toMatchObject({ cause: 'healthy', state: 'up', wouldDecide: ['whether our server asks the resolver of in1: sharesResolverWith of the vantage'] })
    expect(verdict.sentence).toContain('the resolver of in1 gives no answer')
  })
  it('is nobody’s business where others can ask', () => {
    expect(domainOf([published('out1'), published('out2', deaf())])).toMatchObject({ cause: 'healthy', confidence: 'single-vantage' })
    expect(domainOf([internal('in1'), published('in1', deaf()), published('out1', dead)])).toMatchObject({ cause: 'path.inbound-blocked' })
  })
  it('proves nothing where another who shares it gets answers, or it has answered since', () => {
    expect(domainOf([published('in1', deaf(), sharing), published('in2', well(PUBLIC), sharing), published('out1')]).cause).toBe('healthy')
    expect(domainOf([published('in1', deaf(), sharing), look('peer', 'in1', well(PEER, 'partner'), { ...sharing, at: '2026-01-01T00:01:00Z' }), published('out1')]).cause).toBe('healthy')
  })
  it('hides from nobody that a peer is dead for everybody else', () => {
    expect(pairOf([look('peer', 'in1', deaf('partner.example')), look('control', 'out1', stopped(PEER, TIMEOUT, 'partner'))]).out).toMatchObject({ cause: 'peer.unreachable' })
    expect(pairOf([look('peer', 'in1', deaf('partner.example')), look('control', 'out1', well(PEER, 'partner'))]).out).toMatchObject({ cause: 'dns.resolver-unavailable', state: 'unknown' })
  })
})

describe('our way out', () => {
  it('is closed when two peers in different networks are reached from outside and none from inside', () => {
    expect(outboundBlocked(reaching('unreached', 'reached'))).toEqual(['partner.example', 'second.example'])
    expect(outboundBlocked(reaching('unreached', 'reached').map(each => ({ ...each, networks: ['198.51.100.0/24'] })))).toBeUndefined()
    const [first, second] = [['198.51.100.0/24'], ['198.51.100.0/24', '192.0.2.0/24']]
    expect(outboundBlocked(reaching('unreached', 'reached').map((each, at) => ({ ...each, networks: (at === 0 ? first : second) ?? [] })))).toBeUndefined()
    expect(outboundBlocked([{ peer: 'a.example', networks: ['198.51.100.0/24', '192.0.2.0/24'], inside: 'unreached', outside: 'reached' }, ...reaching('unreached', 'reached')])).toEqual(['partner.example', 'second.example'])
    expect(outboundBlocked(reaching('unreached', 'unreached'))).toBeUndefined()
    expect(outboundBlocked([...reaching('unreached', 'reached'), { peer: 'third.example', networks: ['203.0.113.0/24'], inside: 'reached', outside: 'untried' }])).toBeUndefined()
  })
  it('is told by where a peer was reached from, and in which networks it stands', () => {
    const v6 = { ...well('2001:db8::1', 'partner'), family: 6 as const }
    expect(reachOf('partner.example', [look('peer', 'in1', stopped(PEER, TIMEOUT, 'partner')), look('control', 'out1', [well(PEER, 'partner'), v6]), look('control', 'out2', stopped(PEER, REFUSED, 'partner'))]))
      .toEqual({ peer: 'partner.example', networks: ['198.51.100.0/24', '20010db80000/48'], inside: 'unreached', outside: 'reached' })
    expect(reachOf('partner.example', [])).toEqual({ peer: 'partner.example', networks: [], inside: 'untried', outside: 'untried' })
    expect(reachOf('partner.example', [look('peer', 'in1', stopped(PEER, TIMEOUT, 'partner')), look('peer', 'in1', well(PEER, 'partner'), { at: '2026-01-01T00:01:00Z' })]).inside).toBe('reached')
  })
  it('as our own server sees it: it takes a connection of the probe, and cannot call it back', () => {
    const callbackFails = (vantage: string, answer: Parameters<typeof keyed>[0] = { answer: { type: 'error', condition: 'remote-connection-failed' } }) => {
      const endpoints = [well(PUBLIC)]
      const { deep } = probed({ connections: [keyed(answer, undefined, { endpoint: endpoints[0]?.id ?? '', pair: { from: 'probe.example', to: 'ours.example' } })] })
      return published(vantage, { endpoints, ...(deep === undefined ? {} : { deep }) })
    }
    expect(domainOf([internal('in1'), callbackFails('out1')])).toMatchObject({ cause: 'dialback.callback-blocked', state: 'degraded', confidence: 'likely' })
    expect(domainOf([internal('in1'), callbackFails('out1'), callbackFails('out2')])).toMatchObject({ cause: 'dialback.callback-blocked', state: 'down', confidence: 'proved' })
    expect(domainOf([internal('in1'), callbackFails('out1'), callbackFails('out2', { answer: { type: 'valid' } })])).toMatchObject({ cause: 'peer.partition', state: 'degraded' })
    expect(domainOf([callbackFails('out1')]).sentence).toContain('does not get through to the probe')
  })
  it('without an SRV record, whose web site answers nobody: there are no records, whatever address is expected', () => {
    const seen = (config: Partial<typeof CONFIG>, failure: typeof REFUSED) => {
      const web = { ...stopped('203.0.113.80', failure), source: 'fallback' as const }
      return domainOf([internal('in1'), published('out1', { dns: [no('xmpp-server', 'nxdomain'), no('xmpps-server', 'nxdomain')], endpoints: [web] })], { config: { ...CONFIG, ...config } }).cause
    }
    expect([seen({}, REFUSED), seen({ expectedAddresses: [PUBLIC] }, REFUSED), seen({ expectedAddresses: [PUBLIC] }, TIMEOUT)]).toEqual(['dns.no-records', 'dns.no-records', 'dns.no-records'])
  })
  it('of which a probe says that its own domain is claimed: that is nothing of ours', () => {
    const endpoints = [well(PUBLIC)]
    const { deep } = probed({ connections: [keyed({ answer: { type: 'invalid' } }, undefined, { endpoint: endpoints[0]?.id ?? '', pair: { from: 'probe.example', to: 'ours.example' } })] })
    const seen = (vantage: string) => published(vantage, { endpoints, ...(deep === undefined ? {} : { deep }) })
    expect(domainOf([internal('in1'), seen('out1'), seen('out2')])).toMatchObject({ cause: 'healthy', state: 'up' })
  })
  it('whatever a probe inside says of callbacks: the firewall need not lead them back in', () => {
    const endpoints = [well(INTERNAL)]
    const { deep } = probed({ connections: [keyed({}, SILENT, { endpoint: endpoints[0]?.id ?? '', pair: { from: 'probe.example', to: 'ours.example' } })] })
    const uncalled = internal('in1', { endpoints, ...(deep === undefined ? {} : { deep }) })
    expect(domainOf([uncalled, published('out1')])).toMatchObject({ cause: 'healthy', state: 'up' })
    expect(domainOf([uncalled, published('in1', stopped(PUBLIC, TIMEOUT))])).toMatchObject({ cause: 'unknown' })
  })
})

describe('what is wanted', () => {
  it('explains what is stopped, of the domain and of its pairs', () => {
    const config = { ...CONFIG, stoppedByUs: 'gateway edge is draining' }
    expect(domainOf([published('out1', dead)], { config })).toMatchObject({ cause: 'policy.refused-by-us', state: 'down', side: 'ours', sentence: 'ours.example: stopped on purpose: gateway edge is draining.' })
    expect(pairOf([look('peer', 'in1', well(PEER, 'partner'))], { config })).toMatchObject({ out: { cause: 'policy.refused-by-us' }, in: { cause: 'policy.refused-by-us' } })
  })
})

it('keeps a bounded number of facts', () => {
  const many = Array.from({ length: 40 }, (_, at) => stopped(`203.0.113.${at + 100}`, TIMEOUT))
  const { evidence, cause } = domainOf([internal('in1'), ...['out1', 'out2', 'out3', 'out4'].map(vantage => published(vantage, many))])
  expect(cause).toBe('path.inbound-blocked')
  expect(evidence).toHaveLength(101)
  expect(evidence.at(-1)).toEqual({ text: 'and 61 more' })
})

describe('a peer', () => {
  it('that is broken never makes our domain down', () => {
    const peers = [look('peer', 'in1', stopped(PEER, REFUSED, 'partner')), look('control', 'out1', stopped(PEER, REFUSED, 'partner'))]
    const ownVerdict = domainOf([internal('in1'), published('out1'), ...peers], { reach: [reachOf('partner.example', peers)] })
    expect(ownVerdict).toMatchObject({ cause: 'healthy', state: 'up' })
    expect(pairOf(peers, { own: ownVerdict }).out).toMatchObject({ cause: 'peer.unreachable', side: 'peer', confidence: 'proved' })
  })
  it('that is dead for everybody is no proof about our way out', () => {
    const peers = [look('peer', 'in1', stopped(PEER, TIMEOUT, 'partner')), look('control', 'out1', stopped(PEER, TIMEOUT, 'partner'))]
    const others = reaching('unreached', 'reached').map(({ peer, ...rest }) => ({ ...rest, peer: `other-${peer}` }))
    expect(pairOf(peers, { reach: others }).out.cause).toBe('peer.unreachable')
    expect(pairOf(peers.slice(0, 1), { reach: others }).out).toMatchObject({ cause: 'path.outbound-blocked', confidence: 'likely' })
  })
  it('on an unusual port that only we do not reach is blocked on our way, and its records are right', () => {
    const odd = [{ ...stopped(PEER, TIMEOUT, 'partner'), port: 5369 }, { ...well(PEER, 'partner'), id: 'probe', source: 'port-probe' as const }]
    expect(pairOf([look('peer', 'in1', odd)]).out.cause).toBe('dns.port-unexpected')
    expect(pairOf([look('peer', 'in1', odd), look('control', 'out1', odd)], { reach: reaching('reached', 'reached') }).out.cause).toBe('dns.port-unexpected')
    expect(pairOf([look('peer', 'in1', odd), look('control', 'out1', { ...well(PEER, 'partner'), port: 5369 })], { reach: reaching('reached', 'reached') }).out.cause).toBe('path.peer-blocked')
  })
  it('that cannot call back, while our own domain is well, has its own trouble; one that did has reached us', () => {
    const deep = (answer: Parameters<typeof keyed>[0]) => {
      const endpoints = [well(PEER, 'partner')]
      const { deep: seen } = shared([keyed(answer, undefined, { endpoint: endpoints[0]?.id ?? '' })], {}, { endpoints })
      return look('peer', 'in1', { endpoints, ...(seen === undefined ? {} : { deep: seen }) })
    }
    const ownVerdict = domainOf([internal('in1'), published('out1')])
    expect(pairOf([deep({ answer: { type: 'error', condition: 'remote-connection-failed' } })], { own: ownVerdict })).toMatchObject({ out: { cause: 'dialback.callback-blocked' }, in: { cause: 'dialback.callback-blocked', state: 'down' } })
    expect(pairOf([deep({ answer: { type: 'valid' } })], { own: ownVerdict })).toMatchObject({ out: { state: 'up' }, in: { cause: 'healthy', confidence: 'single-vantage', sentence: 'partner.example: its callback reached our own server; what else it sends was not seen.' } })
    // What this peer proved of itself stands against what the world sees of our domain.
    const closed = domainOf([internal('in1'), published('out1', dead)])
    expect(pairOf([deep({ answer: { type: 'valid' } })], { own: closed, config: { ...CONFIG, profile: 'webex' } }).out).toMatchObject({ cause: 'healthy', state: 'up' })
    expect(pairOf([look('peer', 'in1', well(PEER, 'partner'))], { own: closed, config: { ...CONFIG, profile: 'webex' } }).out).toMatchObject({ cause: 'path.inbound-blocked', state: 'down', confidence: 'likely' })
  })
  it('and another elsewhere that call true keys invalid show that a server of ours has another secret', () => {
    const denying = (domain: string, address: string, claim: 'denies' | 'serves' = 'denies', answer: Parameters<typeof keyed>[0] = { answer: { type: 'invalid' } }) => {
      const endpoints = [well(address, 'partner')]
      const { deep } = shared([keyed(answer, undefined, { endpoint: endpoints[0]?.id ?? '' }), own(REFUSED)], {}, { endpoints })
      return look('peer', 'in1', { endpoints, claim: [{ endpoint: endpoints[0]?.id ?? '', role: 'claim', to: 'ours.example', answer: claim, ms: 1 }], ...(deep === undefined ? {} : { deep: { ...deep, connections: deep.connections.map(each => ({ ...each, pair: { from: 'ours.example', to: domain } })) } }) }, { domain })
    }
    const [one, other] = [denying('partner.example', PEER), denying('second.example', '192.0.2.21')]
    const ours = domainOf([internal('in1'), published('out1'), one, other])
    expect(ours).toMatchObject({ cause: 'dialback.denied', state: 'down', side: 'ours', confidence: 'likely' })
    expect(pairOf([one], { own: ours })).toMatchObject({ out: { cause: 'dialback.denied', side: 'ours' }, in: { cause: 'dialback.denied' } })
    // One alone, or two in one network, may have been led elsewhere; one that serves us asked itself; one that accepts a key gainsays nobody.
    const well2 = domainOf([internal('in1'), published('out1'), one])
    expect([well2.cause, pairOf([one], { own: well2 }).out.cause]).toEqual(['healthy', 'unknown'])
    expect(domainOf([internal('in1'), published('out1'), one, denying('second.example', '198.51.100.77')]).cause).toBe('healthy')
    expect(domainOf([internal('in1'), published('out1'), one, denying('second.example', '192.0.2.21', 'serves')]).cause).toBe('healthy')
    expect(domainOf([internal('in1'), published('out1'), one, denying('second.example', '192.0.2.21', 'denies', { answer: { type: 'valid' } })]).cause).toBe('healthy')
  })
  it('that refuses again after the retry window that is configured refuses by policy', () => {
    const refusing = (minute: number) => {
      const endpoints = [well(PEER, 'partner')]
      const { deep } = shared([keyed({ answer: { type: 'error', condition: 'forbidden', text: 'Access denied by service policy' } }, undefined, { endpoint: endpoints[0]?.id ?? '' })], {}, { endpoints })
      return look('peer', 'in1', { endpoints, ...(deep === undefined ? {} : { deep }) }, { at: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString() })
    }
    const causes = [undefined, 60_000, 180_000].map(retryWindowMs => pairOf([refusing(0), refusing(2)], { config: { ...CONFIG, ...(retryWindowMs === undefined ? {} : { retryWindowMs }) } }).out.cause)
    expect(causes).toEqual(['peer.busy', 'policy.refused-by-peer', 'peer.busy'])
  })
  it('that could not call back while our own domain was closed has not been asked since it is open', () => {
    const endpoints = [well(PEER, 'partner')]
    const { deep } = shared([keyed({ answer: { type: 'error', condition: 'remote-server-not-found', text: 'Connection failed: timeout' }, waitedMs: 10_000 }, undefined, { endpoint: endpoints[0]?.id ?? '' })], {}, { endpoints })
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute))
    const witnesses = [look('peer', 'in1', { endpoints, ...(deep === undefined ? {} : { deep }) }, { at: at(1).toISOString() }), look('peer', 'in1', well(PEER, 'partner'), { at: at(5).toISOString() })]
    const own = domainOf([internal('in1'), published('out1')])
    expect(pairOf(witnesses, { own }).out.cause).toBe('dialback.callback-blocked')
    expect(pairOf(witnesses, { own, openedAt: at(1).getTime() }).out.cause).toBe('dialback.callback-blocked')
    expect(pairOf(witnesses, { own, openedAt: at(2).getTime() })).toMatchObject({ out: { cause: 'healthy', untested: expect.arrayContaining([{ what: 'dialback', needs: 'a deep check' }]) as unknown }, in: { cause: 'healthy', confidence: 'likely' } })
    expect(pairOf(witnesses.slice(0, 1), { own, openedAt: at(2).getTime() }).out.cause).toBe('healthy')
  })
  it('that others cannot reach, and we can, is well for us', () => {
    expect(pairOf([look('peer', 'in1', well(PEER, 'partner')), look('control', 'out1', stopped(PEER, REFUSED, 'partner'))]).out).toMatchObject({ cause: 'healthy', state: 'up' })
  })
  it('of whom only the outside is seen does not tell that our own way is open', () => {
    expect(pairOf([look('control', 'out1', well(PEER, 'partner'))]).out).toMatchObject({ cause: 'healthy', confidence: 'single-vantage', untested: expect.arrayContaining([{ what: 'the way out of our network', needs: 'an inside vantage' }]) as unknown })
  })
  it('in clear, while our own domain is closed to it, is told that it must call back', () => {
    const ownVerdict = domainOf([internal('in1'), published('out1', dead)])
    const { out } = pairOf([look('peer', 'in1', clear(PEER, 'partner'))], { own: ownVerdict })
    expect(out).toMatchObject({ cause: 'path.inbound-blocked', side: 'path', confidence: 'likely' })
    expect(out.sentence).toContain('must call back before it believes us')
  })
  it('that took us by its certificate check is believed over what our own domain is like', () => {
    const ownVerdict = domainOf([internal('in1'), published('out1', dead)])
    const endpoints = [well(PEER, 'partner')]
    const accepted = connection('external', { endpoint: endpoints[0]?.id ?? '', pair: { from: 'ours.example', to: 'partner.example' }, sasl: { success: true } })
    const { deep } = probed({ as: 'ours.example', connections: [accepted] })
    expect(pairOf([look('peer', 'in1', { endpoints, ...(deep === undefined ? {} : { deep }) })], { own: ownVerdict })).toMatchObject({ out: { state: 'up' }, in: { state: 'down', cause: 'path.inbound-blocked' } })
  })
})

it('is remembered by what was seen and expected, and by nothing else', () => {
  const seen = published('out1')
  const question = { domain: 'ours.example', witnesses: [seen], reach: [] }
  const judged = () => judgeDomain({ ...question, config: CONFIG })
  const first = judged()
  expect(judged()).toEqual(first)
  expect(judgeDomain({ ...question, config: { ...CONFIG, expectedAddresses: ['203.0.113.99'] } }).cause).toBe('dns.address-unexpected')
  expect(judgeDomain({ ...question, config: { ...CONFIG, expiryWarningDays: 36_500 } }).cause).toBe('degraded.certificate-expiring')
  for (let days = 1; days < 9; days++) expect(judgeDomain({ ...question, config: { ...CONFIG, expiryWarningDays: days } }).cause).toBe('healthy')
  expect(judged()).toEqual(first)
})
