// A folder of its own for every server, gone when the server is stopped, when the test process ends, or, if that was killed, when the next
// one begins. Nothing of a test is written anywhere else.
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A pattern of the shell for the folders of this process. */
export function foldersOfThisProcess (): string {
  return join(tmpdir(), `${PREFIX}${process.pid}-*`)
}

export type Folder = {
  path: string
  /** Writes a file and returns its path. Files may hold private keys, so only their owner reads them. */
  write: (name: string, text: string) => string
  remove: () => void
}

const PREFIX = 'dialtone-real-'
const ours = new Set<string>()
let swept = false

/** A new empty folder. `what` is for the reader of a listing. */
export function makeFolder (what: string): Folder {
  sweep()
  const path = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-${what}-`))
  ours.add(path)
  return {
    path,
    write: (name, text) => {
      writeFileSync(join(path, name), text, { mode: 0o600 })
      return join(path, name)
    },
    remove: () => {
      ours.delete(path)
      rmSync(path, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

/** Once per process: what processes left that could not clean up, and a promise to do so ourselves. */
function sweep (): void {
  if (swept) return
  swept = true
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(PREFIX) ? name.slice(PREFIX.length).split('-')[0] : undefined
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
  process.once('exit', () => {
    for (const path of ours) rmSync(path, { recursive: true, force: true })
  })
}
