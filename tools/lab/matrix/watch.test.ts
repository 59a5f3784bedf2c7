// What makes a row of the matrix wrong, by a fleet that says what it is told to, at times that are set.
import { STATES } from '@dialtone/contracts'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Fleets, Told } from '../seams.ts'
import { alertsOf } from './alerts.ts'
import { rowsOf, type Row, type SideExpectation } from './compare.ts'
import { watchBroken, watchRecovery, type Watched } from './watch.ts'

const WELL: Row = { domain: 'ours.example', cause: 'healthy', state: 'up', side: 'nobody', sentence: 'well' }
const DOWN: Row = { domain: 'ours.example', cause: 'service.down', state: 'down', side: 'ours', sentence: 'down' }
const EXPECTS: SideExpectation = { rows: [DOWN], alerts: alertsOf([DOWN]) }
const NOTHING: SideExpectation = { rows: [], alerts: [] }
const PATIENCE = { nameMs: 60_000, alertMs: 60_000, quietMs: 90_000, settledMs: 45_000, recoverMs: 30_000, scrapedMs: 100 }
const BEGAN = 1_000_000

let says: readonly Row[] | Error
let scraped: readonly Row[] | undefined
let sent: Told[]
let out: string[]
let watched: Watched

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: BEGAN })
  says = [WELL]
  scraped = undefined
  sent = []
  out = []
  const rows = async (): Promise<readonly Row[]> => says instanceof Error ? await Promise.reject(says) : await Promise.resolve(says)
  const query = async (expr: string) => (scraped ?? await rows()).map(({ domain, cause, side, state }) => ({ labels: expr === 'dialtone_state' ? { domain, peer: '' } : { domain, peer: '', cause, side }, value: STATES.indexOf(state) })).filter(() => expr !== 'ALERTS')
  const fleets = { rows, told: () => sent, notified: async () => await Promise.resolve(out.map(domain => ({ alert: 'DialtoneServiceDown', labels: { domain } }))), prometheus: () => ({ query }), ask: async () => await Promise.resolve({ verdict: { cause: 'unknown', evidence: [] } }) }
  watched = { fleets: fleets as unknown as Fleets, fleet: 'shared', before: rowsOf([WELL]), patience: PATIENCE }
})
afterEach(() => { vi.useRealTimers() })

const at = (seconds: number): void => { vi.setSystemTime(BEGAN + seconds * 1000) }
const tell = (labels: Readonly<Record<string, string>> = {}): void => { sent.push({ at: Date.now(), to: 'page', status: 'firing', alert: 'DialtoneServiceDown', labels: { alertname: 'DialtoneServiceDown', ...EXPECTS.alerts[0]?.labels, ...labels } }) }
/** Looks at each of these seconds, when that was done; gives whether it has ended. */
const looks = async (watcher: ReturnType<typeof watchBroken>, ...steps: readonly [seconds: number, happens?: () => void][]): Promise<boolean> => {
  for (const [seconds, happens] of steps) {
    at(seconds)
    happens?.()
    await watcher.look()
  }
  return watcher.ended()
}
const down = (): void => { says = [DOWN] }

it('is right when it is named, told, and stays so for a while', async () => {
  const watcher = watchBroken(watched, EXPECTS, BEGAN)
  expect(await looks(watcher, [1], [5, down])).toBe(false)
  expect(await looks(watcher, [12, tell], [13])).toBe(false)
  expect(await looks(watcher, [16])).toBe(true)
  expect(await watcher.result()).toMatchObject({ right: true, secondsToName: 5, secondsToAlert: 12 })
})

it('is not at its end any more when it is not right any more', async () => {
  const watcher = watchBroken(watched, EXPECTS, BEGAN)
  expect(await looks(watcher, [5, down], [12, tell], [16])).toBe(true)
  expect(await looks(watcher, [17, () => { says = [WELL] }])).toBe(false)
  expect(await looks(watcher, [66])).toBe(true)
  expect((await watcher.result()).wrong).toEqual([expect.stringContaining('ours.example: service.down (down, ours) is not said; ours.example: healthy')])
})

