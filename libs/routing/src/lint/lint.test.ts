import { readFileSync, readdirSync } from 'node:fs'
import { array, assert, constantFrom, property, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GatewayAssignment, GatewaySpec, PolicySpec, RouteSpec, ZoneSpec } from '@dialtone/contracts'
import { compilePolicy } from '../policy-table.ts'
import { assignment, inside, policy } from '../test-support.ts'
import { lintAssignment, lintGateways } from './lint.ts'
import type { GatewaySubject } from './subject.ts'

const NOW = Date.parse('2026-11-26T12:00:00Z')
const PIN = 'a'.repeat(64)
const certificates = [{ certificate: 'file:/c.pem', key: 'file:/k.pem' }]
const out = (more: Partial<ZoneSpec> = {}): ZoneSpec => ({ name: 'outside', side: 'external', listen: [{ address: '192.0.2.10', port: 5269 }], certificates, ...more })
const lan = (more: Partial<ZoneSpec> = {}): ZoneSpec => ({ ...inside('ours.example', '*.ours.example'), ...more })
const responder = (more: Partial<NonNullable<ZoneSpec['responder']>> = {}): NonNullable<ZoneSpec['responder']> =>
  ({ listen: [{ address: '10.0.0.10', port: 53 }], clients: ['10.0.0.0/8'], gateway: { name: 'gw.lan.example', addresses: ['10.0.0.10'] }, forwardTo: [{ address: '10.0.0.53', port: 53 }], ...more })
const accept = (port: number, ...domains: string[]) => ({ accept: { listen: [{ address: '10.0.0.10', port }], domains: Object.fromEntries(domains.map(domain => [domain, 'file:/s'])) } })
const connect = (...to: [domain: string, host: string, port: number][]) => ({ connect: to.map(([domain, host, port]) => ({ domain, to: { host, port }, secret: 'file:/s' })) })

const gateway = (zones: ZoneSpec[], spec: Partial<GatewaySpec> = {}): GatewaySpec => ({ desired: 'running', secret: 'file:/master', zones, ...spec })
const route = (to: string, host: string, more: Partial<RouteSpec> = {}): RouteSpec => ({ to, nextHops: [{ host, port: 5269 }], ...more })
type Given = { gateways?: Record<string, GatewaySpec>, policies?: Record<string, PolicySpec>, routes?: Record<string, RouteSpec>, domains?: GatewayAssignment['domains'], peers?: GatewayAssignment['peers'] }
const named = <T>(record: Record<string, T> = {}) => Object.entries(record).map(([name, spec]) => ({ name, spec }))
const found = ({ gateways = { gw: gateway([out(), lan()]) }, policies, routes, domains, peers }: Given) => {
  const subject: GatewaySubject = { gateways: named(gateways), policies: named(policies), routes: named(routes), domains: named(domains), peers: named(peers), complete: true }
  return [...lintGateways(subject, NOW)].map(({ level, code, resource = '', pointer = '' }) => `${level} ${code} ${resource}${pointer}`)
}
const zones = (...given: ZoneSpec[]): Given => ({ gateways: { gw: gateway(given) } })
const spec = (more: Partial<GatewaySpec>): Given => ({ gateways: { gw: gateway([out(), lan()], more) } })
const one = (more: Partial<PolicySpec>): Given => ({ policies: { p: policy('*', 'peer.example', more) } })

it('has nothing to say of a gateway that works', () => {
  expect(found({
    gateways: { gw: gateway([out(), lan({ responder: responder(), components: accept(5347, 'sms.ours.example') })], { host: 'gw.example', peers: { 'peer.example': 'held' }, pairs: { 'ours.example peer.example': 'blocked' } }) },
    policies: { all: policy('*', '*'), talk: policy('*', 'talk.example', { profile: 'googletalk', reason: 'it has no TLS' }), pinned: policy('ours.example', 'peer.example', { certificate: 'pinned', pins: [PIN], dialback: 'never' }), out: policy('*', 'talk.example', { direction: 'outbound', action: 'deny' }) },
    routes: { r: route('peer.example', '192.0.2.99'), out: route('*', '192.0.2.98'), here: route('*', '192.0.2.97', { gateways: ['gw'] }) },
    domains: { 'ours.example': { internal: [{ host: '10.0.0.1', port: 5269 }] } }, peers: { 'peer.example': { endpoints: [{ host: '192.0.2.77', port: 5269 }] } },
  })).toEqual([])
})

