import { closeSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { PAGE, RESULT, ROOT, readKept, writeKept } from './kept.ts'
import type { MatrixResult, RowResult } from './result.ts'
import { matrixPage } from './table.ts'

it('is there as a whole at any moment: what is written takes the place of what was', () => {
  const root = mkdtempSync(join(tmpdir(), 'kept-'))
  onTestFinished(() => { rmSync(root, { recursive: true }) })
  expect(readKept(root)).toBeUndefined()
  writeKept(resultOf('before'), root)
  const open = [RESULT, PAGE].map(file => openSync(join(root, file), 'r'))
  onTestFinished(() => { open.forEach(closeSync) })
  writeKept(resultOf('after'), root)
  for (const file of open) expect(readFileSync(file, 'utf8')).toContain('before')
  expect(readKept(root)).toEqual(resultOf('after'))
  for (const file of [RESULT, PAGE]) expect(readdirSync(dirname(join(root, file)))).toHaveLength(1)
})

it('has the page that is written of it today', () => {
  const kept = readKept()
  expect(kept && matrixPage(kept)).toBe(readFileSync(join(ROOT, PAGE), 'utf8'))
})

function resultOf (says: string): MatrixResult {
  const fleet = { expected: [], named: [], right: true, wrong: [], expectedAlerts: [], alerts: [], others: [] }
  const healthy: RowResult = { name: 'nothing', says, at: '2026-01-01T00:00:00Z', setUp: { commit: 'c', scale: 30, processors: 2 }, fleets: { shared: fleet, bare: fleet } }
  return { healthy, breaks: [], standing: [] }
}
