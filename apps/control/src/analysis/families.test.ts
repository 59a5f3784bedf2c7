import { expect, it } from 'vitest'
import { createBoard, type Entry, type Half } from './board.ts'
import { verdictFamilies } from './families.ts'

const half = (direction?: 'out' | 'in'): Half => ({
  key: 'k', ...(direction === undefined ? {} : { direction }), state: 'down', cause: 'service.down', side: 'ours', sentence: 's', confidence: 'proved', agreement: { inside: 1, insideAgree: 1, outside: 0, outsideAgree: 0 }, since: 1000, same: 1,
})
const entry = (peer?: string): Entry => ({ key: peer ?? 'ours', domain: 'ours.example', ...(peer === undefined ? {} : { peer }), halves: peer === undefined ? [half()] : [half('out'), half('in')], judgedAt: 0, checkedAt: 2000, certificateEnd: 3000, quietBecause: 'moving' })

it('has at most one series of a domain or pair in each metric, and at most twelve in all', () => {
  const subjects = [entry(), ...Array.from({ length: 100 }, (_, n) => entry(`peer${n}.example`))]
  const perSubject = new Map<string, number>()
  for (const { metric, values } of verdictFamilies({ subjects: () => subjects })) {
    const labelled = [...values()].map(({ labels }) => `${labels['domain'] ?? ''} ${labels['peer'] ?? ''}`)
    expect(new Set(labelled).size, metric.name).toBe(labelled.length)
    for (const subject of labelled) perSubject.set(subject, (perSubject.get(subject) ?? 0) + 1)
  }
  expect(perSubject.size).toBe(101)
  expect(Math.max(...perSubject.values())).toBeLessThanOrEqual(12)
})

it('shows only the cause of now', () => {
  const values = () => verdictFamilies({ subjects: () => [now] }).find(({ metric }) => metric.name === 'dialtone_cause_info')?.values() ?? []
  let now = entry('partner.example')
  expect([...values()].map(({ labels }) => labels)).toEqual([{ domain: 'ours.example', peer: 'partner.example', cause: 'service.down', side: 'ours' }])
  now = { ...now, halves: [{ ...half('out'), state: 'up', cause: 'healthy', side: 'nobody' }] }
  expect([...values()].map(({ labels }) => labels)).toEqual([{ domain: 'ours.example', peer: 'partner.example', cause: 'healthy', side: 'nobody' }])
})

it('says that the inside alone does not reach a domain, while somebody is to look from outside', () => {
  const values = (entries: Entry[], outside: boolean) => [...verdictFamilies({ subjects: () => entries }, () => outside).find(({ metric }) => metric.name === 'dialtone_unreached_from_inside_alone')?.values() ?? []]
  const unreached: Entry = { ...entry(), halves: [{ ...half(), cause: 'peer.unreachable' }] }
  const heard: Entry = { ...unreached, halves: [{ ...half(), cause: 'peer.unreachable', agreement: { inside: 0, insideAgree: 0, outside: 1, outsideAgree: 1 } }] }
  expect(values([unreached], true)).toEqual([{ labels: { domain: 'ours.example', peer: '' }, value: 1 }])
  expect([values([unreached], false), values([heard, entry(), entry('partner.example')], true)]).toEqual([[], []])
})

it('says that something is quiet while it is', () => {
  const values = (entries: Entry[]) => [...verdictFamilies({ subjects: () => entries }).find(({ metric }) => metric.name === 'dialtone_quiet')?.values() ?? []]
  const { quietBecause: _, ...loud } = entry('loud.example')
  expect(values([loud, entry('quiet.example')])).toEqual([{ labels: { domain: 'ours.example', peer: 'quiet.example' }, value: 1 }])
})

it('a board of ten thousand pairs stays in order, and a page of it is quick', () => {
  const board = createBoard()
  const STATES = ['up', 'down', 'degraded', 'unknown'] as const
  for (let n = 0; n < 10_000; n++) board.place({ ...entry(`peer${n}.example`), halves: [{ ...half('out'), state: STATES[n % 4] ?? 'up' }] })
  for (let n = 0; n < 10_000; n += 7) board.place({ ...entry(`peer${n}.example`), halves: [{ ...half('out'), state: 'down' }] })
  const seen: string[] = []
  const times: number[] = []
  for (let cursor: string | undefined, more = true; more;) {
    const began = performance.now()
    const { rows, next } = board.page({}, { limit: 100, ...(cursor === undefined ? {} : { cursor }) })
    times.push(performance.now() - began)
    seen.push(...rows.map(({ state, peer }) => `${['down', 'degraded', 'unknown', 'up'].indexOf(state)} ${peer ?? ''}`))
    cursor = next
    more = next !== undefined
  }
  expect(seen).toEqual(seen.toSorted((a, b) => a < b ? -1 : 1))
  expect(new Set(seen).size).toBe(10_000)
  expect(times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]).toBeLessThan(50)
  expect(() => board.page({}, { limit: 1, cursor: 'bm9uc2Vuc2U' })).toThrow(expect.objectContaining({ code: 'bad-cursor' }))
})
