import { mkdtempSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { exitOfError } from '../exit-code.ts'
import { runControl } from './apps.ts'

it('control that finds its port taken is set up wrong, and not called wrong', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-apps-'))
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  try {
    const args = ['--bus', `embedded:${join(folder, 'bus.db')}`, '--store', join(folder, 'control.db'), '--listen', `127.0.0.1:${port}`, '--log-level', 'silent']
    const failed = await runControl(args, { tell: () => undefined } as never, new AbortController().signal).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'port-taken', message: expect.stringContaining(String(port)) })
    expect(exitOfError('port-taken')).toBe(78)
  } finally {
    other.close()
    rmSync(folder, { recursive: true, force: true })
  }
})