it('is wrong when another is told than should be, or with other labels', async () => {
  const watcher = watchBroken(watched, EXPECTS, BEGAN)
  expect(await looks(watcher, [5, down], [12, () => { tell({ domain: 'other.example' }) }], [20])).toBe(false)
  expect(await looks(watcher, [66])).toBe(true)
  expect((await watcher.result()).wrong).toEqual([
    'not told: DialtoneServiceDown cause=service.down domain=ours.example severity=page side=ours', 'told, and should not have been: DialtoneServiceDown cause=service.down domain=other.example severity=page side=ours',
  ])
})

it('where nothing is expected, is watched for long, and wrong if something is said late though it goes away, or anybody is told', async () => {
  const early = watchBroken(watched, NOTHING, BEGAN)
  expect(await looks(early, [5, down], [20, () => { says = [WELL] }], [89])).toBe(false)
  expect(await looks(early, [91])).toBe(true)
  expect(await early.result()).toMatchObject({ right: true, wrong: [], meanwhile: [expect.stringContaining('after 5 s, until 20 s: ours.example: service.down')] })
  const late = watchBroken(watched, NOTHING, BEGAN)
  await looks(late, [46, down], [47, () => { says = [WELL] }], [95, tell])
  expect((await late.result()).wrong).toEqual([expect.stringMatching(/^not expected, though it went away: ours\.example: service\.down/), expect.stringMatching(/^told, and should not have been/)])
})

it('tells of what was said for a moment when it went for good', async () => {
  const watcher = watchBroken(watched, EXPECTS, BEGAN)
  const other: Row = { ...DOWN, domain: 'other.example' }
  await looks(watcher, [2, () => { says = [WELL, other] }], [3, () => { says = [WELL] }], [4, () => { says = [WELL, other] }], [5, down], [6])
  expect((await watcher.result()).meanwhile).toEqual([expect.stringContaining('after 2 s, until 5 s: other.example: service.down')])
  await looks(watcher, [7, () => { says = [DOWN, other] }])
  expect((await watcher.result()).meanwhile).toEqual([expect.stringContaining('after 2 s: other.example: service.down')])
})

it('where somebody should be told of nothing, is watched as long', async () => {
  const watcher = watchBroken(watched, { ...EXPECTS, alerts: [] }, BEGAN)
  expect(await looks(watcher, [5, down], [80])).toBe(false)
  expect(await looks(watcher, [91])).toBe(true)
})

it('is wrong, and goes on, when nobody answers', async () => {
  const watcher = watchBroken(watched, EXPECTS, BEGAN)
  expect(await looks(watcher, [1, () => { says = new Error('fetch failed') }], [2])).toBe(false)
  expect(await looks(watcher, [5, down], [12, tell], [16])).toBe(true)
  expect(await looks(watcher, [17, () => { says = new Error('fetch failed') }])).toBe(false)
  expect((await looks(watcher, [66])) && (await watcher.result()).wrong).toEqual(['it did not answer: fetch failed'])
})

it('is wrong when metrics go on to say otherwise', async () => {
  scraped = [WELL]
  const watcher = watchBroken(watched, EXPECTS, BEGAN)
  expect(await looks(watcher, [5, down], [12, tell], [61])).toBe(true)
  expect((await watcher.result()).wrong).toEqual(['the metrics say (healthy, nobody, up) of ours.example: service.down (down, ours)'])
})

it('has recovered when all is as before and nobody told any more, counted from when it began to be healed', async () => {
  const result = await watchBroken(watched, NOTHING, BEGAN).result()
  const watcher = watchRecovery(watched, EXPECTS, { ...result, wrong: [] }, { since: BEGAN, healing: BEGAN + 20_000 })
  out = ['ours.example']
  expect(await looks(watcher, [22, down], [25, () => { says = [WELL] }])).toBe(false)
  expect(await looks(watcher, [28, () => { out = [] }])).toBe(true)
  expect(await watcher.result()).toMatchObject({ right: true, secondsToRecover: 5 })
  expect(await looks(watcher, [49, () => { says = [DOWN] }])).toBe(false)
  expect(await looks(watcher, [51, () => { tell({ severity: 'ticket' }) }])).toBe(true)
  expect((await watcher.result()).wrong).toEqual(['still ours.example: service.down (down, ours): down', expect.stringMatching(/^while it recovered: told, and should not have been: .*severity=ticket/)])
})
