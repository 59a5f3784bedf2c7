// promtool and amtool, as Debian installs them: what they say about rules, configurations and tests of rules.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PrometheusRules } from './rules.ts'

/** Of `promtool test rules`: the whole file. */
export type RuleTests = { evaluation_interval: string, tests: RuleTest[] }
export type RuleTest = {
  /** Between two values of a series. */
  interval: string
  input_series: { series: string, values: string }[]
  promql_expr_test: { expr: string, eval_time: string, exp_samples: { labels: string, value: number }[] }[]
}

const PATIENCE_MS = 120_000

/** `files`: what it is to look at, by name, in a folder of its own, which is where it runs. */
export function runTool (tool: 'promtool' | 'amtool', args: readonly string[], files: Readonly<Record<string, string>>): { passed: boolean, says: string } {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-promtool-'))
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const { status, stdout, stderr, error } = spawnSync(`/usr/bin/${tool}`, args, { cwd: folder, encoding: 'utf8', timeout: PATIENCE_MS, maxBuffer: 64 * 2 ** 20, env: { HOME: folder, TZ: 'UTC' } })
    return { passed: status === 0, says: error === undefined ? `${stdout}${stderr}` : error.message }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Plays series to the rules and compares what comes of it. Their texts are left out: to fill them in at each step takes longer than all else. */
export function testRules ({ groups }: PrometheusRules, tests: RuleTests): { passed: boolean, says: string } {
  const bare = { groups: groups.map(group => ({ ...group, rules: group.rules.map(rule => ({ ...rule, annotations: {} })) })) }
  return runTool('promtool', ['test', 'rules', 'test.yml'], { 'rules.yml': JSON.stringify(bare), 'test.yml': JSON.stringify({ rule_files: ['rules.yml'], ...tests }) })
}
