import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stopRounds } from '@dialtone/testkit'
import { expect, it, onTestFinished } from 'vitest'

const ROUNDS = 10

it('ends on SIGTERM though NATS goes away while it does', { timeout: 240_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-stop-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const ends = await stopRounds(ROUNDS, url => [join(import.meta.dirname, 'main.ts'), '--bus', url, '--vantage', 'inside', '--agent', 'one', '--state', join(folder, 'state'), '--http', '0', '--log-level', 'silent'])
  expect(ends).toEqual(Array.from({ length: ROUNDS }, () => '0'))
})
