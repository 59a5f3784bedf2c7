import { expect, it } from 'vitest'
import type { Kind, Specs } from '@dialtone/contracts'
import { configured } from '../test-support.ts'
import { lint } from './lint.ts'

const NOW = Date.parse('2026-11-26T12:00:00Z')
type Given = readonly [Kind, string, Specs[Kind]?][]

/** Both sides covered, so that nothing is said but what the case is about. */
const COVERED: Given = [
  ['Vantage', 'in', { side: 'inside', probeDomain: { domain: 'probe-in.example', secret: 'file:/s', listen: [{ address: '0.0.0.0', port: 5269 }] } }],
  ['Vantage', 'out1', { side: 'outside' }], ['Vantage', 'out2', { side: 'outside' }], ['Domain', 'ours.example'], ['Peer', 'peer.example', { ours: ['ours.example'] }],
]
const until = '2026-12-01T00:00:00Z'
const works = (spec: object) => ({ effect: 'maintenance', until, reason: 'works', ...spec }) as Specs['Exception']
const policy = (ours: string, peer: string, action: 'allow' | 'deny') => ({ ours, peer, action }) as Specs['Policy']

it('has nothing to say of a configuration that is covered and without conflicts', () => {
  expect(lint(configured(...COVERED), { now: NOW })).toEqual([])
})