/** Each with what brings the finding, and the same mended: then it is not said. */
const CASES: readonly [finding: string, brings: Given, mended: Given][] = [
  // Zones.
  ['warning gateway-without-zones Gateway/gw/spec', spec({ zones: [] }), spec({})],
  ['error no-external-zone Gateway/gw/spec/zones', zones(lan()), zones(out(), lan())],
  ['error no-internal-zone Gateway/gw/spec/zones', zones(out()), zones(out(), lan())],
  ['error two-external-zones Gateway/gw/spec/zones/1/side', zones(out(), out({ name: 'second', listen: [{ address: '192.0.2.11', port: 5269 }] }), lan()), zones(out(), lan())],
  ['error zone-twice Gateway/gw/spec/zones/1/name', zones(out(), lan({ name: 'outside' })), zones(out(), lan())],
  ['warning nobody-can-call Gateway/gw/spec/zones/0/listen', zones(out({ listen: [] }), lan()), zones(out(), lan())],
  ['warning zone-without-domains Gateway/gw/spec/zones/1/domains', zones(out(), lan({ domains: [] })), zones(out(), lan({ domains: [], components: accept(5347, 'a.example') }))],
  ['warning domains-outside Gateway/gw/spec/zones/0/domains', zones(out({ domains: ['x.example'] }), lan()), zones(out(), lan())],
  ['error responder-outside Gateway/gw/spec/zones/0/responder', zones(out({ responder: responder() }), lan()), zones(out(), lan({ responder: responder() }))],
  ['error mint-outside Gateway/gw/spec/zones/0/mint', zones(out({ mint: { certificate: 'file:/ca.pem', key: 'file:/ca.key' } }), lan()), zones(out(), lan({ mint: { certificate: 'file:/ca.pem', key: 'file:/ca.key' } }))],
  ['error components-outside Gateway/gw/spec/zones/0/components', zones(out({ components: accept(5347, 'a.example') }), lan()), zones(out(), lan({ components: accept(5347, 'a.example') }))],
  ['error everything-inside Gateway/gw/spec/zones/1/domains/0', zones(out(), lan({ domains: ['*'] })), zones(out(), lan({ domains: ['*.example'] }))],
  ['error domain-of-two-zones Gateway/gw/spec/zones/2/domains/0', zones(out(), lan(), lan({ name: 'lab', listen: [], domains: ['ours.example'] })), zones(out(), lan(), lan({ name: 'lab', listen: [], domains: ['lab.ours.example'] }))],
  ['error domain-of-two-zones Gateway/gw/spec/zones/2/components/accept/domains/ours.example', zones(out(), lan(), lan({ name: 'lab', listen: [], domains: [], components: accept(5347, 'ours.example') })), zones(out(), lan({ components: accept(5347, 'ours.example') }))],
  // Addresses.
  ['error no-address Gateway/gw/spec/zones/0/listen/0/address', zones(out({ listen: [{ address: '192.0.2.999', port: 5269 }] }), lan()), zones(out(), lan())],
  ['error no-block Gateway/gw/spec/zones/1/from/0', zones(out(), lan({ from: ['10.0.0.0/33'] })), zones(out(), lan({ from: ['10.0.0.0/32'] }))],
  ['error no-block Domain/ours.example/spec/allowNets/1', { domains: { 'ours.example': { allowNets: ['10.0.0.0/8', 'x/8'] } } }, { domains: { 'ours.example': { allowNets: ['10.0.0.0/8', 'fd00::/8'] } } }],
  // Sockets.
  ['error socket-twice Gateway/gw/spec/zones/1/listen/0', zones(out(), lan({ listen: [{ address: '192.0.2.10', port: 5269 }] })), zones(out(), lan({ listen: [{ address: '192.0.2.10', port: 5270 }] }))],
  ['error socket-twice Gateway/gw/spec/zones/1/listen/0', zones(out({ listen: [{ address: '0.0.0.0', port: 5269 }] }), lan()), zones(out({ listen: [{ address: '0.0.0.0', port: 5269 }] }), lan({ listen: [{ address: 'fd00::1', port: 5269 }] }))],
  ['error socket-twice Gateway/gw/spec/zones/1/listen/0', zones(out({ listen: [{ address: '::', port: 5269 }] }), lan()), zones(out({ listen: [{ address: '2001:db8::1', port: 5269 }] }), lan())],
  ['error socket-twice Gateway/gw/spec/zones/0/listen/1', zones(out({ listen: [{ address: '2001:db8::1', port: 5269 }, { address: '2001:DB8:0:0::1', port: 5269 }] }), lan()), zones(out({ listen: [{ address: '2001:db8::1', port: 5269 }, { address: '2001:db8::2', port: 5269 }] }), lan())],
  ['error socket-twice Gateway/gw/spec/zones/1/components/accept/listen/0', zones(out(), lan({ components: accept(5269, 'a.example') })), zones(out(), lan({ components: accept(5347, 'a.example') }))],
  ['error resolver-loop Gateway/gw/spec/zones/0/resolver', zones(out({ resolver: { address: '10.0.0.10' } }), lan({ responder: responder() })), zones(out({ resolver: { address: '10.0.0.10', port: 5353 } }), lan({ responder: responder() }))],
  ['error resolver-loop Gateway/gw/spec/zones/1/resolver', zones(out(), lan({ resolver: { address: '127.0.0.1' }, responder: responder({ listen: [{ address: '0.0.0.0', port: 53 }] }) })), zones(out(), lan({ resolver: { address: '10.9.9.9' }, responder: responder({ listen: [{ address: '0.0.0.0', port: 53 }] }) }))],
  ['error responder-loop Gateway/gw/spec/zones/1/responder/forwardTo/0', zones(out(), lan({ responder: responder({ forwardTo: [{ address: '10.0.0.10', port: 53 }] }) })), zones(out(), lan({ responder: responder() }))],
  ['warning responder-elsewhere Gateway/gw/spec/zones/1/responder/gateway', zones(out(), lan({ listen: [{ address: '10.0.0.10', port: 5270 }], responder: responder() })), zones(out(), lan({ listen: [{ address: '10.0.0.10', port: 5270 }], responder: responder({ gateway: { name: 'g.example', addresses: ['10.0.0.10'], port: 5270 } }) }))],
  ['warning responder-elsewhere Gateway/gw/spec/zones/1/responder/gateway/directPort', zones(out(), lan({ responder: responder({ gateway: { name: 'g.example', addresses: ['10.0.0.10'], directPort: 5270 } }) })), zones(out(), lan({ certificates, listen: [{ address: '10.0.0.10', port: 5269 }, { address: '10.0.0.10', port: 5270, kind: 'direct' }], responder: responder({ gateway: { name: 'g.example', addresses: ['10.0.0.10'], directPort: 5270 } }) }))],
  ['error component-loop Gateway/gw/spec/zones/1/components/connect/0/to', zones(out(), lan({ components: connect(['peer.example', '10.0.0.10', 5269]) })), zones(out(), lan({ components: connect(['peer.example', '10.0.0.1', 5347]) }))],
  ['error component-of-ours Gateway/gw/spec/zones/1/components/connect/0/domain', zones(out(), lan({ components: connect(['muc.ours.example', '10.0.0.1', 5347]) })), zones(out(), lan({ components: connect(['peer.example', '10.0.0.1', 5347]) }))],
  ['error component-twice Gateway/gw/spec/zones/1/components/connect/1/domain', zones(out(), lan({ components: connect(['peer.example', '10.0.0.1', 5347], ['peer.example', '10.0.0.1', 5347]) })), zones(out(), lan({ components: connect(['peer.example', '10.0.0.1', 5347], ['p.example', '10.0.0.1', 5347]) }))],
  ['error proxy-without-proxies Gateway/gw/spec/zones/0/listen/0/proxyProtocol', zones(out({ listen: [{ address: '192.0.2.10', port: 5269, proxyProtocol: true }] }), lan()), zones(out({ listen: [{ address: '192.0.2.10', port: 5269, proxyProtocol: true }], proxies: ['192.0.2.0/24'] }), lan())],
  ['warning proxies-unused Gateway/gw/spec/zones/0/proxies', zones(out({ proxies: ['192.0.2.0/24'] }), lan()), zones(out(), lan())],
  // Whom a responder answers.
  ['error open-resolver Gateway/gw/spec/zones/1/responder/clients/0', zones(out(), lan({ responder: responder({ clients: ['0.0.0.0/0'] }) })), zones(out(), lan({ responder: responder({ clients: ['127.0.0.0/8'] }) }))],
  ['error open-resolver Gateway/gw/spec/zones/1/responder/clients/0', zones(out(), lan({ responder: responder({ clients: ['::/0'] }) })), zones(out(), lan({ responder: responder({ clients: ['::1/128'] }) }))],
  ['error open-resolver Gateway/gw/spec/zones/1/responder/clients/0', zones(out(), lan({ responder: responder({ clients: ['::ffff:0.0.0.0/96'] }) })), zones(out(), lan({ responder: responder({ clients: ['::ffff:10.0.0.0/104'] }) }))],
  ['error open-resolver Gateway/gw/spec/zones/1/responder/clients/0', zones(out(), lan({ responder: responder({ clients: ['::ffff:0:0/96'] }) })), zones(out(), lan({ responder: responder({ clients: ['fd00:53::/32'] }) }))],
  ['warning public-clients Gateway/gw/spec/zones/1/responder/clients/0', zones(out(), lan({ responder: responder({ clients: ['0.0.0.0/1'] }) })), zones(out(), lan({ responder: responder({ clients: ['172.31.255.0/24'] }) }))],
  ['warning public-clients Gateway/gw/spec/zones/1/responder/clients/0', zones(out(), lan({ responder: responder({ clients: ['172.32.0.0/16'] }) })), zones(out(), lan({ responder: responder({ clients: ['100.64.7.0/24'] }) }))],
  ['warning public-clients Gateway/gw/spec/zones/1/responder/clients/0', zones(out(), lan({ responder: responder({ clients: ['10.0.0.0/7'] }) })), zones(out(), lan({ responder: responder({ clients: ['10.0.0.0/8'] }) }))],
  ['warning public-clients Gateway/gw/spec/zones/1/responder/clients/0', zones(out(), lan({ responder: responder({ clients: ['2001:db8::/32'] }) })), zones(out(), lan({ responder: responder({ clients: ['fe80::/64'] }) }))],
  ['warning public-clients Gateway/gw/spec/zones/1/responder/clients/0', zones(out(), lan({ responder: responder({ clients: ['192.0.2.7/32'] }) })), zones(out(), lan({ responder: responder({ clients: ['192.168.2.7/32'] }) }))],
  ['warning public-clients Gateway/gw/spec/zones/1/responder/clients/0', zones(out(), lan({ responder: responder({ clients: ['::/8'] }) })), zones(out(), lan({ responder: responder({ clients: ['fc00::/7'] }) }))],
  // Secrets, L10.
  ['error secret-twice Gateway/gw/spec/zones/1/secret', zones(out({ secret: 'file:/a' }), lan({ secret: 'file:/a' })), zones(out({ secret: 'file:/a' }), lan({ secret: 'file:/b' }))],
  ['error secret-is-masters Gateway/gw/spec/zones/1/secret', zones(out(), lan({ secret: 'file:/master' })), zones(out(), lan())],
  ['notice secret-made Gateway/gw/spec/secret', { gateways: { gw: { desired: 'running', zones: [out(), lan({ secret: 'file:/b' })] } } }, { gateways: { gw: { desired: 'running', zones: [out({ secret: 'file:/a' }), lan({ secret: 'file:/b' })] } } }],
  // L1 to L4 of zones, L7, L8 as far as there is no certificate at all.
  ['error certificate-without-tls Gateway/gw/spec/zones/0/certificate', zones(out({ tls: 'none', dialback: 'always', certificate: 'valid' }), lan()), zones(out({ tls: 'none', dialback: 'always' }), lan())],
  ['error no-authentication Gateway/gw/spec/zones/0/dialback', zones(out({ tls: 'none', dialback: 'never' }), lan()), zones(out({ tls: 'none', dialback: 'always' }), lan())],
  ['error no-authentication Gateway/gw/spec/zones/0/dialback', zones(out({ tls: 'none' }), lan()), zones(out({ tls: 'none', dialback: 'always' }), lan())],
  ['notice dialback-by-certificate-alone Gateway/gw/spec/zones/0/dialback', zones(out({ certificate: 'valid' }), lan()), zones(out({ certificate: 'valid', dialback: 'never' }), lan())],
  ['warning dialback-by-certificate-alone Gateway/gw/spec/zones/0/dialback', zones(out({ certificate: 'valid', dialback: 'over-tls' }), lan()), zones(out({ certificate: 'valid', dialback: 'never' }), lan())],
  ['warning certificate-with-optional-tls Gateway/gw/spec/zones/0/tls', zones(out({ tls: 'optional', certificate: 'valid' }), lan()), zones(out({ certificate: 'valid' }), lan())],
  ['warning clear-outside Gateway/gw/spec/zones/0/tls', zones(out({ tls: 'optional' }), lan()), zones(out(), lan({ tls: 'optional' }))],
  ['error inside-needs-dialback Gateway/gw/spec/zones/1/dialback', zones(out(), lan({ dialback: 'never' })), zones(out(), lan({ dialback: 'over-tls' }))],
  ['error inside-needs-dialback Gateway/gw/spec/zones/1/dialback', zones(out(), lan({ dialback: 'never', tls: 'required', certificates })), zones(out(), lan({ dialback: 'never', tls: 'required', mint: { certificate: 'file:/ca.pem', key: 'file:/ca.key' } }))],
  ['error tls-without-certificate Gateway/gw/spec/zones/0/certificates', zones(out({ certificates: [] }), lan()), zones(out({ certificates: [], tls: 'optional' }), lan())],
  ['error tls-without-certificate Gateway/gw/spec/zones/1/listen/0/kind', zones(out(), lan({ listen: [{ address: '10.0.0.10', port: 5270, kind: 'direct' }] })), zones(out(), lan({ listen: [{ address: '10.0.0.10', port: 5270, kind: 'direct' }], certificates }))],
  ['error tls-without-certificate Gateway/gw/spec/zones/1/certificates', zones(out(), lan({ tls: 'required', certificates: [] })), zones(out(), lan({ tls: 'required', mint: { certificate: 'file:/ca.pem', key: 'file:/ca.key' } }))],
  ['error direct-without-tls Gateway/gw/spec/zones/0/listen/0/kind', zones(out({ tls: 'none', dialback: 'always', listen: [{ address: '192.0.2.10', port: 5270, kind: 'direct' }] }), lan()), zones(out({ listen: [{ address: '192.0.2.10', port: 5270, kind: 'direct' }] }), lan())],
  ['error no-anchors Gateway/gw/spec/zones/0/anchors', zones(out({ certificate: 'valid', anchors: { system: false, given: [] } }), lan()), zones(out({ certificate: 'valid', anchors: { system: true, given: [] } }), lan())],
  // What is wanted, limits, L12.
  ['warning peer-is-ours Gateway/gw/spec/peers/muc.ours.example', spec({ peers: { 'muc.ours.example': 'held' } }), spec({ peers: { 'peer.example': 'held' } })],
  ['warning no-such-pair Gateway/gw/spec/pairs/peer.example ours.example', spec({ pairs: { 'peer.example ours.example': 'held' } }), spec({ pairs: { 'ours.example peer.example': 'held' } })],
  ['warning stanza-limit-low Gateway/gw/spec/limits/stanzaBytes', spec({ limits: { stanzaBytes: 9999 } }), spec({ limits: { stanzaBytes: 10_000 } })],
  ['warning queue-above-all Gateway/gw/spec/limits/queueBytes', spec({ limits: { queueBytes: 200_000_000 } }), spec({ limits: { queueBytes: 200_000_000, queuedBytes: 400_000_000 } })],
  ['warning negotiation-below-hello Gateway/gw/spec/limits/negotiationSeconds', spec({ limits: { negotiationSeconds: 5 } }), spec({ limits: { negotiationSeconds: 5, helloSeconds: 5 } })],
  ['warning address-above-all Gateway/gw/spec/limits/connectionsPerAddress', spec({ limits: { connectionsPerAddress: 2000 } }), spec({ limits: { connectionsPerAddress: 2000, connections: 2000 } })],
  // Policies: L1 to L6, L12, L13.
  ['error certificate-without-tls Policy/p/spec/certificate', one({ tls: 'none', dialback: 'always', certificate: 'valid', reason: 'r' }), one({ certificate: 'valid' })],
  ['error no-authentication Policy/p/spec/dialback', one({ external: false, dialback: 'never' }), one({ dialback: 'never' })],
  ['error no-authentication Policy/p/spec', one({ tls: 'none', reason: 'r' }), one({ tls: 'none', dialback: 'always', reason: 'r' })],
  ['error no-authentication Policy/p/spec/dialback', one({ profile: 'googletalk', dialback: 'never', reason: 'r' }), one({ profile: 'googletalk', reason: 'r' })],
  ['warning dialback-by-certificate-alone Policy/p/spec/dialback', one({ certificate: 'valid', dialback: 'over-tls' }), one({ certificate: 'valid', dialback: 'never' })],
  ['notice dialback-by-certificate-alone Policy/p/spec', one({ certificate: 'valid' }), one({ certificate: 'any' })],
  ['warning certificate-with-optional-tls Policy/p/spec/tls', one({ tls: 'optional', certificate: 'valid', reason: 'r' }), one({ tls: 'required', certificate: 'valid' })],
  ['warning clear-without-reason Policy/p/spec/tls', one({ tls: 'optional' }), one({ tls: 'optional', reason: 'until they have certificates' })],
  ['warning clear-without-reason Policy/p/spec/profile', one({ profile: 'webex' }), one({ profile: 'webex', ticket: 'OPS-1' })],
  ['error pinned-without-pins Policy/p/spec/certificate', one({ certificate: 'pinned' }), one({ certificate: 'pinned', pins: [PIN] })],
  ['warning bidi-without-tls Policy/p/spec/bidi', one({ tls: 'none', dialback: 'always', reason: 'none there', bidi: true }), one({ tls: 'optional', dialback: 'always', reason: 'none there', bidi: true })],
  ['warning pins-unused Policy/p/spec/pins', one({ pins: [PIN] }), one({ certificate: 'pinned', pins: [PIN] })],
  ['error no-anchors Policy/p/spec/anchors', one({ certificate: 'valid', anchors: { system: false, given: [] } }), one({ certificate: 'valid', anchors: { system: false, given: ['file:/a'] } })],
  ['notice hold-without-end Policy/p/spec/action', one({ action: 'hold' }), one({ action: 'hold', until: '2026-11-27T00:00:00Z' })],
  ['notice policy-over Policy/p/spec/until', one({ until: '2026-11-26T12:00:00Z' }), one({ until: '2026-11-26T12:00:01Z' })],
  ['warning stanza-limit-low Policy/p/spec/limits/stanzaBytes', one({ limits: { stanzaBytes: 9999 } }), one({ limits: { stanzaBytes: 10_000 } })],
  ['warning wait-long Policy/p/spec/limits/waitSeconds/iq', one({ limits: { waitSeconds: { iq: 61 } } }), one({ limits: { waitSeconds: { iq: 60 } } })],
  ['error unknown-reference Policy/p/spec/gateways/1', one({ gateways: ['gw', 'gone'] }), one({ gateways: ['gw'] })],
  ['warning policy-of-nobody Policy/p/spec/ours', { policies: { p: policy('other.example', '*') } }, { policies: { p: policy('muc.ours.example', '*') } }],
  ['warning policy-of-nobody Policy/p/spec/ours', { policies: { p: policy('*.other.example', '*') } }, { policies: { p: policy('*.example', '*') } }],
  ['warning policy-peer-is-ours Policy/p/spec/peer', { policies: { p: policy('*', 'muc.ours.example') } }, { policies: { p: policy('*', '*.example') } }],
  ['warning policy-twice Policy/b/spec', { policies: { a: policy('*', 'x.example', { action: 'deny' }), b: policy('*', 'x.example', { action: 'deny', note: 'again' }) } }, { policies: { a: policy('*', 'x.example', { action: 'deny' }) } }],
  ['error policies-contradict Policy/b/spec/action', { policies: { a: policy('*', 'x.example'), b: policy('*', 'x.example', { action: 'deny' }) } }, { policies: { a: policy('*', 'x.example', { direction: 'inbound' }), b: policy('*', 'x.example', { action: 'deny', direction: 'outbound' }) } }],
  ['error policies-contradict Policy/b/spec/action', { policies: { a: policy('*', 'x.example', { gateways: ['gw'] }), b: policy('*', 'x.example', { action: 'deny', gateways: ['gw'] }) } }, { policies: { a: policy('*', 'x.example', { until: '2026-12-01T00:00:00Z' }), b: policy('*', 'x.example', { action: 'deny' }) } }],
  ['error policies-contradict Policy/b/spec/action', { policies: { a: policy('*', 'x.example', { limits: { streams: 2 } }), b: policy('*', 'x.example') } }, { policies: { b: policy('*', 'x.example') } }],
  ['warning policy-never-matches Policy/c/spec', { policies: { a: policy('*', 'x.example', { direction: 'inbound' }), b: policy('*', 'x.example', { direction: 'outbound' }), c: policy('*', 'x.example', { action: 'deny' }) } }, { policies: { a: policy('*', 'x.example', { direction: 'inbound' }), b: policy('*', 'x.example', { direction: 'outbound', until: '2026-12-01T00:00:00Z' }), c: policy('*', 'x.example', { action: 'deny' }) } }],
  ['warning policy-never-matches Policy/c/spec', { policies: { a: policy('ours.example', '*'), b: policy('*.ours.example', '*.example'), c: policy('*', 'x.example', { action: 'deny' }) } }, { policies: { a: policy('ours.example', '*'), c: policy('*', 'x.example', { action: 'deny' }) } }],
  ['warning policy-never-matches Policy/c/spec', { policies: { a: policy('*.ours.example', '*'), b: policy('ours.example', '*'), c: policy('*.example', 'x.example') } }, { policies: { a: policy('*.ours.example', '*'), b: policy('ours.example', '*', { direction: 'inbound' }), c: policy('*.example', 'x.example') } }],
  ['warning policy-never-matches Policy/c/spec', { policies: { a: policy('*.ours.example', '*.example'), b: policy('ours.example', 'x.example'), c: policy('*', 'x.example') } }, { policies: { a: policy('*.ours.example', '*.example'), b: policy('ours.example', '*'), c: policy('*', '*') } }],
  ['warning policies-cross Policy/b/spec', { policies: { a: policy('ours.example', '*.x.example'), b: policy('*', 'a.x.example', { action: 'deny' }) } }, { policies: { a: policy('ours.example', '*.x.example'), b: policy('ours.example', 'a.x.example', { action: 'deny' }) } }],
  // Routes, L11.
  ['error route-twice Route/b/spec/to', { routes: { a: route('*', '192.0.2.1'), b: route('*', '192.0.2.2') } }, { routes: { a: route('*', '192.0.2.1'), b: route('*.example', '192.0.2.2') } }],
  ['error route-twice Route/b/spec/to', { routes: { a: route('*', '192.0.2.1', { gateways: ['gw'] }), b: route('*', '192.0.2.2', { gateways: ['gw'] }) } }, { routes: { a: route('*', '192.0.2.1'), b: route('*', '192.0.2.2', { gateways: ['gw'] }) } }],
  ['error unknown-reference Route/r/spec/gateways/0', { routes: { r: route('*', '192.0.2.1', { gateways: ['gone'] }) } }, { routes: { r: route('*', '192.0.2.1', { gateways: ['gw'] }) } }],
  ['error route-loop Route/r/spec/nextHops/0', { routes: { r: route('peer.example', '192.0.2.10') } }, { routes: { r: route('peer.example', '192.0.2.11') } }],
  ['error route-loop Route/r/spec/nextHops/0', { routes: { r: route('muc.ours.example', '10.0.0.10') } }, { routes: { r: route('muc.ours.example', '10.0.0.11') } }],
  ['error route-loop Route/r/spec/nextHops/0', { gateways: { gw: gateway([out({ listen: [{ address: '0.0.0.0', port: 5269 }] }), lan({ listen: [] })]) }, routes: { r: route('*', '127.0.0.1') } }, { gateways: { gw: gateway([out({ listen: [{ address: '0.0.0.0', port: 5269 }] }), lan({ listen: [] })]) }, routes: { r: route('*', '192.0.2.1') } }],
  ['error route-loop Route/r/spec/nextHops/0', { ...spec({ host: 'gw.example' }), routes: { r: route('*', 'gw.example') } }, { ...spec({ host: 'gw.example' }), routes: { r: { to: '*', nextHops: [{ host: 'gw.example', port: 5000 }] } } }],
  ['error route-loop Route/r/spec/nextHops/0', { ...zones(out(), lan({ responder: responder() })), routes: { r: route('*', 'gw.lan.example') } }, { ...zones(out(), lan({ responder: responder() })), routes: { r: route('*', 'other.lan.example') } }],
  ['error route-loop Domain/ours.example/spec/internal/0', { domains: { 'ours.example': { internal: [{ host: '10.0.0.10', port: 5269 }] } } }, { domains: { 'ours.example': { internal: [{ host: '10.0.0.10', port: 5222 }] } } }],
  ['error route-loop Peer/peer.example/spec/endpoints/0', { peers: { 'peer.example': { endpoints: [{ host: '192.0.2.10', port: 5269 }] } } }, { peers: { 'peer.example': { endpoints: [{ host: '192.0.2.11', port: 5269 }] } } }],
]

