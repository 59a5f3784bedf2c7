import { expect, it } from 'vitest'
import { answer, asked, at, observation, srv } from '../test-support/observation.ts'
import { casesOf, detailsOf, outcomesOf } from '../test-support/cases.ts'
import { dnsAnswered } from './dns-answered.ts'
import { dnsTime } from './dns-time.ts'
import { dnsTtl } from './dns-ttl.ts'
import { dnssec, dnssecAddresses } from './dnssec.ts'

const SIGNED = { authenticated: true }

it.each(casesOf(dnsAnswered, {
  answered: { 'records and an absence': asked(answer('xmpp-server', [srv('x.example')]), answer('xmpps-server', 'nxdomain')) },
  servfail: { 'a broken zone behind a working resolver': asked(answer('xmpp-server', 'servfail'), answer('control', [{ type: 'SOA', ttl: 1, serial: 1 }])) },
  refused: { 'a resolver that serves others': asked(answer('xmpp-server', 'refused')) },
  timeout: { 'one question of two': asked(answer('xmpp-server', 'timeout'), answer('xmpps-server', 'nodata')) },
  unreachable: { 'nothing on port 53': asked(answer('xmpp-server', 'unreachable')) },
  malformed: { 'a captive portal': asked(answer('xmpp-server', 'malformed')) },
  'other-rcode': { 'NOTIMP': asked(answer('xmpp-server', 'other-rcode', { rcode: 4 })) },
  'resolver-failed': { 'the control name alone': asked(answer('xmpp-server', [srv('x.example')]), answer('control', 'timeout')) },
  'not-asked': { 'addresses named by the operator': asked() },
}))('%s', (_, outcome, found) => expect(found()).toContain(outcome))

it('s2s.dns-answered gives one finding per class, and blames the resolver when the control name fails too', () => {
  expect(outcomesOf(dnsAnswered, asked(answer('xmpp-server', 'servfail'), answer('xmpps-server', 'timeout'), answer('control', 'timeout')))).toEqual(['servfail', 'timeout', 'resolver-failed'])
})

it('s2s.dns-answered does not count the question that only tells a bogus zone from a dead one', () => {
  expect(outcomesOf(dnsAnswered, asked(answer('xmpp-server', 'servfail'), answer('unvalidated', 'timeout')))).toEqual(['servfail'])
})

it('s2s.dns-answered says why, as the resolver does (RFC 8914)', () => {
  expect(detailsOf(dnsAnswered, asked(answer('xmpp-server', 'servfail', { extended: [{ code: 22, text: 'at 192.0.2.7' }] })))).toEqual([
    'SRV _xmpp-server._tcp.partner.example (no reachable authority (RFC 8914 code 22): at 192.0.2.7)',
  ])
})

it.each(casesOf(dnsTime, {
  quick: { 'a cache': asked(answer('xmpp-server', 'nodata')) },
  slow: { 'four seconds for one of two': asked(answer('xmpp-server', 'nodata'), answer('xmpps-server', 'servfail', { ms: 4000 })) },
  'not-known': { 'time-outs alone': asked(answer('xmpp-server', 'timeout', { ms: 5000 })) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it.each(casesOf(dnsTtl, {
  usual: { 'an hour': asked(answer('xmpp-server', [srv('x.example', { ttl: 3600 })])), 'an absence for a day': asked(answer('xmpp-server', 'nxdomain', { negativeTtl: 86_400 })) },
  long: {
    'two days for SRV': asked(answer('xmpp-server', [srv('x.example', { ttl: 172_800 })])),
    'two days for an address': asked(answer('xmpp-server', [srv('x.example')]), answer('target', [at('192.0.2.1', 172_800)])),
    'two days for an alias': asked(answer('target', [at('192.0.2.1')], { aliases: [{ from: 'a.example', to: 'b.example', ttl: 172_800 }] })),
    'an absence for two days': asked(answer('xmpp-server', 'nxdomain', { negativeTtl: 172_800 })),
  },
  'not-known': { 'no answer': asked(answer('xmpp-server', 'timeout')) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('s2s.dns-ttl shows the longest of each kind', () => {
  expect(detailsOf(dnsTtl, asked(answer('xmpp-server', [srv('x.example', { ttl: 300 }), srv('y.example', { ttl: 600 })]), answer('xmpps-server', 'nodata', { negativeTtl: 900 }), answer('target', [at('192.0.2.1', 60)]))))
    .toEqual(['SRV 600 s, addresses 60 s, absence 900 s'])
})

it.each(casesOf(dnssec, {
  secure: { 'records and a proved absence': asked(answer('xmpp-server', [srv('x.example')], SIGNED), answer('xmpps-server', 'nxdomain', SIGNED)) },
  insecure: { 'an unsigned zone': asked(answer('xmpp-server', [srv('x.example')]), answer('xmpps-server', 'nxdomain')), 'one service of two': asked(answer('xmpp-server', [srv('x.example')], SIGNED), answer('xmpps-server', 'nxdomain')) },
  bogus: {
    'SERVFAIL that goes away without checking': asked(answer('xmpp-server', 'servfail'), answer('unvalidated', [srv('x.example')])),
    'SERVFAIL that becomes an absence without checking': asked(answer('xmpp-server', 'servfail'), answer('unvalidated', 'nxdomain')),
    'a resolver that says so': asked(answer('xmpp-server', 'servfail', { extended: [{ code: 7, text: '' }] })),
    'a resolver that is not believed, and that says so': observation({ asked: { resolverTrusted: false }, dns: [answer('xmpp-server', 'servfail', { extended: [{ code: 6, text: '' }] })] }),
  },
  untrusted: { 'a resolver far away': observation({ asked: { resolverTrusted: false }, dns: [answer('xmpp-server', [srv('x.example')], SIGNED)] }) },
  'not-known': {
    'SERVFAIL either way': asked(answer('xmpp-server', 'servfail'), answer('unvalidated', 'servfail')),
    'another question that is answered without checking': asked(answer('xmpp-server', 'servfail'), answer('unvalidated', [at('192.0.2.1')], { type: 'A', name: 'xmpp.partner.example' })),
    'one signed answer and one time-out': asked(answer('xmpp-server', [srv('x.example')], SIGNED), answer('xmpps-server', 'timeout')),
  },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it.each(casesOf(dnssecAddresses, {
  secure: { 'a signed host': asked(answer('target', [at('192.0.2.1')], SIGNED)) },
  insecure: { 'a host in an unsigned zone': asked(answer('xmpp-server', [srv('x.example')], SIGNED), answer('target', [at('192.0.2.1')])) },
  bogus: { 'a bogus host': asked(answer('target', 'servfail'), answer('unvalidated', [at('192.0.2.1')], { type: 'A', name: 'xmpp.partner.example' })) },
  untrusted: { 'a resolver far away': observation({ asked: { resolverTrusted: false }, dns: [answer('target', [at('192.0.2.1')], SIGNED)] }) },
  'not-known': { 'no answer': asked(answer('target', 'timeout')) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))
