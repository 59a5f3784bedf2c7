import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { makeFolder } from './folder.ts'

const MODULE = JSON.stringify(fileURLToPath(new URL('./folder.ts', import.meta.url)))

it('writes files that only their owner reads, and is gone when removed', () => {
  const folder = makeFolder('test')
  const file = folder.write('key.pem', 'secret\n')
  expect(readFileSync(file, 'utf8')).toBe('secret\n')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  folder.remove()
  expect(existsSync(folder.path)).toBe(false)
})

it('is gone when its process ends without removing it', () => {
  expect(existsSync(inAnotherProcess('console.log(makeFolder("test").path)'))).toBe(false)
})

it('is removed by the next process when its own was killed', () => {
  const left = inAnotherProcess('console.log(makeFolder("test").path); process.kill(process.pid, "SIGKILL")')
  mkdirSync(left, { recursive: true }) // another process may have been that next one already
  inAnotherProcess('makeFolder("test")')
  expect(left.startsWith(join(tmpdir(), 'dialtone-real-'))).toBe(true)
  expect(existsSync(left)).toBe(false)
})

function inAnotherProcess (script: string): string {
  const { stdout } = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', `import { makeFolder } from ${MODULE}; ${script}`], { encoding: 'utf8' })
  return stdout.trim()
}
