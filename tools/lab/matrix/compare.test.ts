import type { Cause, State } from '@dialtone/contracts'
import { describe, expect, it } from 'vitest'
import { compare, keyOf, rowsOf, told, type Row, type SideExpectation } from './compare.ts'
import { mergedWith, summary, type MatrixResult, type RowResult } from './result.ts'

const row = (domain: string, cause: Cause, state: State, peer?: string): Row => ({ domain, cause, state, side: 'ours', sentence: '', ...(peer === undefined ? {} : { peer }) })
const BEFORE = rowsOf([row('ours.example', 'healthy', 'up'), row('ours.example', 'healthy', 'up', 'a.example'), row('ours.example', 'healthy', 'up', 'b.example')])
const EXPECTS: SideExpectation = { rows: [{ domain: 'ours.example', cause: 'service.down', state: 'down' }], follows: [{ peer: 'b.example', causes: ['peer.partition'] }], alerts: ['DialtoneServiceDown'] }
const after = (...changed: Row[]) => new Map([...BEFORE, ...rowsOf(changed)])
const found = (...changed: Row[]) => {
  const { missing, explained, unexplained } = compare(EXPECTS, BEFORE, after(...changed))
  return { missing: missing.length, explained: explained.map(keyOf), unexplained: unexplained.map(keyOf) }
}

describe('what a fleet says while something is broken', () => {
  const down = row('ours.example', 'service.down', 'down')
  it('is right when it is what was expected, and pairs that have the same cause follow', () => {
    expect(found(down, row('ours.example', 'service.down', 'down', 'a.example'))).toEqual({ missing: 0, explained: ['ours.example a.example'], unexplained: [] })
  })
  it('is missing while another cause, or another state, is said', () => {
    expect(found(row('ours.example', 'service.silent', 'down')).missing).toBe(1)
    expect(found(row('ours.example', 'service.down', 'degraded')).missing).toBe(1)
    expect(found().missing).toBe(1)
  })
  it('is not right while anything else is wrong that nothing explains', () => {
    expect(found(down, row('ours.example', 'peer.unreachable', 'down', 'a.example'))).toMatchObject({ unexplained: ['ours.example a.example'] })
    expect(found(down, row('ours.example', 'peer.partition', 'degraded', 'b.example'))).toMatchObject({ explained: ['ours.example b.example'], unexplained: [] })
  })
  it('is not right when a row is gone', () => {
    expect(compare(EXPECTS, BEFORE, rowsOf([down])).unexplained.map(keyOf)).toEqual(['ours.example a.example', 'ours.example b.example'])
  })
  it('where nothing is expected, is wrong with any change', () => {
    expect(compare({ rows: [], alerts: [] }, BEFORE, after(down)).unexplained.map(told)).toEqual(['ours.example: service.down (down, ours)'])
  })
})

it('keeps rows of before that were not run again, in the order of all', () => {
  const result = (...names: string[]): MatrixResult => ({ seconds: 60, healthy: ran('nothing'), breaks: names.map(name => ran(name)), standing: [] })
  const merged = mergedWith(result('a', 'b', 'gone'), { ...result('b', 'c'), breaks: [ran('b', false), ran('c')] }, ['c', 'b', 'a'])
  expect(merged.breaks.map(({ name }) => name)).toEqual(['c', 'b', 'a'])
  expect([summary(merged), merged.seconds]).toEqual(['3 of 4 right', 120])
})

function ran (name: string, right = true): RowResult {
  const fleet = { expected: [], named: [], right, wrong: right ? [] : ['it is not'], expectedAlerts: [], alerts: [], others: [] }
  return { name, says: name, at: '2026-01-01T00:00:00Z', fleets: { shared: fleet, bare: fleet } }
}
