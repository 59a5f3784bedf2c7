// Leaves the counts of one project's lane, and what failed in it, in .cache/lanes, where `npm test` adds them up; Nx restores the file with a cached run.
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Reporter, SerializedError, TestModule, Vitest } from 'vitest/node'

/** `problems`: a line or a few for each that failed or was skipped, for whoever sees only the end of the output. */
export type LaneCounts = { passed: number, failed: number, skipped: number, seconds: number, problems: string[] }

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

  onTestRunEnd (modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const counts: LaneCounts = { passed: 0, failed: 0, skipped: 0, seconds: (performance.now() - this.began) / 1000, problems: [] }
    const failed = (where: string, error?: Problem): void => {
      counts.failed++
      counts.problems.push(saidOf(where, error))
    }
    for (const error of errors) failed('outside of the tests', error)
    for (const module of modules) {
      for (const error of module.errors()) failed(module.relativeModuleId, error)
      for (const suite of module.children.allSuites()) for (const error of suite.errors()) failed(`${module.relativeModuleId} > ${suite.fullName}`, error)
      for (const test of module.children.allTests()) {
        const { state, errors: of } = test.result()
        const where = `${module.relativeModuleId} > ${test.fullName}`
        if (state === 'passed') counts.passed++
        else if (state === 'failed') failed(where, of[0])
        else {
          counts.skipped++
          counts.problems.push(`${where}: skipped`)
        }
      }
    }
    mkdirSync(dirname(this.file), { recursive: true })
    writeFileSync(this.file, JSON.stringify(counts) + '\n')
  }
}

/** Where, and the first lines of what was wrong. */
function saidOf (where: string, { message = 'no reason given', diff = '', stacks: [at] = [] }: Problem = {}): string {
  const lines = `${message}\n${diff}`.split('\n').filter(line => line.trim() !== '').slice(0, MOST_LINES).map(line => `    ${line.slice(0, MOST_CHARACTERS)}`)
  return [at === undefined ? where : `${where} (line ${at.line} of ${basename(at.file)})`, ...lines].join('\n')
}

type Problem = Partial<SerializedError> & { diff?: string }

const MOST_LINES = 20
const MOST_CHARACTERS = 300
