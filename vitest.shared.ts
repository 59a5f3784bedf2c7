// One configuration for every project: unit and scenario tests in `test`, tests against real servers in `real`.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

/**
 * Files wait more than they compute, most of all where real servers start and end: two at a time keep two cores busy. They share nothing: what they start
 * has a loopback address of its own and a port that is free there, or a network namespace.
 */
const AT_A_TIME = 2
/** Only what hangs takes so long. */
const TIMEOUT_MS = 60_000

/** Files of the lane `real` that run while no other does, after the others, and why. */
const ALONE: Readonly<Record<string, string>> = {
  'apps/gateway/src/conservation.real.test.ts': 'a hundred thousand stanzas keep both cores busy, as fast as they can',
  'apps/gateway/src/conservation-process.real.test.ts': 'the same, across kills of a process',
  'tools/lab/matrix/fast.real.test.ts': 'time runs thirty times as fast: what a machine that starts other labs does late is an alert here, and in operation none',
}

/** The vitest configuration of one project and lane. `real` runs `*.real.test.ts`. */
export function lane (project: string, which: 'test' | 'real'): ViteUserConfig {
  const exclude = ['**/node_modules/**']
  const test = { environment: 'node', pool: 'forks', maxWorkers: AT_A_TIME, testTimeout: TIMEOUT_MS, hookTimeout: TIMEOUT_MS } as const
  const reporters: ['default', [string, { lane: string }]] = ['default', [join(import.meta.dirname, 'tools/lane-reporter.ts'), { lane: which }]]
  if (which === 'test') return defineConfig({ test: { ...test, reporters, name: project, include: ['**/*.test.ts'], exclude: [...exclude, '**/*.real.test.ts'] } })

  const alone = aloneIn(project)
  const together = { test: { ...test, name: project, include: ['**/*.real.test.ts'], exclude: [...exclude, ...alone] } }
  const lone = { test: { ...test, name: `${project} alone`, include: alone, maxWorkers: 1 } }
  return defineConfig({ test: { reporters, projects: alone.length === 0 ? [together] : [together, lone] } })
}

/** Those of one project, relative to its folder. One that is listed and not there would run beside others under its new name. */
function aloneIn (project: string): string[] {
  return Object.keys(ALONE).flatMap(path => {
    const [, folder, rest] = /^(?:(?:apps|libs)\/)?([^/]+)\/(.+)$/.exec(path) ?? []
    if (!existsSync(join(import.meta.dirname, path))) throw new Error(`vitest.shared.ts lists ${path}, and there is no such file`)
    return folder === project && rest !== undefined ? [rest] : []
  })
}
