// How a command of the lab is typed, for hints.
import { join, resolve } from 'node:path'

export const DEFAULT_STATE = join(resolve(import.meta.dirname, '../..'), '.dialtone', 'lab')

/** `directory`: the state of the lab that it is for, which is named where it is not the default. */
export function typed (command: string, directory: string): string {
  const word = /^[\w./-]+$/.test(directory) ? directory : `'${directory.replaceAll("'", "'\\''")}'`
  return `npm run lab -- ${command}${directory === DEFAULT_STATE ? '' : ` --state ${word}`}`
}
