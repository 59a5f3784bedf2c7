import { assert, array, constantFrom, integer, option, property, record } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { GatewayAssignment, PolicySpec, RouteSpec, ZoneSpec } from '@dialtone/contracts'
import { canonicalDomain } from '@dialtone/stream'
import type { Direction } from './decision.ts'
import { EXTERNAL_LEG, INTERNAL_LEG, PAIR_LIMITS, legOfZone } from './defaults.ts'
import { MOST_DECISIONS, compilePolicy } from './policy-table.ts'
import { OUTSIDE, assignment, inside, policy } from './test-support.ts'

const NOW = Date.parse('2026-11-26T12:00:00Z')
const chosen = (policies: Record<string, PolicySpec>, ours: string, peer: string, direction: Direction = 'inbound', more: Partial<GatewayAssignment> = {}) =>
  compilePolicy(assignment({ policies, ...more })).decide({ ours, peer }, direction, NOW).policy

describe('the most exact policy wins', () => {
  it.each<[string, Record<string, PolicySpec>, string | undefined]>([
    ['none fits', { a: policy('*', 'other.example') }, undefined],
    ['everything', { a: policy('*', '*') }, 'a'],
    ['a suffix before everything', { a: policy('*', '*'), b: policy('*', '*.partner.example') }, 'b'],
    ['the longer suffix before the shorter', { a: policy('*', '*.example'), b: policy('*', '*.partner.example') }, 'b'],
    ['the domain before its suffix', { a: policy('*', '*.partner.example'), b: policy('*', 'chat.partner.example') }, 'b'],
    ['ours before the peer', { a: policy('*', 'chat.partner.example'), b: policy('ours.example', '*') }, 'b'],
    ['a suffix of ours before the exact peer', { a: policy('*', 'chat.partner.example'), b: policy('*.example', '*') }, 'b'],
    ['the wider ours where the exact one fits no such peer', { a: policy('*', '*'), b: policy('ours.example', 'other.example') }, 'a'],
    ['one direction before both', { a: policy('*', '*'), b: policy('*', '*', { direction: 'inbound' }) }, 'b'],
    ['not of the other direction', { a: policy('*', '*'), b: policy('ours.example', 'chat.partner.example', { direction: 'outbound' }) }, 'a'],
    ['one gateway before all', { a: policy('*', '*'), b: policy('*', '*', { gateways: ['gw'] }) }, 'b'],
    ['not of another gateway', { a: policy('*', '*'), b: policy('ours.example', 'chat.partner.example', { gateways: ['other'] }) }, 'a'],
    ['what ends before what lasts', { a: policy('*', '*'), b: policy('*', '*', { until: '2026-11-27T00:00:00Z' }) }, 'b'],
    ['not what has ended', { a: policy('*', '*'), b: policy('ours.example', '*', { until: '2026-11-26T12:00:00Z' }) }, 'a'],
    ['the suffix is no name of its own', { a: policy('*', '*.chat.partner.example') }, undefined],
    ['a suffix ends at a dot', { a: policy('*', '*.artner.example') }, undefined],
  ])('%s', (_, policies, name) => expect(chosen(policies, 'ours.example', 'chat.partner.example')).toBe(name))
})

