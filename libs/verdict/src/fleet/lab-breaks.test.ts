/**
 * The breaks that were made in a real network (one of ours behind a NAT, a peer in clear that knows dialback alone, a peer with TLS and certificates), as the
 * fleet must name them: our domain, and the pair in both directions; and what one vantage may say of the same.
 */
import type { Cause, Observation, State, Witness } from '@dialtone/contracts'
import { describe, expect, it } from 'vitest'
import { reachOf } from '../index.ts'
import { chain } from '../test-support/certificates.ts'
import { connection, keyed, own, shared } from '../test-support/deep.ts'
import { CONFIG, HOST_UNKNOWN, INTERNAL, PUBLIC, REFUSED, SILENT, TIMEOUT, UNREACHABLE, clear, deaf, domainOf, internal, look, no, pairOf, published, reaching, records, stopped, well } from '../test-support/fleet.ts'

const PEER = '198.51.100.11'
const OWN = [internal('in1'), published('in1'), published('out1')]
const TLS_PEER = [look('peer', 'in1', well(PEER, 'partner')), look('control', 'out1', well(PEER, 'partner'))]
const CLEAR_PEER = [look('peer', 'in1', clear(PEER, 'partner')), look('control', 'out1', clear(PEER, 'partner'))]
const cut = { ...look('peer', 'in1', stopped(PEER, TIMEOUT, 'partner')) }

/** A deep check from inside in our name, whose dialback ended so. */
function deep (peer: readonly Witness[], ...connections: Parameters<typeof shared>[0]): Witness[] {
  const [first, ...rest] = peer
  if (first === undefined) return []
  const { endpoints, dns, vantage, startedAt, certificates, asked } = first.observation
  const id = endpoints[0]?.id ?? ''
  const named = connections.map(each => each.of === 'ours' ? each : { ...each, endpoint: id })
  return [{ ...first, observation: shared(named, {}, { endpoints, dns, vantage, startedAt, certificates, asked: { ...asked, as: 'ours.example', depth: 'shared' } }) }, ...rest]
}

type Half = [Cause, State]
type Break = { own: Witness[], domain: Half, peer?: Witness[], out: Half, in: Half, reach?: ReturnType<typeof reaching>, config?: Partial<typeof CONFIG> }

const accepted = connection('external', { sasl: { success: true } })
const timedOut = keyed({ answer: { type: 'error', condition: 'remote-server-not-found', text: 'Connection failed: timeout' }, waitedMs: 10_000 })
const valid = keyed({ answer: { type: 'valid' } })
const shares = { from: { sharesResolverWith: ['ours.example'] } }

