// How one types `dialtone` where this process was started, so that what it prints works as printed.
import { accessSync, constants, realpathSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'

const CLONE = resolve(import.meta.dirname, '../../../..')

/** `state`: the directory that commands would not find by themselves. */
export function commandHere (state: string | undefined, environment: Readonly<Record<string, string | undefined>>): string {
  const command = process.cwd() === CLONE ? 'npx dialtone' : onPath(environment['PATH'] ?? '') ? 'dialtone' : join(CLONE, 'bin/dialtone')
  return state === undefined ? command : `DIALTONE_STATE=${state} ${command}`
}

/** Whether the first `dialtone` on the path is this one. */
function onPath (path: string): boolean {
  for (const dir of path.split(delimiter)) {
    const file = join(dir, 'dialtone')
    try {
      accessSync(file, constants.X_OK)
      return realpathSync(file) === join(CLONE, 'bin/dialtone')
    } catch {
      // Not there.
    }
  }
  return false
}
