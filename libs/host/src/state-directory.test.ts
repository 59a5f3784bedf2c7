import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { holdDirectory } from './state-directory.ts'

let root: string
beforeEach(() => { root = mkdtempSync(join(tmpdir(), 'held-')) })
afterEach(() => rmSync(root, { recursive: true, force: true }))

it('makes it, lets nobody else in, and gives it back', async () => {
  const directory = join(root, 'a', 'b')
  const release = await holdDirectory(directory, 'the gateway')
  await expect(holdDirectory(directory, 'the gateway')).rejects.toMatchObject({ code: 'state-locked', message: expect.stringContaining(`process ${process.pid} uses the state directory`) as string })
  await release()
  expect(existsSync(join(directory, 'lock'))).toBe(false)
  await (await holdDirectory(directory, 'the gateway'))()
})

it('takes the place of a process that was killed, and of a number that is another process now', async () => {
  for (const left of [`${process.pid} 1\n`, 'nonsense', '', '4194999 77\n']) {
    writeFileSync(join(root, 'lock'), left)
    await (await holdDirectory(root, 'the gateway'))()
  }
})

it('says that it cannot be made where the file system never makes one, and does not try for ever', async () => {
  await expect(holdDirectory('/proc/x', 'the gateway')).rejects.toMatchObject({ code: 'state-directory', message: expect.stringContaining('/proc/x cannot be made (ENOENT)') as string })
  await expect(holdDirectory('/proc/x/y/z', 'the gateway')).rejects.toMatchObject({ code: 'state-directory' })
  writeFileSync(join(root, 'file'), '')
  await expect(holdDirectory(join(root, 'file'), 'the gateway')).rejects.toMatchObject({ code: 'state-directory' })
})