it('decides what a policy leaves open by its profile, then by the external zone, then by the defaults', () => {
  const zones = [{ ...OUTSIDE, tls: 'optional', dialback: 'always' } as ZoneSpec, inside('ours.example')]
  const decide = (spec: Partial<PolicySpec>, given: ZoneSpec[] = zones) => compilePolicy(assignment({ spec: { desired: 'running', zones: given }, policies: { p: policy('*', '*', spec) } })).decide({ ours: 'ours.example', peer: 'p.example' }, 'outbound', NOW)
  expect(decide({}, []).leg).toEqual(EXTERNAL_LEG)
  expect(decide({}).leg).toEqual({ ...EXTERNAL_LEG, tls: 'optional', dialback: 'always' })
  expect(decide({ profile: 'googletalk' }).leg).toMatchObject({ tls: 'none', dialback: 'always', external: false, withoutDialback: false })
  expect(decide({ profile: 'googletalk', tls: 'required', external: true }).leg).toMatchObject({ tls: 'required', dialback: 'always', external: true })
  expect(decide({ profile: 'webex' })).toMatchObject({ profile: 'webex', leg: { tls: 'optional', external: false } })
  expect(decide({ profile: 'expressway' }).leg).toMatchObject({ tls: 'required', dialback: 'over-tls', certificate: 'valid' })
  expect(decide({ certificate: 'pinned', pins: ['a'.repeat(64)] }).leg).toMatchObject({ certificate: 'pinned', pins: ['a'.repeat(64)] })
  expect(legOfZone(inside('ours.example'))).toEqual(INTERNAL_LEG)
  expect(legOfZone({ ...inside('ours.example'), tls: 'required' })).toEqual({ ...INTERNAL_LEG, tls: 'required' })
})

it('takes limits from the policy, then the gateway, then the defaults', () => {
  const table = compilePolicy(assignment({
    spec: { desired: 'running', zones: [OUTSIDE], limits: { stanzaBytes: 20_000, queueStanzas: 5 } },
    policies: { p: policy('*', 'limited.example', { limits: { queueStanzas: 7, stanzasPerSecond: 3, waitSeconds: { iq: 5 } } }) },
  }))
  expect(table.decide({ ours: 'o.example', peer: 'p.example' }, 'inbound', NOW).limits).toEqual({ ...PAIR_LIMITS, stanzaBytes: 20_000, queueStanzas: 5 })
  expect(table.decide({ ours: 'o.example', peer: 'limited.example' }, 'inbound', NOW).limits).toEqual({ ...PAIR_LIMITS, stanzaBytes: 20_000, queueStanzas: 7, stanzasPerSecond: 3, waitMs: { ...PAIR_LIMITS.waitMs, iq: 5000 } })
})

it('says what is done: shadow-deny allows and counts, what nobody speaks of is allowed unless the gateway denies it', () => {
  const decide = (spec: Partial<PolicySpec>, unmatched?: 'deny') => compilePolicy(assignment({ spec: { desired: 'running', zones: [OUTSIDE], ...(unmatched === undefined ? {} : { unmatched }) }, policies: { p: policy('*', 'p.example', spec) } }))
  const pair = { ours: 'o.example', peer: 'p.example' }
  for (const [action, expected] of [['allow', { action: 'allow', shadow: false }], ['deny', { action: 'deny', shadow: false }], ['hold', { action: 'hold', shadow: false }], ['shadow-deny', { action: 'allow', shadow: true }]] as const) {
    expect(decide({ action }).decide(pair, 'inbound', NOW)).toMatchObject({ ...expected, policy: 'p' })
  }
  const other = { ours: 'o.example', peer: 'q.example' }
  expect(decide({}).decide(other, 'inbound', NOW)).toMatchObject({ action: 'allow', matched: 'no policy fits, and pairs that none fits are allowed' })
  expect(decide({}).decide(other, 'inbound', NOW)).not.toHaveProperty('policy')
  expect(decide({}, 'deny').decide(other, 'inbound', NOW)).toMatchObject({ action: 'deny', matched: 'no policy fits, and pairs that none fits are denied' })
  expect(decide({ until: '2026-12-01T00:00:00Z', reason: 'works' }).decide(pair, 'inbound', NOW).matched).toBe("Policy/p is the most exact that fits: ours '*', peer 'p.example', until 2026-12-01T00:00:00Z: works")
})

it('says what is wanted of a pair, before what is wanted of its peer', () => {
  const { decide } = compilePolicy(assignment({ spec: { desired: 'running', zones: [OUTSIDE], peers: { 'p.example': 'held' }, pairs: { 'a.example p.example': 'draining', 'b.example p.example': 'enabled' } } }))
  const wanted = (ours: string, peer: string) => decide({ ours, peer }, 'outbound', NOW).wanted
  expect([wanted('a.example', 'p.example'), wanted('b.example', 'p.example'), wanted('c.example', 'p.example'), wanted('c.example', 'q.example')]).toEqual(['draining', 'enabled', 'held', 'enabled'])
})

