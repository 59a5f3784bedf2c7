import { describe, expect, it } from 'vitest'
import { parseResource } from './parse.ts'
import { nearest, shapeProblems } from './shape.ts'
import { GatewaySpec, VantageSpec } from '@dialtone/contracts/schemas'

const probeDomain = { domain: 'probe.example', secret: 'file:/s', listen: [{ address: '0.0.0.0', port: 5269 }] }
const until = '2026-12-01T00:00:00Z'

describe('what no schema can say', () => {
  it.each<[says: string, kind: string, spec: object, pointer: string]>([
    ['is an IPv6 address', 'Vantage', { side: 'inside', sourceAddress: '2001:db8::1', families: [4] }, '/spec/sourceAddress'],
    ['is no IPv4 or IPv6', 'Vantage', { side: 'inside', resolver: { address: '1.2.3' } }, '/spec/resolver/address'],
    ['is no IPv4 or IPv6', 'Vantage', { side: 'inside', probeDomain: { ...probeDomain, listen: [{ address: ':::', port: 1 }] } }, '/spec/probeDomain/listen/0/address'],
    ['given together', 'Vantage', { side: 'inside', probeDomain: { ...probeDomain, certificate: 'file:/c' } }, '/spec/probeDomain/key'],
    ['given together', 'Vantage', { side: 'inside', probeDomain: { ...probeDomain, key: 'file:/k' } }, '/spec/probeDomain/certificate'],
    ["later than 'from'", 'Exception', { effect: 'maintenance', from: until, until, reason: 'x' }, '/spec/until'],
    ['write 2026-11-30T23:00:00.000Z', 'Exception', { effect: 'maintenance', until: '2026-12-01T00:00:00+01:00', reason: 'x' }, '/spec/until'],
    ['is no time', 'Exception', { effect: 'maintenance', until: '2026-06-30T23:59:60Z', reason: 'x' }, '/spec/until'],
    ['accepts the causes that it lists', 'Exception', { effect: 'accept', until, reason: 'x' }, '/spec/causes'],
    ["does not go with 'maintenance'", 'Exception', { effect: 'maintenance', causes: ['unknown'], until, reason: 'x' }, '/spec/causes'],
    ['stands alone', 'Exception', { effect: 'maintenance', vantage: 'inside', domain: 'ours.example', until, reason: 'x' }, '/spec/vantage'],
    ['stands alone', 'Exception', { effect: 'accept', vantage: 'inside', causes: ['unknown'], until, reason: 'x' }, '/spec/vantage'],
    ['nothing that needs accepting', 'Exception', { effect: 'accept', causes: ['unknown', 'healthy'], until, reason: 'x' }, '/spec/causes/1'],
    ['needs the SHA-256', 'Policy', { ours: '*', peer: '*', action: 'allow', certificate: 'pinned' }, '/spec/pins'],
    ["does not go with certificate 'any'", 'Policy', { ours: '*', peer: '*', action: 'allow', pins: ['0'.repeat(64)] }, '/spec/pins'],
    ['can never be met', 'Policy', { ours: '*', peer: '*', action: 'allow', tls: 'none', certificate: 'valid' }, '/spec/certificate'],
    ['can never be met', 'Policy', { ours: '*', peer: '*', action: 'allow', tls: 'none' }, '/spec/dialback'],
    ['empty label', 'Policy', { ours: '*.a..b', peer: '*', action: 'deny' }, '/spec/ours'],
    ['is an address', 'Route', { to: '192.0.2.1', nextHops: [{ host: 'a.example', port: 1 }] }, '/spec/to'],
    ['is no domain', 'Gateway', { desired: 'running', peers: { 'A b': 'held' } }, '/spec/peers/A b'],
    ['is an address', 'ManagedServer', { vantage: 'in', domains: ['192.0.2.1'], hooks: ['status'] }, '/spec/domains/0'],
  ])('%s: a %s', (says, kind, spec, pointer) => {
    const parsed = parseResource(kind, 'x', spec)
    expect('problems' in parsed ? parsed.problems : []).toContainEqual({ pointer, says: expect.stringContaining(says) })
  })

  it.each<[string, object]>([
    ['Policy', { ours: '*', peer: '*', action: 'deny', tls: 'none' }], ['Policy', { ours: '*', peer: '*.example', action: 'allow', tls: 'none', dialback: 'always' }],
    ['Policy', { ours: '*', peer: '*.example', action: 'allow', tls: 'none', profile: 'googletalk' }],
    ['Policy', { ours: '*', peer: '*', action: 'hold', certificate: 'pinned', pins: ['0'.repeat(64)] }],
    ['Exception', { effect: 'accept', causes: ['degraded.slow'], from: '2026-11-30T00:00:00Z', until, reason: 'x' }], ['Vantage', { side: 'outside', probeDomain: { ...probeDomain, key: 'file:/k', certificate: 'file:/c' } }],
  ])('and what can be met is taken: a %s %j', (kind, spec) => expect(parseResource(kind, 'x', spec)).toEqual({ resource: { kind, name: 'x', spec } }))
})

it('names every field that is unknown, and in whose place it stands', () => {
  expect(shapeProblems(VantageSpec, { side: 'inside', resolver: { address: '192.0.2.1', prot: 53 }, probedomain: 1 }, '/spec', 'a Vantage')).toEqual([
    { pointer: '/spec/probedomain', says: "is not a field of a Vantage; is 'probeDomain' meant?" },
    { pointer: '/spec/resolver/prot', says: "is not a field of 'resolver'; is 'port' meant?" },
  ])
})

it('bounds what it says of a value that is wrong all over, and quotes what was given', () => {
  const fields = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}\u001b[2J`, i]))
  const problems = shapeProblems(GatewaySpec, fields, '', 'a Gateway')
  expect(problems.length).toBeLessThanOrEqual(64)
  expect(JSON.stringify(problems)).not.toContain('\\u001b[')
})

it('a name is that of its kind', () => {
  const pointerOf = (kind: string, name: unknown) => { const parsed = parseResource(kind, name, kind === 'Vantage' ? { side: 'inside' } : {}); return 'problems' in parsed ? parsed.problems[0]?.pointer : undefined }
  for (const [kind, name] of [['Domain', 'Ours.example'], ['Domain', 'ours.example.'], ['Peer', '192.0.2.1'], ['Domain', 'a..b'], ['Vantage', 'a.b'], ['Vantage', '-a'], ['Schedule', ''], ['Schedule', 5], ['Peer', `${'a'.repeat(64)}.example`]] as const) expect(pointerOf(kind, name)).toBe('/name')
  expect(pointerOf('constructor', 'x')).toBe('/kind')
  expect(pointerOf('Domain', 'xn--bcher-kva.example')).toBeUndefined()
})

it('guesses a slip of the hand, and nothing far off', () => {
  expect([nearest('hostedby', ['hostedBy']), nearest('hosted_by', ['hostedBy']), nearest('nte', ['note']), nearest('x', ['note', 'ours'])]).toEqual(['hostedBy', 'hostedBy', 'note', undefined])
})