const CASES: readonly [says: string, level: string, code: string, resource: string | undefined, given: Given][] = [
  ['a domain that is ours and a peer', 'error', 'ours-and-peer', 'Peer/ours.example', [['Peer', 'ours.example']]],
  ['a domain of a peer that is not ours', 'error', 'unknown-reference', 'Peer/p.example', [['Peer', 'p.example', { ours: ['gone.example'] }]]],
  ['a schedule that is none', 'error', 'unknown-reference', 'Domain/d.example', [['Domain', 'd.example', { schedule: 'nightly' }]]],
  ['a resolver shared with nobody', 'error', 'unknown-reference', 'Vantage/v', [['Vantage', 'v', { side: 'outside', sharesResolverWith: ['gone.example'] }]]],
  ['a server at no vantage', 'error', 'unknown-reference', 'ManagedServer/s', [['ManagedServer', 's', { vantage: 'gone', domains: ['ours.example'], hooks: ['status'] }]]],
  ['a server of no domain', 'error', 'unknown-reference', 'ManagedServer/s', [['ManagedServer', 's', { vantage: 'in', domains: ['gone.example'], hooks: ['status'] }]]],
  ['a server managed from outside', 'warning', 'managed-from-outside', 'ManagedServer/s', [['ManagedServer', 's', { vantage: 'out1', domains: ['ours.example'], hooks: ['status'] }]]],
  ['an exception for nobody', 'error', 'unknown-reference', 'Exception/e', [['Exception', 'e', works({ peer: 'gone.example' })]]],
  ['a domain hosted by itself', 'error', 'hosted-by-itself', 'Domain/d.example', [['Domain', 'd.example', { hostedBy: ['d.example'] }]]],
  ['a host that is no peer', 'notice', 'hosted-by-no-peer', 'Domain/d.example', [['Domain', 'd.example', { hostedBy: ['big.example'] }]]],
  ['a sub-domain that is none', 'warning', 'not-a-sub-domain', 'Domain/d.example', [['Domain', 'd.example', { alsoClaimed: ['muc.other.example'] }]]],
  ['a probe domain that is real', 'error', 'probe-domain-is-real', 'Vantage/v', [['Vantage', 'v', { side: 'outside', probeDomain: { domain: 'ours.example', secret: 'file:/s', listen: [{ address: '0.0.0.0', port: 5269 }] } }]]],
  ['a probe domain of two', 'error', 'probe-domain-twice', 'Vantage/v', [['Vantage', 'v', { side: 'outside', probeDomain: { domain: 'probe-in.example', secret: 'file:/s', listen: [{ address: '0.0.0.0', port: 5269 }] } }]]],
  ['a private address expected in public', 'warning', 'private-expected-address', 'Domain/d.example', [['Domain', 'd.example', { expectedAddresses: ['10.0.0.1'] }]]],
  ['a kind of secret without one', 'warning', 'secret-of-nothing', 'Domain/d.example', [['Domain', 'd.example', { secretOf: 'cups' }]]],
  ['a name inside that may be private', 'notice', 'internal-name', 'Domain/d.example', [['Domain', 'd.example', { internal: [{ host: 'xmpp.lan.example', port: 5269 }] }]]],
  ['a net that is everything', 'warning', 'wide-net', 'Peer/p.example', [['Peer', 'p.example', { ours: ['ours.example'], allowNets: ['0.0.0.0/0'] }]]],
  ['deep checks in our name without a secret', 'warning', 'shared-without-secret', 'Peer/p.example', [['Peer', 'p.example', { ours: ['ours.example'], deep: 'shared' }]]],
  ['one network on both sides of the firewall', 'warning', 'network-on-both-sides', 'Vantage/v', [['Vantage', 'v', { side: 'outside', network: 'in' }]]],
  ['a paused vantage', 'notice', 'vantage-paused', 'Vantage/v', [['Vantage', 'v', { side: 'outside', desired: 'paused' }]]],
  ['an exception that is over', 'notice', 'exception-over', 'Exception/e', [['Exception', 'e', works({ domain: 'gone.example', until: '2026-11-26T12:00:00Z' })]]],
  ['an exception that lasts for ever', 'error', 'exception-long', 'Exception/e', [['Exception', 'e', works({ domain: 'ours.example', until: '2030-01-01T00:00:00Z' })]]],
  ['a maintenance of everything', 'error', 'exception-of-all', 'Exception/e', [['Exception', 'e', works({})]]],
  ['causes that are accepted everywhere', 'warning', 'exception-of-all', 'Exception/e', [['Exception', 'e', works({ effect: 'accept', causes: ['degraded.slow'] })]]],
  ['two exceptions of one thing', 'warning', 'exception-overlaps', 'Exception/f', [['Exception', 'e', works({ domain: 'ours.example' })], ['Exception', 'f', works({ domain: 'ours.example', from: '2026-11-30T00:00:00Z' })]]],
  ['a schedule slower while failing', 'warning', 'slower-while-failing', 'Schedule/default', [['Schedule', 'default', { failingEverySeconds: 120 }]]],
  ['a schedule deeper than light', 'warning', 'deep-before-light', 'Schedule/default', [['Schedule', 'default', { lightEverySeconds: 3600, deepEverySeconds: 900 }]]],
  ['a schedule within the retry window', 'warning', 'deep-in-retry-window', 'Schedule/default', [['Schedule', 'default', { deepEverySeconds: 120 }]]],
  ['a paused schedule', 'notice', 'schedule-paused', 'Schedule/default', [['Schedule', 'default', { desired: 'paused' }]]],
  ['a schedule of nobody', 'notice', 'schedule-unused', 'Schedule/nightly', [['Schedule', 'nightly']]],
  ['more connections than a vantage may make', 'warning', 'over-budget', 'Domain/d.example', [['Schedule', 'fast', { lightEverySeconds: 5 }], ['Domain', 'd.example', { schedule: 'fast' }]]],
  ['a gateway without zones', 'warning', 'gateway-without-zones', 'Gateway/g', [['Gateway', 'g', { desired: 'running' }]]],
  ['a policy of a gateway that does not exist', 'error', 'unknown-reference', 'Policy/p', [['Policy', 'p', { ...policy('*', 'x.example', 'deny'), gateways: ['gone'] }]]],
  ['a route of a gateway that does not exist', 'error', 'unknown-reference', 'Route/r', [['Route', 'r', { to: '*', gateways: ['gone'], nextHops: [{ host: '192.0.2.1', port: 5269 }] }]]],
  ['a server that is the gateway itself', 'error', 'route-loop', 'Domain/d.example', [['Domain', 'd.example', { internal: [{ host: '192.0.2.9', port: 5269 }] }], ['Gateway', 'g', { desired: 'running', zones: [{ name: 'out', side: 'external', listen: [{ address: '192.0.2.9', port: 5269 }] }] }]]],
  ['a gateway with a word about nobody', 'notice', 'gateway-unknown-peer', 'Gateway/g', [['Gateway', 'g', { desired: 'running', peers: { 'gone.example': 'held' } }]]],
  ['policies that contradict', 'error', 'policies-contradict', 'Policy/b', [['Policy', 'a', policy('*', 'x.example', 'allow')], ['Policy', 'b', policy('*', 'x.example', 'deny')]]],
  ['policies that repeat', 'warning', 'policy-twice', 'Policy/b', [['Policy', 'a', policy('*', 'x.example', 'deny')], ['Policy', 'b', policy('*', 'x.example', 'deny')]]],
  ['policies that cross', 'warning', 'policies-cross', 'Policy/b', [['Policy', 'a', policy('ours.example', '*.x.example', 'allow')], ['Policy', 'b', policy('*', 'a.x.example', 'deny')]]],
  ['two routes of one domain', 'error', 'route-twice', 'Route/b', [['Route', 'a', { to: '*', nextHops: [{ host: '192.0.2.1', port: 5269 }] }], ['Route', 'b', { to: '*', nextHops: [{ host: '192.0.2.2', port: 5269 }] }]]],
]
it.each(CASES)('says of %s: %s %s', (_, level, code, resource, given) => {
  const found = lint(configured(...COVERED, ...given), { now: NOW }).filter(finding => finding.code === code)
  expect(found).toMatchObject([{ level, code, ...(resource === undefined ? {} : { resource }) }])
  expect(found[0]?.says.length).toBeGreaterThan(20)
})