it('gives the same object while the answer is the same, and another from the moment when an exception has ended', () => {
  const until = NOW + 1000
  const { decide } = compilePolicy(assignment({ policies: { always: policy('*', '*', { action: 'deny' }), now: policy('*', 'p.example', { until: new Date(until).toISOString() }) } }))
  const at = (now: number) => decide({ ours: 'o.example', peer: 'p.example' }, 'inbound', now)
  const first = at(NOW)
  expect(first).toMatchObject({ action: 'allow', policy: 'now', until })
  expect(at(until - 1)).toBe(first)
  const after = at(until)
  expect(after).toMatchObject({ action: 'deny', policy: 'always' })
  expect(at(until + 1000)).toBe(after)
  expect(decide({ ours: 'o.example', peer: 'q.example' }, 'outbound', NOW)).toBe(after)
})

it('keeps a bounded number of pairs whoever asks, and still gives the same object to those in use', () => {
  const { decide, kept } = compilePolicy(assignment({ policies: { a: policy('*', '*.partner.example'), b: policy('*', '*') } }))
  const busy = { ours: 'o.example', peer: 'x.partner.example' }
  const first = decide(busy, 'inbound', NOW)
  let most = 0
  for (let i = 0; i < 3 * MOST_DECISIONS; i++) {
    decide({ ours: `o${i % 3}.example`, peer: `p${i}.example` }, 'inbound', NOW)
    if (i % 1000 === 0) {
      most = Math.max(most, kept())
      expect(decide(busy, 'inbound', NOW)).toBe(first)
    }
  }
  expect(most).toBeGreaterThan(MOST_DECISIONS / 2)
  expect(most).toBeLessThanOrEqual(MOST_DECISIONS)
})

const DOMAINS = ['a', 'a.b', 'x.a.b', 'b', 'c', 'x.c', 'y.x.c', 'xc', 'x.a.bc']
const PATTERNS = [...DOMAINS, '*', '*.b', '*.a.b', '*.c', '*.x.c']
it('agrees with a search through all policies', () => {
  const aPolicy = record({
    ours: constantFrom(...PATTERNS), peer: constantFrom(...PATTERNS), action: constantFrom('allow' as const, 'deny' as const, 'hold' as const),
    direction: option(constantFrom('both' as const, 'inbound' as const, 'outbound' as const), { nil: undefined }), gateways: option(constantFrom(['gw'], ['other'], ['gw', 'other']), { nil: undefined }), minutes: option(integer({ min: -2, max: 5 }), { nil: undefined }),
  })
  assert(property(array(aPolicy, { maxLength: 30 }), array(record({ ours: constantFrom(...DOMAINS), peer: constantFrom(...DOMAINS), direction: constantFrom('inbound' as const, 'outbound' as const) }), { maxLength: 20 }), (generated, asked) => {
    const policies = Object.fromEntries(generated.map(({ ours, peer, action, direction, gateways, minutes }, i) => [`p${i}`, policy(ours, peer, { action, ...(direction === undefined ? {} : { direction }), ...(gateways === undefined ? {} : { gateways: [...gateways] }), ...(minutes === undefined ? {} : { until: new Date(NOW + minutes * 60_000).toISOString() }) })]))
    const { decide } = compilePolicy(assignment({ policies }))
    for (const now of [NOW, NOW + 60_000, NOW + 240_000]) {
      for (const { direction, ...sides } of asked) expect(decide(sides, direction, now).policy).toBe(searched(policies, sides, direction, now))
    }
  }))
})