const BREAKS: Record<string, Break> = {
  'none, clear peer': { own: OWN, domain: ['healthy', 'up'], peer: deep(CLEAR_PEER, valid, own({ type: 'valid' })), out: ['degraded.weak-authentication', 'degraded'], in: ['healthy', 'up'] },
  'none, TLS peer': { own: OWN, domain: ['healthy', 'up'], peer: deep(TLS_PEER, accepted), out: ['healthy', 'up'], in: ['healthy', 'up'] },
  'pat': { own: [internal('in1'), published('out1', stopped(PUBLIC, TIMEOUT))], domain: ['path.inbound-blocked', 'down'], peer: deep(CLEAR_PEER, timedOut), out: ['path.inbound-blocked', 'down'], in: ['path.inbound-blocked', 'down'] },
  'pat, light checks alone': { own: [internal('in1'), published('out1', stopped(PUBLIC, TIMEOUT))], domain: ['path.inbound-blocked', 'down'], peer: CLEAR_PEER, out: ['path.inbound-blocked', 'down'], in: ['path.inbound-blocked', 'down'] },
  'pat, peer with certificates': { own: [internal('in1'), published('out1', stopped(PUBLIC, TIMEOUT))], domain: ['path.inbound-blocked', 'down'], peer: deep(TLS_PEER, accepted), out: ['healthy', 'up'], in: ['path.inbound-blocked', 'down'] },
  'pat-wrongip': { own: [internal('in1'), published('out1', stopped(PUBLIC, UNREACHABLE))], domain: ['path.inbound-refused', 'down'], peer: CLEAR_PEER, out: ['path.inbound-refused', 'down'], in: ['path.inbound-refused', 'down'] },
  'outbound': { own: OWN, domain: ['path.outbound-blocked', 'down'], peer: [cut, look('control', 'out1', clear(PEER, 'partner'))], reach: reaching('unreached', 'reached'), out: ['path.outbound-blocked', 'down'], in: ['path.outbound-blocked', 'down'] },
  'outbound, peer with certificates': { own: OWN, domain: ['path.outbound-blocked', 'down'], peer: [cut, look('control', 'out1', well(PEER, 'partner'))], reach: reaching('unreached', 'reached'), out: ['path.outbound-blocked', 'down'], in: ['path.outbound-blocked', 'degraded'] },
  'outbound-reject': { own: OWN, domain: ['path.outbound-blocked', 'down'], peer: [look('peer', 'in1', stopped(PEER, REFUSED, 'partner')), look('control', 'out1', clear(PEER, 'partner'))], reach: reaching('unreached', 'reached'), out: ['path.outbound-blocked', 'down'], in: ['path.outbound-blocked', 'down'] },
  'srv': {
    own: [internal('in1'), published('out1', { dns: [no('xmpp-server', 'nxdomain'), no('xmpps-server', 'nxdomain')], endpoints: [{ ...stopped('203.0.113.80', REFUSED), source: 'fallback' }] })],
    domain: ['dns.no-records', 'down'], peer: CLEAR_PEER, out: ['dns.no-records', 'down'], in: ['dns.no-records', 'down'],
  },
  'srvport': {
    own: [internal('in1'), published('out1', [{ ...stopped(PUBLIC, TIMEOUT), port: 5369 }, { ...well(PUBLIC), id: 'probe', source: 'port-probe' }])],
    domain: ['dns.port-unexpected', 'down'], peer: CLEAR_PEER, out: ['dns.port-unexpected', 'down'], in: ['dns.port-unexpected', 'down'],
  },
  'arecord, with an expectation': { own: [internal('in1'), published('out1', stopped('203.0.113.99', UNREACHABLE))], config: { expectedAddresses: [PUBLIC] }, domain: ['dns.address-unexpected', 'down'], peer: CLEAR_PEER, out: ['dns.address-unexpected', 'down'], in: ['dns.address-unexpected', 'down'] },
  'arecord, without one': { own: [internal('in1'), published('out1', stopped('203.0.113.99', UNREACHABLE))], domain: ['path.inbound-refused', 'down'], peer: CLEAR_PEER, out: ['path.inbound-refused', 'down'], in: ['path.inbound-refused', 'down'] },
  'arecord-live': { own: [internal('in1'), published('out1', stopped('203.0.113.99', HOST_UNKNOWN))], domain: ['service.wrong-box', 'down'], peer: CLEAR_PEER, out: ['service.wrong-box', 'down'], in: ['service.wrong-box', 'down'] },
  'noarecord': {
    own: [internal('in1'), published('out1', { dns: [...records('ours.example', []).slice(0, 1), no('target', 'nxdomain')], endpoints: [] })],
    domain: ['dns.target-unresolvable', 'down'], peer: CLEAR_PEER, out: ['dns.target-unresolvable', 'down'], in: ['dns.target-unresolvable', 'down'],
  },
  'service': { own: [internal('in1', stopped(INTERNAL, REFUSED)), published('out1', stopped(PUBLIC, REFUSED))], domain: ['service.down', 'down'], peer: CLEAR_PEER, out: ['service.down', 'down'], in: ['service.down', 'down'] },
  'dns': { own: [internal('in1'), published('in1', deaf()), published('out1', deaf())], domain: ['dns.resolver-unavailable', 'down'], peer: [look('peer', 'in1', deaf('partner.example')), look('control', 'out1', deaf('partner.example'))], out: ['dns.resolver-unavailable', 'down'], in: ['dns.resolver-unavailable', 'down'] },
  'dns-inside': { own: [internal('in1'), published('in1', deaf(), shares), published('out1')], domain: ['dns.resolver-unavailable', 'down'], peer: [look('peer', 'in1', deaf('partner.example'), shares), look('control', 'out1', clear(PEER, 'partner'))], out: ['dns.resolver-unavailable', 'down'], in: ['dns.resolver-unavailable', 'down'] },
  'dns-inside, peer with certificates': { own: [internal('in1'), published('in1', deaf(), shares), published('out1')], domain: ['dns.resolver-unavailable', 'down'], peer: [look('peer', 'in1', deaf('partner.example'), shares), look('control', 'out1', well(PEER, 'partner'))], out: ['dns.resolver-unavailable', 'down'], in: ['dns.resolver-unavailable', 'degraded'] },
  'conflict': {
    own: OWN, domain: ['healthy', 'up'], peer: deep(CLEAR_PEER, valid).map((each, at) => at > 0 ? each : { ...each, observation: { ...each.observation, claim: [claim('claim', 'serves'), claim('control', 'denies')] } }),
    out: ['dialback.domain-claimed', 'down'], in: ['dialback.domain-claimed', 'down'],
  },
  'conflict-webex': {
    own: OWN, domain: ['healthy', 'up'], peer: [look('peer', 'in1', stopped(PEER, { at: 'stream', why: 'stream-error', condition: 'undefined-condition', text: 'Attempt to connect from a host we serve' }, 'partner')), look('control', 'out1', well(PEER, 'partner'))],
    out: ['dialback.domain-claimed', 'down'], in: ['dialback.domain-claimed', 'down'],
  },
  'policy, once': { own: OWN, domain: ['healthy', 'up'], peer: deep(CLEAR_PEER, keyed({ answer: { type: 'error', condition: 'forbidden', text: 'Access denied by service policy' } })), out: ['peer.busy', 'degraded'], in: ['healthy', 'up'] },
  'policy, again after the retry window': {
    own: OWN, domain: ['healthy', 'up'],
    peer: ['2026-01-01T00:00:00Z', '2026-01-01T00:06:00Z'].flatMap(at => deep([look('peer', 'in1', clear(PEER, 'partner'), { at })], keyed({ answer: { type: 'error', condition: 'forbidden', text: 'Access denied by service policy' } }))),
    out: ['policy.refused-by-peer', 'down'], in: ['unknown', 'unknown'],
  },
  'cert': {
    own: [internal('in1'), published('out1')].map(each => ({ ...each, observation: { ...each.observation, startedAt: '2091-01-01T00:00:00Z' } })), domain: ['certificate.expired', 'degraded'],
    peer: [look('peer', 'in1', { ...stopped(PEER, { at: 'stream', why: 'stream-error', condition: 'not-authorized', text: "Your server's certificate has expired" }, 'partner', 'features-again'), tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', sni: 'partner.example' } }), look('control', 'out1', well(PEER, 'partner'))],
    out: ['auth.external-refused', 'down'], in: ['certificate.expired', 'degraded'],
  },
  'cert, for a peer that demands certificates': {
    own: [internal('in1'), published('out1')].map(each => ({ ...each, observation: { ...each.observation, startedAt: '2091-01-01T00:00:00Z' } })), domain: ['certificate.expired', 'degraded'],
    peer: TLS_PEER, config: { profile: 'expressway' }, out: ['healthy', 'up'], in: ['certificate.expired', 'down'],
  },
  'gmail-primary': { own: OWN, domain: ['healthy', 'up'], peer: [look('peer', 'in1', [stopped('198.51.100.14', TIMEOUT, 'partner'), well(PEER, 'partner')]), look('control', 'out1', [stopped('198.51.100.14', TIMEOUT, 'partner'), well(PEER, 'partner')])], out: ['degraded.endpoint-dead', 'degraded'], in: ['healthy', 'up'] },
  'gmail-all': { own: OWN, domain: ['healthy', 'up'], peer: [cut, look('control', 'out1', stopped(PEER, TIMEOUT, 'partner'))], out: ['peer.unreachable', 'down'], in: ['peer.unreachable', 'down'] },
  'one peer blocked': { own: OWN, domain: ['healthy', 'up'], peer: [cut, look('control', 'out1', well(PEER, 'partner'))], reach: [...reaching('unreached', 'reached').slice(0, 1), ...reaching('reached', 'reached').slice(1)], out: ['path.peer-blocked', 'down'], in: ['healthy', 'up'] },
  'one peer altered': { own: OWN, domain: ['healthy', 'up'], peer: [look('peer', 'in1', stopped(PEER, SILENT, 'partner')), look('control', 'out1', well(PEER, 'partner'))], out: ['path.interfered', 'down'], in: ['healthy', 'up'] },
  'one peer whose TLS is intercepted': { own: OWN, domain: ['healthy', 'up'], peer: [look('peer', 'in1', well(PEER, 'partner', { chain: chain('partner', 'unknown-ca', true) })), look('control', 'out1', well(PEER, 'partner'))], out: ['path.interfered', 'degraded'], in: ['healthy', 'up'] },
}

/** What one vantage says of the same: of our domain from either side, of the peer from inside in our name, and from outside as the control. Never more than it saw. */
const ALONE: Record<keyof typeof BREAKS, { inside: Half, outside: Half, out: Half, control: Half }> = {
  'none, clear peer': { inside: ['healthy', 'up'], outside: ['healthy', 'up'], out: ['degraded.weak-authentication', 'degraded'], control: ['degraded.weak-authentication', 'degraded'] },
  'none, TLS peer': { inside: ['healthy', 'up'], outside: ['healthy', 'up'], out: ['healthy', 'up'], control: ['healthy', 'up'] },
  'pat': { inside: ['unknown', 'unknown'], outside: ['peer.unreachable', 'down'], out: ['dialback.callback-blocked', 'down'], control: ['degraded.weak-authentication', 'degraded'] },
  'pat, light checks alone': { inside: ['unknown', 'unknown'], outside: ['peer.unreachable', 'down'], out: ['degraded.weak-authentication', 'degraded'], control: ['degraded.weak-authentication', 'degraded'] },
  'pat, peer with certificates': { inside: ['unknown', 'unknown'], outside: ['peer.unreachable', 'down'], out: ['healthy', 'up'], control: ['healthy', 'up'] },
  'pat-wrongip': { inside: ['unknown', 'unknown'], outside: ['peer.unreachable', 'down'], out: ['degraded.weak-authentication', 'degraded'], control: ['degraded.weak-authentication', 'degraded'] },
  'outbound': { inside: ['healthy', 'up'], outside: ['healthy', 'up'], out: ['peer.unreachable', 'down'], control: ['degraded.weak-authentication', 'degraded'] },
  'outbound, peer with certificates': { inside: ['healthy', 'up'], outside: ['healthy', 'up'], out: ['peer.unreachable', 'down'], control: ['healthy', 'up'] },
  'outbound-reject': { inside: ['healthy', 'up'], outside: ['healthy', 'up'], out: ['peer.unreachable', 'down'], control: ['degraded.weak-authentication', 'degraded'] },
  'srv': { inside: ['unknown', 'unknown'], outside: ['dns.no-records', 'down'], out: ['degraded.weak-authentication', 'degraded'], control: ['degraded.weak-authentication', 'degraded'] },
  'srvport': { inside: ['unknown', 'unknown'], outside: ['dns.port-unexpected', 'down'], out: ['degraded.weak-authentication', 'degraded'], control: ['degraded.weak-authentication', 'degraded'] },
  'arecord, with an expectation': { inside: ['unknown', 'unknown'], outside: ['dns.address-unexpected', 'down'], out: ['degraded.weak-authentication', 'degraded'], control: ['degraded.weak-authentication', 'degraded'] },
  'arecord, without one': { inside: ['unknown', 'unknown'], outside: ['peer.unreachable', 'down'], out: ['degraded.weak-authentication', 'degraded'], control: ['degraded.weak-authentication', 'degraded'] },
  'arecord-live': { inside: ['unknown', 'unknown'], outside: ['service.wrong-box', 'down'], out: ['degraded.weak-authentication', 'degraded'], control: ['degraded.weak-authentication', 'degraded'] },
  'noarecord': { inside: ['unknown', 'unknown'], outside: ['dns.target-unresolvable', 'down'], out: ['degraded.weak-authentication', 'degraded'], control: ['degraded.weak-authentication', 'degraded'] },
  'service': { inside: ['service.down', 'down'], outside: ['peer.unreachable', 'down'], out: ['degraded.weak-authentication', 'degraded'], control: ['degraded.weak-authentication', 'degraded'] },
  'dns': { inside: ['dns.resolver-unavailable', 'unknown'], outside: ['dns.resolver-unavailable', 'unknown'], out: ['dns.resolver-unavailable', 'unknown'], control: ['dns.resolver-unavailable', 'unknown'] },
  'dns-inside': { inside: ['dns.resolver-unavailable', 'down'], outside: ['healthy', 'up'], out: ['dns.resolver-unavailable', 'down'], control: ['degraded.weak-authentication', 'degraded'] },
  'dns-inside, peer with certificates': { inside: ['dns.resolver-unavailable', 'down'], outside: ['healthy', 'up'], out: ['dns.resolver-unavailable', 'down'], control: ['healthy', 'up'] },
  'conflict': { inside: ['healthy', 'up'], outside: ['healthy', 'up'], out: ['dialback.domain-claimed', 'down'], control: ['degraded.weak-authentication', 'degraded'] },
  'conflict-webex': { inside: ['healthy', 'up'], outside: ['healthy', 'up'], out: ['dialback.domain-claimed', 'down'], control: ['healthy', 'up'] },
  'policy, once': { inside: ['healthy', 'up'], outside: ['healthy', 'up'], out: ['peer.busy', 'degraded'], control: ['degraded.weak-authentication', 'degraded'] },
  'policy, again after the retry window': { inside: ['healthy', 'up'], outside: ['healthy', 'up'], out: ['policy.refused-by-peer', 'down'], control: ['unknown', 'unknown'] },
  'cert': { inside: ['certificate.expired', 'degraded'], outside: ['certificate.expired', 'degraded'], out: ['auth.external-refused', 'down'], control: ['healthy', 'up'] },
  'cert, for a peer that demands certificates': { inside: ['certificate.expired', 'degraded'], outside: ['certificate.expired', 'degraded'], out: ['healthy', 'up'], control: ['healthy', 'up'] },
  'gmail-primary': { inside: ['healthy', 'up'], outside: ['healthy', 'up'], out: ['degraded.endpoint-dead', 'degraded'], control: ['degraded.endpoint-dead', 'degraded'] },
  'gmail-all': { inside: ['healthy', 'up'], outside: ['healthy', 'up'], out: ['peer.unreachable', 'down'], control: ['peer.unreachable', 'down'] },
  'one peer blocked': { inside: ['healthy', 'up'], outside: ['healthy', 'up'], out: ['peer.unreachable', 'down'], control: ['healthy', 'up'] },
  'one peer altered': { inside: ['healthy', 'up'], outside: ['healthy', 'up'], out: ['service.silent', 'down'], control: ['healthy', 'up'] },
  'one peer whose TLS is intercepted': { inside: ['healthy', 'up'], outside: ['healthy', 'up'], out: ['certificate.untrusted', 'degraded'], control: ['healthy', 'up'] },
}

describe.each(Object.entries(BREAKS))('%s', (_, { own: ours, domain, peer = [], out, in: inwards, reach, config = {} }) => {
  const given = { config: { ...CONFIG, ...config }, ...(reach === undefined ? {} : { reach }) }
  const verdict = domainOf([...ours, ...peer], { ...given, config: { ...given.config, profile: 'standard' } })
  it('is named of our domain', () => expect([verdict.cause, verdict.state]).toEqual(domain))
  it('is named of the pair', () => {
    const pair = pairOf(peer, { own: verdict, ...given, config: { ...CONFIG, ...config, expectedAddresses: [] }, ...(reach === undefined ? { reach: [reachOf('partner.example', peer)] } : {}) })
    expect([pair.out.cause, pair.out.state]).toEqual(out)
    expect([pair.in.cause, pair.in.state]).toEqual(inwards)
  })
})

it('a stranger at our address is named by a deep check as long as our records lead there, and not of before they were mended', () => {
  const asked = (address: string) => domainOf([...OWN, ...deep(CLEAR_PEER, valid, own({ type: 'error', condition: 'item-not-found' }, `starttls/xmpp.ours.example:5269/${address}`))], { config: { ...CONFIG, profile: 'standard' } })
  expect(asked(PUBLIC)).toMatchObject({ cause: 'dialback.callback-misdirected', state: 'degraded', side: 'ours' })
  expect(asked('192.0.2.130')).toMatchObject({ cause: 'healthy', state: 'up' })
})

it('a key that is denied at our address is named likewise', () => {
  const denied = (address: string) => domainOf([...OWN, ...deep(CLEAR_PEER, valid, own({ type: 'invalid' }, `starttls/xmpp.ours.example:5269/${address}`))], { config: { ...CONFIG, profile: 'standard' } })
  expect(denied(PUBLIC)).toMatchObject({ cause: 'dialback.denied', side: 'ours' })
  expect(denied('192.0.2.130')).toMatchObject({ cause: 'healthy', state: 'up' })
  // Where names lead inside is looked at, too, though nobody there looks at what is published.
  const inside = domainOf([internal('in1'), published('out1'), ...deep(CLEAR_PEER, valid, own({ type: 'invalid' }, `starttls/xmpp.ours.example:5269/${INTERNAL}`))], { config: { ...CONFIG, profile: 'standard' } })
  expect(inside.cause).toBe('dialback.denied')
})

it('a stranger is at an address of ours while our records lead there for anybody, inside alone too', () => {
  const stranger = '192.0.2.130'
  const asked = own({ type: 'error', condition: 'item-not-found' }, `starttls/xmpp.ours.example:5269/${stranger}`)
  const seen = [internal('in1'), published('in1', [well(PUBLIC), stopped(stranger, HOST_UNKNOWN)]), published('out1'), ...deep(CLEAR_PEER, valid, asked)]
  expect(domainOf(seen, { config: { ...CONFIG, profile: 'standard', splitViewExpected: true } })).toMatchObject({ cause: 'dialback.callback-misdirected', state: 'degraded' })
})

it.each(Object.entries(BREAKS))('%s is told by one vantage as far as it goes', (name, { own: ours, peer = [], config = {} }) => {
  const from = (some: Witness[], side: 'inside' | 'outside') => some.filter(({ standpoint }) => standpoint.side === side)
  const domain = (side: 'inside' | 'outside') => domainOf(from(ours, side), { config: { ...CONFIG, ...config, profile: 'standard' } })
  const pair = (side: 'inside' | 'outside') => pairOf(from(peer, side), { config: { ...CONFIG, ...config, expectedAddresses: [] } }).out
  const told = { inside: domain('inside'), outside: domain('outside'), out: pair('inside'), control: pair('outside') }
  expect(Object.fromEntries(Object.entries(told).map(([which, { cause, state }]) => [which, [cause, state]]))).toEqual(ALONE[name])
  for (const { confidence } of Object.values(told)) expect(confidence).not.toBe('proved')
})

function claim (role: 'claim' | 'control', answer: 'serves' | 'denies'): Observation['claim'][number] {
  return { endpoint: well(PEER, 'partner').id, role, to: role === 'claim' ? 'ours.example' : 'made-up.invalid', answer, ms: 1 }
}

