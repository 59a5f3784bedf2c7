// Leaves the counts of one project's lane in .cache/lanes, where `npm test` adds them up; Nx restores the file with a cached run.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import type { Reporter, TestModule, Vitest } from 'vitest/node'

export type LaneCounts = { passed: number, failed: number, skipped: number, seconds: number }

export default class LaneReporter implements Reporter {
  private readonly lane: string
  private readonly began = performance.now()
  private file = ''

  constructor ({ lane }: { lane: string }) {
    this.lane = lane
  }

  /** The file is named by the project's folder, as in the `outputs` of nx.json. */
  onInit (vitest: Vitest): void {
    const root = resolve(import.meta.dirname, '..')
    this.file = join(root, '.cache', 'lanes', this.lane, `${relative(root, vitest.config.root)}.json`)
  }

  onTestRunEnd (modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts: LaneCounts = { passed: 0, failed: errors.length, skipped: 0, seconds: (performance.now() - this.began) / 1000 }
    for (const module of modules) {
      counts.failed += module.errors().length
      for (const test of module.children.allTests()) {
        const state = test.result().state
        if (state === 'passed') counts.passed++
        else if (state === 'failed') counts.failed++
        else counts.skipped++
      }
    }
    mkdirSync(dirname(this.file), { recursive: true })
    writeFileSync(this.file, JSON.stringify(counts) + '\n')
  }
}