/** Every policy is looked at and scored, with no table and no order but the numbers of its score. */
function searched (policies: Record<string, PolicySpec>, { ours, peer }: { ours: string, peer: string }, direction: Direction, now: number): string | undefined {
  const score = (pattern: string, domain: string) => pattern === domain ? 1000 : pattern === '*' ? 1 : pattern.startsWith('*.') && domain.endsWith(pattern.slice(1)) ? 1 + pattern.length : 0
  let best: { name: string, scores: number[] } | undefined
  for (const [name, spec] of Object.entries(policies)) {
    if (score(spec.ours, ours) === 0 || score(spec.peer, peer) === 0 || spec.gateways?.includes('gw') === false || (spec.until !== undefined && Date.parse(spec.until) <= now)) continue
    if (spec.direction !== undefined && spec.direction !== 'both' && spec.direction !== direction) continue
    const scores = [score(spec.ours, ours), score(spec.peer, peer), (spec.direction ?? 'both') === 'both' ? 0 : 1, spec.gateways === undefined ? 0 : 1, spec.until === undefined ? -Infinity : -Date.parse(spec.until)]
    const differs = best === undefined ? 0 : scores.findIndex((value, i) => value !== best?.scores[i])
    const better = best === undefined || (differs === -1 ? name < best.name : (scores[differs] ?? 0) > (best.scores[differs] ?? 0))
    if (better) best = { name, scores }
  }
  return best?.name
}

describe('whose server has a domain', () => {
  const table = (...zones: ZoneSpec[]) => compilePolicy(assignment({ spec: { desired: 'running', zones: [OUTSIDE, ...zones] } }))
  it('is told by the most exact pattern of the internal zones', () => {
    const { zoneOf } = table(inside('ours.example', '*.ours.example'), { ...inside('lab.ours.example', '*.lab.ours.example'), name: 'lab' }, { ...inside(), name: 'parts', components: { accept: { listen: [{ address: '192.0.2.1', port: 5347 }], domains: { 'sms.ours.example': 'file:/s' } } } })
    expect(['ours.example', 'muc.ours.example', 'lab.ours.example', 'muc.lab.ours.example', 'sms.ours.example', 'p.example', 'xours.example'].map(zoneOf)).toEqual(['inside', 'inside', 'lab', 'lab', 'parts', undefined, undefined])
  })
  it('is never the external zone', () => expect(compilePolicy(assignment({ spec: { desired: 'running', zones: [{ ...OUTSIDE, domains: ['ours.example'] }] } })).zoneOf('ours.example')).toBeUndefined())
})

describe('where what is for a domain goes', () => {
  const route = (to: string, host: string, more: Partial<RouteSpec> = {}): RouteSpec => ({ to, nextHops: [{ host, port: 5269 }], ...more })
  const { wayTo } = compilePolicy(assignment({
    spec: { desired: 'running', zones: [OUTSIDE, inside('ours.example', '*.ours.example', 'routed.example', 'nowhere.example'), { ...inside('lab.ours.example'), name: 'lab' }] },
    domains: { 'ours.example': { internal: [{ host: '10.0.0.1', port: 5269 }] }, 'routed.example': { internal: [{ host: '10.0.0.2', port: 5269 }] }, 'nowhere.example': {} },
    peers: { 'named.example': { endpoints: [{ host: '192.0.2.1', port: 5270 }] }, 'both.example': { endpoints: [{ host: '192.0.2.2', port: 5270 }] }, 'plain.example': {}, 'sub.far.example': { endpoints: [{ host: '192.0.2.3', port: 5270 }] } },
    routes: { both: route('both.example', 'r1'), far: route('*.far.example', 'r2'), other: route('plain.example', 'r3', { gateways: ['other'] }), muc: route('muc.ours.example', 'r4'), inner: route('routed.example', 'r5'), deep: route('*.x.ours.example', 'r6'), wide: route('deep.example', 'r7'), own: route('deep.example', 'r8', { gateways: ['gw'] }) },
  }))
  it.each([
    ['plain.example', undefined], ['named.example', 'peer named.example'], ['both.example', 'route both'], ['a.far.example', 'route far'], ['far.example', undefined], ['sub.far.example', 'peer sub.far.example'], ['deep.example', 'route own'],
    ['ours.example', 'internal ours.example'], ['pubsub.ours.example', 'internal ours.example'], ['muc.ours.example', 'route muc'], ['routed.example', 'route inner'], ['a.x.ours.example', 'route deep'],
  ])('%s: %s', (domain, expected) => {
    const way = wayTo(domain)
    expect(way === undefined ? undefined : `${way.by} ${way.name}`).toBe(expected)
  })
  it('never leads to a domain of ours by records, by the way out, or through the server of another zone', () => {
    expect(wayTo('nowhere.example')).toEqual({ hops: [], by: 'internal', name: 'nowhere.example' })
    expect(wayTo('lab.ours.example')).toEqual({ hops: [], by: 'internal', name: 'lab.ours.example' })
    const out = compilePolicy(assignment({ spec: { desired: 'running', zones: [OUTSIDE, inside('ours.example')] }, routes: { out: route('*', 'proxy') } }))
    expect(out.wayTo('ours.example')).toEqual({ hops: [], by: 'internal', name: 'ours.example' })
    expect(out.wayTo('p.example')).toMatchObject({ by: 'route', name: 'out' })
  })
})

