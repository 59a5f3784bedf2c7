import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startNatsServer } from '@dialtone/testkit'

const ROUNDS = 10

it('ends on SIGTERM though NATS goes away while it does', { timeout: 240_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-stop-'))
  const nats = await startNatsServer()
  const ends: string[] = []
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--bus', nats.url, '--store', join(folder, 'store.db'), '--listen', '127.0.0.1:0', '--log-level', 'silent'], { stdio: ['ignore', 'pipe', 'inherit'] })
      const exited = once(child, 'exit')
      let text = ''
      child.stdout.on('data', bytes => { text += String(bytes) })
      while (!text.includes('URL')) await Promise.race([once(child.stdout, 'data'), exited.then(() => { throw new Error(`it ended at its start: ${text}`) })])
      child.kill('SIGTERM')
      // Each time at another step of its end.
      await pause(5 * round)
      await (round % 2 === 0 ? nats.end() : nats.kill())
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
      const [code, signal] = await exited as [number | null, string | null]
      clearTimeout(late)
      ends.push(String(code ?? signal))
      await nats.start()
    }
  } finally {
    await nats.stop()
    rmSync(folder, { recursive: true })
  }
  expect(ends).toEqual(Array.from({ length: ROUNDS }, () => '0'))
})
