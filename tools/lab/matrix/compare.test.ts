import type { Cause, Side, State } from '@dialtone/contracts'
import { describe, expect, it } from 'vitest'
import { alertOf, alertsOf, mayBeTold, sameAlert } from './alerts.ts'
import { compare, keyOf, rowsOf, told, type Row, type SideExpectation } from './compare.ts'
import { mergedWith, staleOf, summary, type MatrixResult, type RowResult } from './result.ts'
import { matrixPage } from './table.ts'

const row = (domain: string, cause: Cause, state: State, peer?: string, side: Side = 'ours'): Row => ({ domain, cause, state, side, sentence: '', ...(peer === undefined ? {} : { peer }) })
const BEFORE = rowsOf([row('ours.example', 'healthy', 'up'), row('ours.example', 'healthy', 'up', 'a.example'), row('ours.example', 'healthy', 'up', 'b.example')])
const DOWN = row('ours.example', 'service.down', 'down')
const FOLLOWS = row('ours.example', 'peer.partition', 'degraded', 'b.example', 'peer')
const EXPECTS: SideExpectation = { rows: [DOWN], follows: [FOLLOWS], alerts: alertsOf([DOWN]) }
const after = (...changed: Row[]) => new Map([...BEFORE, ...rowsOf(changed)])
const found = (...rows: Row[]) => {
  const { missing, explained, unexplained } = compare(EXPECTS, BEFORE, after(...rows))
  return { missing: missing.length, explained: explained.map(keyOf), unexplained: unexplained.map(keyOf) }
}

describe('what a fleet says while something is broken', () => {
  it('is right when it is what was expected, and pairs that say the same follow', () => {
    expect(found(DOWN, row('ours.example', 'service.down', 'down', 'a.example'))).toEqual({ missing: 0, explained: ['ours.example a.example'], unexplained: [] })
  })
  it('is missing while another cause, state or side is said', () => {
    expect(found(row('ours.example', 'service.silent', 'down')).missing).toBe(1)
    expect(found(row('ours.example', 'service.down', 'degraded')).missing).toBe(1)
    expect(found(row('ours.example', 'service.down', 'down', undefined, 'path')).missing).toBe(1)
    expect(found().missing).toBe(1)
  })
  it('is not right while anything else is wrong that nothing explains', () => {
    expect(found(DOWN, row('ours.example', 'peer.unreachable', 'down', 'a.example'))).toMatchObject({ unexplained: ['ours.example a.example'] })
    expect(found(DOWN, row('ours.example', 'service.down', 'degraded', 'a.example'))).toMatchObject({ unexplained: ['ours.example a.example'] })
    expect(found(DOWN, row('ours.example', 'service.down', 'down', 'a.example', 'path'))).toMatchObject({ unexplained: ['ours.example a.example'] })
    expect(found(DOWN, FOLLOWS)).toMatchObject({ explained: ['ours.example b.example'], unexplained: [] })
    expect(found(DOWN, { ...FOLLOWS, peer: 'a.example' })).toMatchObject({ unexplained: ['ours.example a.example'] })
    expect(found(DOWN, { ...FOLLOWS, state: 'down' })).toMatchObject({ unexplained: ['ours.example b.example'] })
  })
  it('of one pair explains neither the domain nor other pairs', () => {
    const one = row('ours.example', 'dialback.domain-claimed', 'down', 'a.example', 'peer')
    const { peer: _, ...domain } = one
    const { missing, unexplained } = compare({ rows: [one], alerts: [] }, BEFORE, after(one, domain, { ...one, peer: 'b.example' }))
    expect([missing, unexplained.map(keyOf)]).toEqual([[], ['ours.example', 'ours.example b.example']])
  })
  it('is not right when a row is gone', () => {
    expect(compare(EXPECTS, BEFORE, rowsOf([DOWN])).unexplained.map(keyOf)).toEqual(['ours.example a.example', 'ours.example b.example'])
  })
  it('where nothing is expected, is wrong with any change', () => {
    expect(compare({ rows: [], alerts: [] }, BEFORE, after(DOWN)).unexplained.map(told)).toEqual(['ours.example: service.down (down, ours)'])
  })
})

