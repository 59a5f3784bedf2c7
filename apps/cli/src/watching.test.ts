import type { Cause, Observation, Report, State } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { terminalOf } from './terminal.ts'
import { reportWith } from './text/test-report.ts'
import { changeJson, changeText, summaryText } from './text/watching.ts'
import { watch, type Change, type Watching } from './watching.ts'

const PLAIN = terminalOf({}, { LANG: 'C.UTF-8' })
type Seen = readonly [State, Cause]
const UP: Seen = ['up', 'healthy']
const SILENT: Seen = ['down', 'service.silent']
const BUSY: Seen = ['unknown', 'peer.busy']
const REFUSED: Seen = ['down', 'policy.refused-by-peer']

it('waits a minute after a change, then longer and longer while all is well, ten minutes at most', async () => {
  expect((await run([UP, UP, UP, UP, UP, UP, UP])).pauses).toEqual([60, 120, 240, 480, 600, 600])
})

it('looks every minute while it fails, and begins anew when it works again', async () => {
  expect((await run([UP, UP, SILENT, SILENT, SILENT, UP, UP])).pauses).toEqual([60, 120, 60, 60, 60, 60])
})

it('leaves a peer that refused alone for five minutes, whatever is asked for', async () => {
  expect((await run([BUSY, UP, UP], { everyMs: 1000 })).pauses).toEqual([300, 1])
})

it('gives the judge the first refusal of a series, and nothing else', async () => {
  const { earlier } = await run([UP, BUSY, BUSY, REFUSED, UP, BUSY, UP])
  expect(earlier).toEqual([[], [], [1], [1], [1], [], [5]])
})

it('tells changes alone, with how long the old standing lasted', async () => {
  const { changes } = await run([UP, UP, SILENT, SILENT, UP])
  expect(changes.map(({ from, to, lastedMs }) => [from?.cause, to.cause, lastedMs])).toEqual([[undefined, 'healthy', undefined], ['healthy', 'service.silent', 180_000], ['service.silent', 'healthy', 120_000]])
})

it('tells a change of one direction', async () => {
  const half = { state: 'up', cause: 'healthy', side: 'nobody', sentence: 'It works.' } as const
  const pair = (cause: Cause) => ({ ours: 'ours.example', peer: 'partner.example', out: half, in: { ...half, state: cause === 'healthy' ? 'up' as const : 'down' as const, cause } })
  const reports = [reportWith({ pair: pair('healthy') }, []), reportWith({ pair: pair('path.inbound-blocked') }, [])]
  const { changes } = await runReports(reports)
  expect(changes.length).toBe(2)
  const text = changeText(changes[1] as Change, PLAIN)
  expect(text).toContain('in: ✖ down path.inbound-blocked')
  expect(text).not.toContain('out:')
})

it('sums up: checks, time in each state, how long they took', async () => {
  const { summary } = await run([UP, SILENT, UP], {}, [30, 10, 20])
  expect(summary).toEqual({ checks: 3, ms: 120_000, inState: { up: 60_000, degraded: 0, down: 60_000, unknown: 0 }, total: { min: 10, median: 20, max: 30, of: 3 } })
  expect(summaryText(summary)).toBe('3 checks in 2 m: up 1 m, down 1 m\na check took 10 ms at least, 20 ms in the median, 30 ms at most\n')
  expect(summaryText({ ...summary, checks: 0 })).toBe('no check was finished\n')
})

it('keeps no more after a month than after a day', async () => {
  let looked = 0
  const summary = (await watch(watching(async () => {
    looked++
    return await Promise.resolve(reportOf(looked % 7 === 0 ? BUSY : UP, looked))
  }, { count: 5000 }).given)).summary
  expect(summary).toMatchObject({ checks: 5000, total: { min: 1, max: 5000, median: 4500, of: 1000 } })
})

it('is ended while it looks, and still sums up', async () => {
  const { given, stop } = watching(() => {
    stop()
    return Promise.reject(new Error('stopped'))
  }, {})
  expect((await watch(given)).summary.checks).toBe(0)
})

it('prints a change for a person and for a machine', () => {
  const change: Change = { at: new Date('2026-11-25T10:20:31.500Z'), from: { state: 'down', cause: 'path.inbound-blocked' }, to: reportWith({}, []).verdict, lastedMs: 7_560_000 }
  expect(changeText(change, PLAIN)).toBe('2026-11-25 10:20:31Z  down path.inbound-blocked ─► ● up healthy  after 2 h 6 m\n          partner.example: works.\n')
  const line = changeJson(change, { domain: 'partner.example', as: 'ours.example' })
  expect(line.indexOf('\n')).toBe(line.length - 1)
  expect(JSON.parse(line)).toMatchObject({ on: 'change', at: '2026-11-25T10:20:31.500Z', domain: 'partner.example', as: 'ours.example', from: { state: 'down', cause: 'path.inbound-blocked' }, to: { state: 'up', cause: 'healthy', sentence: 'partner.example: works.' }, lastedMs: 7_560_000 })
})

type Ran = { pauses: number[], changes: Change[], earlier: number[][], summary: Awaited<ReturnType<typeof watch>>['summary'] }

async function run (seen: readonly Seen[], given: Partial<Watching> = {}, took: readonly number[] = []): Promise<Ran> {
  return await runReports(seen.map((each, at) => reportOf(each, took[at] ?? at)), given)
}

async function runReports (reports: readonly Report[], given: Partial<Watching> = {}): Promise<Ran> {
  const earlier: number[][] = []
  let at = 0
  const watched = watching(seen => {
    earlier.push(seen.map(({ ms }) => ms))
    return Promise.resolve(reports[at++] as Report)
  }, { count: reports.length, ...given })
  const { summary } = await watch(watched.given)
  return { pauses: watched.pauses, changes: watched.changes, earlier, summary }
}

/** A clock that only pauses move. */
function watching (look: (earlier: readonly Observation[]) => Promise<Report>, given: Partial<Watching>): { given: Watching, pauses: number[], changes: Change[], stop: () => void } {
  const pauses: number[] = []
  const changes: Change[] = []
  let now = 0
  let stopped = false
  return {
    pauses, changes,
    stop: () => { stopped = true },
    given: {
      look,
      pause: ms => {
        pauses.push(ms / 1000)
        now += ms
        return Promise.resolve()
      },
      stopped: () => stopped, now: () => now, changed: change => changes.push(change),
      ...given,
    },
  }
}

function reportOf ([state, cause]: Seen, ms: number): Report {
  const report = reportWith({ state, cause }, [])
  return { ...report, observation: { ...report.observation, ms } }
}