describe.each(CASES)('%s', (expected, brings, mended) => {
  it('is said', () => expect(found(brings)).toContain(expected))
  it('and not when it is mended', () => expect(found(mended)).not.toContain(expected))
})

it('has a case for every code that it can say', () => {
  const files = readdirSync(import.meta.dirname).filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  const text = files.map(file => readFileSync(`${import.meta.dirname}/${file}`, 'utf8')).join('')
  const codes = new Set([...text.matchAll(/finding\('(?:error|warning|notice)', '([a-z-]+)'|code: '([a-z-]+)'/g)].map(([, first, second]) => first ?? second))
  codes.delete('policies-not-compared')
  expect([...codes].filter(code => !CASES.some(([expected]) => expected.split(' ')[1] === code))).toEqual([])
  expect(codes.size).toBeGreaterThan(45)
})

it('says that a policy never matches of none that ever does', () => {
  const patterns = ['*', '*.o', 'a.o', '*.a.o', 'x.a.o', 'b.o', '*.p', 'x.p', '*.x.p', 'z']
  const ours = ['a.o', 'x.a.o', 'y.x.a.o', 'b.o']
  const peers = ['p', 'x.p', 'q.x.p', 'z', 'zz.z']
  const aPolicy = record({ ours: constantFrom(...patterns), peer: constantFrom(...patterns), direction: constantFrom('both' as const, 'inbound' as const, 'outbound' as const), until: constantFrom(undefined, undefined, '2026-12-01T00:00:00Z'), gateways: constantFrom(undefined, undefined, ['gw'], ['other']) })
  let flagged = 0
  assert(property(array(aPolicy, { maxLength: 12 }), generated => {
    const policies = Object.fromEntries(generated.map(({ until, gateways, ...rest }, i) => [`p${i}`, policy(rest.ours, rest.peer, { direction: rest.direction, ...(until === undefined ? {} : { until }), ...(gateways === undefined ? {} : { gateways: [...gateways] }) })]))
    const given = assignment({ spec: gateway([out(), lan({ domains: ['a.o', '*.a.o', 'b.o'] })]), policies })
    const never = lintAssignment(given, NOW).filter(({ code }) => code === 'policy-never-matches' || code === 'policy-of-nobody').map(({ pointer }) => pointer.split('/')[2])
    const { decide } = compilePolicy(given)
    flagged += never.length
    for (const at of [NOW, NOW + 30 * 86_400_000]) {
      for (const our of ours) for (const peer of peers) for (const direction of ['inbound', 'outbound'] as const) expect(never).not.toContain(decide({ ours: our, peer }, direction, at).policy ?? '')
    }
  }), { numRuns: 500 })
  expect(flagged).toBeGreaterThan(100)
})

it('says of too many policies that they were not compared, and does not compare them', () => {
  const many = Object.fromEntries(Array.from({ length: 501 }, (_, i) => [`p${i}`, policy('ours.example', `p${i}.example`)]))
  const subject: GatewaySubject = { gateways: [], policies: named(many), routes: [], domains: [], peers: [], complete: true }
  expect([...lintGateways(subject, NOW)]).toMatchObject([{ level: 'notice', code: 'policies-not-compared' }])
})

it('says what is wrong and what to do, in one sentence of whom', () => {
  for (const [, brings] of CASES) {
    const { gateways = { gw: gateway([out(), lan()]) }, policies, routes, domains, peers } = brings
    for (const { says, resource } of lintGateways({ gateways: named(gateways), policies: named(policies), routes: named(routes), domains: named(domains), peers: named(peers), complete: true }, NOW)) {
      expect(says.startsWith(`${resource}: `)).toBe(true)
      expect(says.length).toBeLessThan(400)
      expect(says).not.toMatch(/undefined|\[object/)
    }
  }
})

describe('of an assignment', () => {
  it('points into it', () => {
    const places = lintAssignment(assignment({
      spec: gateway([out(), lan({ listen: [{ address: '0.0.0.0', port: 5269 }] })]), policies: { p: policy('*', 'peer.example', { certificate: 'pinned' }), q: policy('*', 'q.example', { certificate: 'valid' }) },
      routes: { r: route('*', '192.0.2.10') }, domains: { 'ours.example': { internal: [{ host: '192.0.2.10', port: 5269 }] } }, peers: { 'peer.example': { endpoints: [{ host: '192.0.2.10', port: 5269 }] } },
    }), NOW).map(({ level, pointer }) => `${level} ${pointer}`)
    expect(places).toEqual([
      'error /spec/zones/1/listen/0', 'notice /policies/p', 'error /policies/p/certificate', 'notice /policies/q', 'error /routes/r/nextHops/0', 'error /domains/ours.example/internal/0', 'error /peers/peer.example/endpoints/0',
    ])
  })
  it('does not wonder about gateways that it is not told of', () => {
    expect(lintAssignment(assignment({ spec: gateway([out(), lan()]), policies: { p: policy('*', 'peer.example', { gateways: ['gw', 'other'] }) }, routes: { r: route('*', '192.0.2.1', { gateways: ['gw', 'other'] }) } }), NOW)).toEqual([])
  })
})