describe('who may be told', () => {
  const SERVICE = { alert: 'DialtoneServiceDown', labels: { domain: 'ours.example', cause: 'service.down', side: 'ours', severity: 'page' } } as const
  it('follows from what is said: by whose it is and how bad', () => {
    expect(alertsOf([DOWN])).toEqual([SERVICE])
    const severity = (...of: Parameters<typeof row>) => alertOf(row(...of)).map(({ labels }) => labels['severity'])
    expect([
      severity('a.example', 'path.interfered', 'down', undefined, 'path'), severity('a.example', 'peer.unreachable', 'down', 'b.example', 'peer'), severity('a.example', 'certificate.expired', 'degraded'),
      severity('a.example', 'degraded.slow', 'degraded', 'b.example', 'peer'), severity('a.example', 'unknown', 'unknown', undefined, 'observer'), severity('a.example', 'policy.refused-by-us', 'down'),
    ]).toEqual([['page'], ['ticket'], ['ticket'], ['notice'], ['notice'], []])
  })
  it('of a pair whose domain has the same nobody need be told, but may', () => {
    const pair = row('ours.example', 'service.down', 'down', 'a.example')
    expect(alertsOf([DOWN, pair])).toEqual([SERVICE])
    for (const peer of ['a.example', 'c.example']) expect(mayBeTold(EXPECTS, { ...SERVICE, labels: { ...SERVICE.labels, peer } })).toBe(true)
  })
  it('is told of what is expected or follows, with those labels and no others', () => {
    expect([SERVICE, ...alertOf(FOLLOWS)].map(each => mayBeTold(EXPECTS, each))).toEqual([true, true])
    const others = [
      { ...SERVICE, alert: 'DialtonePathBlocked' as const }, ...Object.entries({ domain: 'b.example', cause: 'service.silent', side: 'path', severity: 'ticket', vantage: 'inside' }).map(([label, value]) => ({ ...SERVICE, labels: { ...SERVICE.labels, [label]: value } })),
      ...alertOf({ ...FOLLOWS, peer: 'a.example' }), { alert: 'DialtoneControlDown' as const, labels: { job: 'dialtone-control', severity: 'page' } },
    ]
    expect(others.filter(each => mayBeTold(EXPECTS, each))).toEqual([])
    expect(sameAlert(SERVICE, { alert: 'DialtoneServiceDown', labels: { ...SERVICE.labels, alertname: 'DialtoneServiceDown', peer: '' } })).toBe(true)
  })
})

describe('results', () => {
  const result = (commit: string, ...names: string[]): MatrixResult => ({ healthy: ran('nothing', commit), breaks: names.map(name => ran(name, commit)), standing: [] })
  const merged = mergedWith(result('old', 'a', 'b', 'gone'), { ...result('new', 'b', 'c'), breaks: [ran('b', 'new', false), ran('c', 'new')] }, ['c', 'b', 'a'])
  it('keep rows of before that were not run again, in the order of all', () => {
    expect(merged.breaks.map(({ name }) => name)).toEqual(['c', 'b', 'a'])
    expect(summary(merged)).toBe('3 of 4 right')
  })
  it('tell rows that are older than the last commit', () => {
    expect(staleOf(merged).map(({ name }) => name)).toEqual(['a'])
    const lines = matrixPage(merged).split('\n').filter(line => line.startsWith('| `'))
    expect(lines.map(line => line.split(' | ').at(-1))).toEqual(['yes |', 'yes |', '**no** |', 'yes (old: `old`) |'])
  })
  it('tell what was said for a moment: of whom, what, and when', () => {
    const { healthy, ...more } = result('new')
    const [shared, bare] = [
      ['ours.example', 'ours.example with a.example', 'ours.example with b.example'].map((about, at) => `after ${at === 0 ? 0.5 : 1.5} s, until 4 s: ${about}: peer.partition (degraded, path): "ours.example: it (a) disagrees." because of: TCP timeout (north)`),
      ['after 3 s: ours.example: unknown (unknown, observer): "nobody has looked yet." because of: no evidence'],
    ]
    const { fleets } = healthy
    expect(matrixPage({ ...more, healthy: { ...healthy, fleets: { shared: { ...fleets.shared, meanwhile: shared }, bare: { ...fleets.bare, meanwhile: bare } } } })).toContain(
      '- `nothing`: shared: `ours.example: peer.partition (degraded, path)` from 0.5 to 4, `ours.example with a.example, b.example: peer.partition (degraded, path)` from 1.5 to 4; bare: `ours.example: unknown (unknown, observer)` after 3\n')
    expect(matrixPage({ ...more, healthy })).not.toContain('## For a moment')
  })
})

function ran (name: string, commit: string, right = true): RowResult {
  const fleet = { expected: [], named: [], right, wrong: right ? [] : ['it is not'], expectedAlerts: [], alerts: [], others: [] }
  return { name, says: name, at: `2026-01-0${commit === 'old' ? 1 : 2}T00:00:00Z`, setUp: { commit, scale: 30, processors: 2 }, fleets: { shared: fleet, bare: fleet } }
}
