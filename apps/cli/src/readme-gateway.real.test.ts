// The walk-through of the README, section "The gateway": every command as it stands there. Other are only the ports and the folder that it runs in.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort } from '@dialtone/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { ROOT, bash, blocksOf } from './test-support/walk-through.ts'

const PORTS = ['15269', '15222', '25269', '25222', '35269', '35271', '35353']

it('puts a real Prosody behind a gateway, sends messages through it both ways, and drains, stops and starts it while a user writes', { timeout: 150_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-readme-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  let script = blocksOf(readFileSync(resolve(ROOT, 'README.md'), 'utf8'), '## The gateway', '## Dialback').join('\n')
  for (const port of PORTS) {
    expect(script).toContain(port)
    script = script.replaceAll(port, String(await freePort('127.0.0.1')))
  }
  script = script.replace('dir=$(mktemp -d)', `dir=${join(folder, 'run')}; mkdir $dir`)
  const { code, out } = await bash(`trap 'kill $(jobs -p); wait' EXIT\n${script}\necho "sum of lines: $(grep -c line $dir/juliet)"`, 130_000)
  expect(code, out).toBe(0)
  expect(out).toMatch(/romeo@ours\.example: But soft, what light\?/)
  expect(out).toMatch(/juliet@theirs\.example: Wherefore art thou\?/)
  expect(out).toMatch(/A stanza from ours\.example to theirs\.example would be delivered/)
  expect(out.match(/"reached":true/g)).toHaveLength(3)
  expect(out).toMatch(/State: +running/)
  const [, taken, accounted] = /it adds up: (\d+) taken = (\d+) accounted for/.exec(out) ?? []
  expect(taken).toBe(accounted)
  // Some before the drain, and some after the start.
  const [, lines] = /sum of lines: (\d+)/.exec(out) ?? []
  expect(Number(lines)).toBeGreaterThan(20)
  expect(out).toMatch(/(\d+) taken: .*0 unknown-fate/)
})