describe('D10: 40 ways to write a domain are one domain or none', () => {
  const table = compilePolicy(assignment({
    spec: { desired: 'running', zones: [OUTSIDE, inside('ours.example', 'xn--bcher-kva.example')] },
    policies: { deny: policy('ours.example', 'evil.example', { action: 'deny' }), rest: policy('*', '*') },
  }))
  const SAME: readonly [string, string][] = [
    ...['ours.example', 'OURS.EXAMPLE', 'Ours.Example', 'oUrS.eXaMpLe', 'ours.example.', 'OURS.example.', 'ours.EXAMPLE.'].map((text): [string, string] => [text, 'ours.example']),
    ...['evil.example', 'EVIL.EXAMPLE', 'Evil.example.', 'eviL.examplE'].map((text): [string, string] => [text, 'evil.example']),
    ...['xn--bcher-kva.example', 'XN--BCHER-KVA.example', 'bücher.example', 'BÜCHER.EXAMPLE', 'bu\u0308cher.example', 'Bücher.example.'].map((text): [string, string] => [text, 'xn--bcher-kva.example']),
  ]
  const NONE = [
    '', '.', '..', 'ours..example', '.ours.example', 'ours.example..', ' ours.example', 'ours.example ', 'ours .example', 'ours.example\u0000', 'ours.example\u0000.evil.example', 'ours.example/x', 'user@ours.example', '*.ours.example', '*', '[::1]',
    '[2001:db8::1]', 'ours.example:5269', '-ours.example', 'ours-.example', `${'a'.repeat(64)}.example`, 'ours\u3002example', 'ours\uFF0Eexample', 'ours\u200B.example', 'ours\u00AD.example',
  ]
  it('has 40 or more of them', () => expect(SAME.length + NONE.length).toBeGreaterThanOrEqual(40))
  it.each(SAME)('%j is %s', (text, domain) => {
    const canonical = canonicalDomain(text) ?? ''
    expect(canonical).toBe(domain)
    expect(table.zoneOf(canonical)).toBe(domain === 'evil.example' ? undefined : 'inside')
    expect(table.decide({ ours: 'ours.example', peer: canonical }, 'inbound', NOW).action).toBe(domain === 'evil.example' ? 'deny' : 'allow')
  })
  it.each(['\uFF4Furs.example', '\u043Eurs.example', 'ours.\u0435xample', 'xn--urs-7zd.example'])('%j looks like ours, is another and foreign', text => {
    const canonical = canonicalDomain(text) ?? ''
    expect(canonical).toMatch(/^(xn--|ours\.xn--)/)
    expect(table.zoneOf(canonical)).toBeUndefined()
  })
  it.each(NONE)('%j is none, and is not ours as it stands either', text => {
    expect(canonicalDomain(text)).toBeUndefined()
    expect(table.zoneOf(text)).toBeUndefined()
  })
})