const without = (...names: string[]) => COVERED.filter(([, name]) => !names.includes(name))
it.each<[string, string, Given]>([
  ['no vantage at all', 'no-vantage', without('in', 'out1', 'out2')],
  ['no inside vantage', 'no-inside-vantage', without('in')],
  ['internal addresses that nobody can ask', 'internal-untested', [...without('in', 'ours.example'), ['Domain', 'ours.example', { internal: [{ host: '192.0.2.5', port: 5269 }] }]]],
  ['no outside vantage', 'no-outside-vantage', without('out1', 'out2')],
  ['one network outside', 'one-outside-network', without('out2')],
  ['nobody who can try dialback', 'no-dialback', [...without('in'), ['Vantage', 'in', { side: 'inside' }]]],
  ['probe checks without a probe domain', 'probe-without-domain', [...without('in', 'peer.example'), ['Vantage', 'in', { side: 'inside' }], ['Peer', 'peer.example', { deep: 'probe' }]]],
  ['peers of nobody', 'peers-without-ours', [...without('ours.example', 'peer.example'), ['Peer', 'peer.example']]],
  ['more pairs than agents can be handed', 'too-many-pairs', [...COVERED, ...Array.from({ length: 200 }, (_, i): Given[number] => ['Domain', `d${i}.example`]), ...Array.from({ length: 100 }, (_, i): Given[number] => ['Peer', `p${i}.example`])]],
])('says what stays untested with %s', (_, code, given) => {
  expect(lint(configured(...given), { now: NOW }).map(finding => finding.code)).toContain(code)
})

it('says the same whatever the order in which resources were written, and worst first', () => {
  const given = [...COVERED, ...CASES.filter(([, , code]) => !code.startsWith('schedule')).flatMap(([, , , , more]) => more)]
  const found = lint(configured(...given), { now: NOW })
  expect(lint(configured(...[...new Map(given.map(one => [`${one[0]}/${one[1]}`, one])).values()].toReversed()), { now: NOW })).toEqual(found)
  const levels = found.map(({ level }) => ['error', 'warning', 'notice'].indexOf(level))
  expect(levels).toEqual(levels.toSorted((a, b) => a - b))
})
