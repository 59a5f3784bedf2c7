// How every benchmark speaks: peers and ours in the same run, ratios above 1 where we are better, the last result kept beside it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'

export type Result = {
  bench: string
  machine: { cpu: string, cores: number, memoryGiB: number, node: string, date: string, pids: Record<string, number> }
  ours: Record<string, number>
  peers: Record<string, Record<string, number | string>>
  ratios: Record<string, number>
}

export function machine (pids: Record<string, number>): Result['machine'] {
  return { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version, date: new Date().toISOString().slice(0, 10), pids }
}

/** Prints a table, or with `--json` one object, and keeps the result unless it is of a part of the bench. */
export function finish (result: Result, lines: readonly string[], keep = true): void {
  const folder = join(import.meta.dirname, 'bench', 'results')
  if (keep) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `${result.bench}.json`), JSON.stringify(result, null, 2) + '\n')
  }
  if (process.argv.includes('--json')) console.log(JSON.stringify(result))
  else {
    console.log(`${result.bench}: ${result.machine.cpu}, ${result.machine.cores} cores, Node ${result.machine.node}`)
    for (const line of lines) console.log(line)
    for (const [name, ratio] of Object.entries(result.ratios)) console.log(`ratio ${name}: ${ratio}`)
  }
}

export function median (values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

export function rounded (value: number, digits = 2): number {
  return Number(value.toFixed(digits))
}
