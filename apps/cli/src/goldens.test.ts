import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { Report } from '@dialtone/contracts/schemas'
import { firstProblem } from '@dialtone/contracts/schemas'
import { SCENARIOS } from '@dialtone/zoo'
import { goldenOf } from './golden.ts'
import { judged, runZoo, type Outcome } from './run-zoo.ts'
import { confusionMatrix } from './confusion.ts'

const folder = resolve(import.meta.dirname, '../goldens')
/** `npm run goldens` alone sets this; CI never does. */
const update = process.env['DIALTONE_UPDATE_GOLDENS'] === '1' && process.env['CI'] === undefined
const outcomes = new Map<string, Outcome>()

beforeAll(async () => {
  for (const outcome of await runZoo(SCENARIOS, { parallel: 6, signal: AbortSignal.timeout(110_000) })) outcomes.set(outcome.scenario.name, outcome)
  console.log(confusionMatrix(judged([...outcomes.values()])).join('\n'))
  if (update) mkdirSync(folder, { recursive: true })
}, 120_000)

describe.each(SCENARIOS.map(({ name, title }) => ({ name, title })))('$name: $title', ({ name }) => {
  it('names the right cause, and shows what its golden holds', () => {
    const outcome = outcomes.get(name)
    if (outcome === undefined || !('report' in outcome)) throw new Error(outcome === undefined ? 'it did not run' : outcome.notRun)
    const { cause, state } = outcome.report.verdict
    expect({ cause, state }).toEqual(outcome.scenario.expects)
    expect(firstProblem(Report, outcome.report)).toBeUndefined()
    const file = join(folder, `${name}.json`)
    const golden = JSON.parse(JSON.stringify(goldenOf(outcome.report))) as unknown
    if (update) writeFileSync(file, JSON.stringify(golden, null, 1) + '\n')
    expect(existsSync(file), `there is no golden for ${name}: npm run goldens`).toBe(true)
    expect(golden).toEqual(JSON.parse(readFileSync(file, 'utf8')))
  })
})

it('has no golden without a scenario', () => {
  expect(readdirSync(folder).filter(file => !SCENARIOS.some(({ name }) => file === `${name}.json`))).toEqual([])
})
