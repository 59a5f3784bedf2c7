/** Whether an app would start as it is written down: asked of the real command line. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'vitest'
import { ROOT } from './machine.ts'

/** `args`: as `dialtone` is given them, the app first. With `--help` beside them an app parses all of them, does nothing, and refuses what it does not know. */
export function takesOptions (args: readonly string[], nodeOptions = ''): void {
  const run = (given: readonly string[]) => spawnSync(process.execPath, [join(ROOT, 'apps/cli/src/main.ts'), ...given], { encoding: 'utf8', env: { NODE_OPTIONS: nodeOptions } })
  const { status, stdout, stderr } = run([...args, '--help'])
  expect(status, stderr).toBe(0)
  expect(stdout).toContain(`dialtone ${args[0]}`)
  expect(run([...args, '--no-such-option', '--help']).status).toBe(64)
}
