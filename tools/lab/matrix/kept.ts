// The result that is kept, and the page that is written from it.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { MatrixResult } from './result.ts'
import { matrixPage } from './table.ts'

export const ROOT = resolve(import.meta.dirname, '../../..')
export const RESULT = 'tools/lab/results/matrix.json'
export const PAGE = 'docs/operating/lab-matrix.md'

/** `root`: of the checkout. */
export function readKept (root = ROOT): MatrixResult | undefined {
  const file = join(root, RESULT)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as MatrixResult : undefined
}

export function writeKept (result: MatrixResult, root = ROOT): void {
  replace(join(root, RESULT), `${JSON.stringify(result, undefined, 1)}\n`)
  replace(join(root, PAGE), matrixPage(result))
}

/** Beside it first: who is killed while writing leaves what was there. */
function replace (file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}
