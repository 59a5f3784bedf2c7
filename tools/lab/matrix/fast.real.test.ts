/**
 * Some rows of the matrix, of different layers, over the whole lab: real servers, two fleets, Prometheus and Alertmanager. All rows: npm run lab:matrix, whose last result is
 * docs/operating/lab-matrix.md. Alerts wait sixty times shorter than in operation here: a page for five failing checks, or two and a half of one that is well; every alert counts.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BREAKS, type BreakName } from '../breaks/index.ts'
import { startFleets } from '../fleet/start-fleets.ts'
import { keepRecording, metricsOfRules, record } from '../recording/record.ts'
import type { Fleets, World } from '../seams.ts'
import { startWorld } from '../world/index.ts'
import { EXPECTED } from './expected.ts'
import { allOf, isRight } from './result.ts'
import { runMatrix } from './run-matrix.ts'
import type { RanRow } from './run-row.ts'
import { matrixText, rowLine } from './table.ts'
import { PATIENCE } from './watch.ts'

/** A path, a peer that claims our domain, and one that is on purpose and must not page: each more takes half a minute. */
const ROWS: readonly BreakName[] = ['pat', 'conflict-webex', 'gateway-drained']
const TIME_SCALE = 60
/** Of alerts that wait for a deep check and for twelve seconds from then. */
const QUIET_MS = 28_000
const SETTLED_MS = 20_000
let world: World | undefined
let fleets: Fleets | undefined

beforeAll(async () => {
  world = await startWorld()
  fleets = await startFleets(world, { scale: TIME_SCALE })
}, 180_000)
afterAll(async () => {
  await fleets?.stop()
  await world?.stop()
}, 60_000)

it('names what is broken with the secret of our server and without, tells whom it should, and recovers', { timeout: 400_000 }, async () => {
  if (world === undefined || fleets === undefined) throw new Error('the lab is not up')
  const breaks = ROWS.flatMap(name => BREAKS.filter(each => each.name === name))
  const ran: RanRow[] = []
  const result = await runMatrix({ lab: { world, fleets }, breaks, standing: false, signal: AbortSignal.timeout(390_000), say: () => undefined, patience: { ...PATIENCE, quietMs: QUIET_MS, settledMs: SETTLED_MS },
    setUp: { commit: 'of now', scale: TIME_SCALE, processors: 1 }, ran: async row => { ran.push(row) } })
  expect(allOf(result).filter(row => !isRight(row)).map(rowLine)).toEqual([])
  expect(matrixText(result)).toContain(`${ROWS.length + 1} of ${ROWS.length + 1} right`)

  // What the rules read of it can be played back to them.
  const first = ran[0]
  const told = EXPECTED.pat.shared.alerts[0]
  expect(told).toEqual({ alert: 'DialtonePathBlocked', labels: { domain: 'cupdomain.test', cause: 'path.inbound-blocked', side: 'path', severity: 'page' } })
  if (told === undefined || first === undefined) throw new Error('nothing was told')
  const recording = await record(fleets.prometheus('shared'), { name: 'pat', from: first.from, to: first.to, scale: TIME_SCALE, told })
  const names = new Set(recording.series.map(({ series }) => series.replace(/\{.*/, '')))
  expect([...names].filter(name => !metricsOfRules().includes(name))).toEqual([])
  expect([...names]).toEqual(expect.arrayContaining(['dialtone_cause_info', 'dialtone_state', 'dialtone_bus_connected', 'up']))
  expect(recording.series.filter(({ series, values }) => series.startsWith('up{') && !values.startsWith('1'))).toEqual([])
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-recorded-'))
  try {
    expect(keepRecording(folder, { ...recording, expect: { alert: null, labels: {} } })).toContain('DialtonePathBlocked')
    expect(readdirSync(folder)).toEqual([])
    expect(keepRecording(folder, recording)).toBe(undefined)
    expect(JSON.parse(readFileSync(join(folder, 'pat.json'), 'utf8'))).toEqual(recording)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

it('has an expectation for each break, and no other', () => {
  expect(Object.keys(EXPECTED).toSorted()).toEqual(BREAKS.map(({ name }) => name as string).toSorted())
})
