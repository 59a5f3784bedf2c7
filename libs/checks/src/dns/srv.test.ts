import { expect, it } from 'vitest'
import type { DnsAnswer, DnsRecord, Observation } from '@dialtone/contracts'
import { answer, asked, at, endpoint, observation, srv } from '../test-support/observation.ts'
import { casesOf, detailsOf, outcomesOf } from '../test-support/cases.ts'
import { addressFallback } from './address-fallback.ts'
import { idn } from './idn.ts'
import { leftOut } from './left-out.ts'
import { srvBalance } from './srv-balance.ts'
import { srvDirectLookup } from './srv-direct-lookup.ts'
import { srvLegacy } from './srv-legacy.ts'
import { srvLookup } from './srv-lookup.ts'
import { srvOrder } from './srv-order.ts'
import { srvPort } from './srv-port.ts'
import { srvRules } from './srv-rules.ts'

const X = 'x.example'
const Y = 'y.example'
const DOT = srv('.')
const HEADER = { id: 'i', contentNamespace: 'jabber:server', dialbackNamespace: true }

it.each(casesOf(srvLookup, {
  published: { 'a record': server(srv(X)), "a record beside '.'": server(srv(X), DOT) },
  'direct-only': { "'.' beside real direct TLS": asked(answer('xmpp-server', [DOT]), answer('xmpps-server', [srv(X)])) },
  disabled: { "'.' alone": server(DOT), "'.' for both": asked(answer('xmpp-server', [DOT]), answer('xmpps-server', [DOT])) },
  absent: { NXDOMAIN: asked(answer('xmpp-server', 'nxdomain')), NODATA: asked(answer('xmpp-server', 'nodata')) },
  servfail: { SERVFAIL: asked(answer('xmpp-server', 'servfail')) },
  unanswered: { 'a time-out': asked(answer('xmpp-server', 'timeout')), 'a refusal': asked(answer('xmpp-server', 'refused')) },
  'not-asked': { 'named endpoints': asked() },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('s2s.srv-lookup shows what DNS said with control characters escaped', () => {
  expect(detailsOf(srvLookup, server(srv('\u001B[31mx.example')))).toEqual(['\\u{1b}[31mx.example:5269 (priority 0, weight 0)'])
})

it.each(casesOf(srvDirectLookup, {
  published: { 'a record': direct(srv(X)) },
  absent: { NXDOMAIN: asked(answer('xmpps-server', 'nxdomain')) },
  disabled: { "'.' beside STARTTLS": asked(answer('xmpp-server', [srv(X)]), answer('xmpps-server', [DOT])), "'.' beside a failure": asked(answer('xmpp-server', 'servfail'), answer('xmpps-server', [DOT])) },
  'disabled-alone': { "'.' and no other record": asked(answer('xmpp-server', 'nxdomain'), answer('xmpps-server', [DOT])) },
  failed: { SERVFAIL: asked(answer('xmpps-server', 'servfail')) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it.each(casesOf(srvLegacy, {
  absent: { NXDOMAIN: asked(answer('legacy-jabber', 'nxdomain')) },
  alone: { 'a record from 2003': asked(answer('legacy-jabber', [srv(X)])) },
  'not-known': { 'a time-out': asked(answer('legacy-jabber', 'timeout')) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it.each(casesOf(srvRules, {
  kept: { 'a host name with an address': withTarget(srv(X), [at('192.0.2.1')]), 'an address of one family, the other unanswered': asked(answer('xmpp-server', [srv(X)]), answer('target', [at('192.0.2.1')], { name: X }), answer('target', 'timeout', { name: X, type: 'AAAA' })) },
  'mixed-dot': { "'.' beside a target": server(DOT, srv(X)) },
  alias: { 'a CNAME': withTarget(srv(X), [at('192.0.2.1')], { aliases: [{ from: X, to: Y, ttl: 1 }] }) },
  literal: { 'IPv4': withTarget(srv('192.0.2.1'), 'nxdomain', { name: '192.0.2.1' }), 'IPv6': server(srv('2001:db8::1')) },
  localhost: { 'localhost': withTarget(srv('localhost'), [at('127.0.0.1')], { name: 'localhost' }) },
  unicode: { 'a U-label': server(srv('m\u00FCnchen.example')) },
  'not-a-name': { 'a blank': server(srv('x example')), 'a port in the name': server(srv('x.example:5269')) },
  'port-zero': { 'port 0': withTarget(srv(X, { port: 0 }), [at('192.0.2.1')]) },
  dangling: { 'one target of two has no such host': asked(answer('xmpp-server', [srv(X), srv('other.partner.example')]), answer('target', 'nxdomain', { name: X }), answer('target', [at('192.0.2.1')], { name: 'other.partner.example' })) },
  'all-dangling': { 'no such host': withTarget(srv(X), 'nxdomain') },
  duplicate: { 'one target twice': asked(answer('xmpp-server', [srv(X), srv(X, { priority: 5 })]), answer('target', [at('192.0.2.1')], { name: X })) },
  'not-known': { 'a target that was not answered for': withTarget(srv(X), 'timeout') },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('s2s.srv-rules does not take one name in both services for a double', () => {
  expect(outcomesOf(srvRules, asked(answer('xmpp-server', [srv(X)]), answer('xmpps-server', [srv(X, { port: 5270 })]), answer('target', [at('192.0.2.1')], { name: X })))).toEqual(['kept'])
})

it('s2s.srv-rules gives one finding per rule, whatever the number of records', () => {
  const records = Array.from({ length: 100 }, (_, i) => srv(`x ${i}`))
  expect(detailsOf(srvRules, server(...records))).toEqual(['x 0, x 1, x 10, x 11, x 12, x 13 and 94 more'])
})

it.each(casesOf(srvOrder, {
  agreed: {
    'one service': both([srv(X)], 'nxdomain'),
    'direct TLS first by priority': both([srv(X, { priority: 5 })], [srv(Y, { priority: 0 })]),
    'equal priorities: any order is right': both([srv(X)], [srv(Y)]),
  },
  'direct-first': { 'STARTTLS first by priority': both([srv(X)], [srv(Y, { priority: 5 })]), 'direct TLS in between': both([srv(X), srv('z.example', { priority: 9 })], [srv(Y, { priority: 5 })]) },
  'not-known': { 'no answer about direct TLS': both([srv(X)], 'timeout') },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('s2s.srv-order shows both orders', () => {
  expect(detailsOf(srvOrder, both([srv(X), srv('z.example')], [srv(Y, { priority: 5, port: 5270 })]))).toEqual(['by priority: x.example:5269 or z.example:5269, y.example:5270; Prosody: y.example:5270, x.example:5269 or z.example:5269'])
})

it.each(casesOf(srvBalance, {
  single: { 'one target': server(srv(X)), 'one target in both services': both([srv(X)], [srv(X, { port: 5270 })]) },
  spread: { 'two hosts': two('192.0.2.1', '192.0.2.2'), 'weights 0 alone': two('192.0.2.1', '192.0.2.2') },
  starved: { '0 beside 10': two('192.0.2.1', '192.0.2.2', { weight: 10 }) },
  'one-address': { 'two names of one host': two('192.0.2.1', '192.0.2.1') },
  'not-known': { 'a target that was not answered for': asked(answer('xmpp-server', [srv(X), srv(Y)]), answer('target', [at('192.0.2.1')], { name: X }), answer('target', 'timeout', { name: Y })) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('s2s.srv-balance does not mind the weight 0 of a spare', () => {
  expect(outcomesOf(srvBalance, two('192.0.2.1', '192.0.2.2', { weight: 10, priority: 20 }))).toEqual(['spread'])
})

it.each(casesOf(srvPort, {
  usual: { '5269 and 5270': both([srv(X)], [srv(X, { port: 5270 })]) },
  https: { '443 for direct TLS': direct(srv(X, { port: 443 })) },
  unusual: { '15269': server(srv(X, { port: 15_269 })) },
  client: { '5222': server(srv(X, { port: 5222 })) },
  elsewhere: { 'XMPP on the port that is not published': observation({ dns: [answer('xmpp-server', [srv(X, { port: 5369 })])], endpoints: [endpoint({ source: 'port-probe', header: HEADER })] }) },
  'not-known': { 'no answer': asked(answer('xmpp-server', 'timeout')) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('s2s.srv-port does not say elsewhere where the standard port is dead too', () => {
  const dead = endpoint({ source: 'port-probe' }, { at: 'tcp', failure: { at: 'tcp', why: 'refused' } })
  expect(outcomesOf(srvPort, observation({ dns: [answer('xmpp-server', [srv(X, { port: 5369 })])], endpoints: [dead] }))).toEqual(['unusual'])
})

it.each(casesOf(addressFallback, {
  'not-needed': { 'an SRV record': server(srv(X)), 'one service answered, the other not': both([srv(X)], 'servfail') },
  used: { 'an address alone': asked(answer('xmpp-server', 'nxdomain'), answer('xmpps-server', 'nxdomain'), answer('fallback', [at('192.0.2.1')])) },
  'no-address': { 'nothing': asked(answer('xmpp-server', 'nxdomain'), answer('xmpps-server', 'nxdomain'), answer('fallback', 'nodata'), answer('fallback', 'nodata', { type: 'AAAA' })) },
  forbidden: { "'.'": both([DOT], 'nxdomain'), "'.' of direct TLS alone": both('nxdomain', [DOT]) },
  predicted: { SERVFAIL: both('servfail', 'servfail'), 'a time-out behind a resolver that works': asked(answer('xmpp-server', 'timeout'), answer('xmpps-server', 'nodata'), answer('control', 'nodata')) },
  'not-known': {
    'a broken resolver': asked(answer('xmpp-server', 'timeout'), answer('xmpps-server', 'timeout'), answer('control', 'timeout')),
    'no answer about the address': asked(answer('xmpp-server', 'nxdomain'), answer('xmpps-server', 'nxdomain'), answer('fallback', 'nodata'), answer('fallback', 'timeout', { type: 'AAAA' })),
  },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it.each(casesOf(idn, {
  ascii: { 'plain names': server(srv(X)) },
  'not-known': { 'no answer about either service': both('timeout', 'servfail') },
  idn: { 'a domain': observation({ domain: 'xn--mnchen-3ya.example' }), 'a target': server(srv('xn--mnchen-3ya.example')) },
  broken: { 'no Punycode': server(srv('xn--0.example')), 'an encoding of nothing': server(srv('xn--abc-.example')) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('s2s.idn shows the name that was meant', () => {
  expect(detailsOf(idn, observation({ domain: 'xn--mnchen-3ya.example' }))).toEqual(['xn--mnchen-3ya.example is m\u00FCnchen.example'])
})

it.each(casesOf(leftOut, {
  none: { 'two targets': server(srv(X), srv(Y)) },
  'not-known': { 'no answer about either service': both('timeout', 'refused') },
  some: { 'more than the bound': observation({ dns: [answer('xmpp-server', [srv(X)])], leftOut: 3 }) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

function server (...records: DnsRecord[]): Observation {
  return asked(answer('xmpp-server', records))
}

function direct (...records: DnsRecord[]): Observation {
  return asked(answer('xmpps-server', records))
}

function both (starttls: Parameters<typeof answer>[1], directTls: Parameters<typeof answer>[1]): Observation {
  return asked(answer('xmpp-server', starttls), answer('xmpps-server', directTls))
}

function withTarget (record: DnsRecord, found: Parameters<typeof answer>[1], given: Partial<DnsAnswer> = {}): Observation {
  return asked(answer('xmpp-server', [record]), answer('target', found, { name: X, ...given }))
}

/** Two targets of equal priority and no weight, but for what the second is given. */
function two (first: string, second: string, given: Parameters<typeof srv>[1] = {}): Observation {
  return asked(answer('xmpp-server', [srv(X), srv(Y, given)]), answer('target', [at(first)], { name: X }), answer('target', [at(second)], { name: Y }))
}
