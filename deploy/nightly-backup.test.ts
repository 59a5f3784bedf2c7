// The script of backup.md where a step of it fails. `systemd/units.real.test.ts` runs it where all is well.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const [, SCRIPT = ''] = /^```sh nightly\n([^]*?)^```$/m.exec(readFileSync(join(import.meta.dirname, '../docs/operating/backup.md'), 'utf8')) ?? []

it('ends where what was kept before cannot be removed, and leaves the latest as it was', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nightly-'))
  onTestFinished(() => { rmSync(folder, { recursive: true }) })
  const [kept, bin] = [join(folder, 'kept'), join(folder, 'bin')]
  for (const made of [kept, bin]) mkdirSync(made)
  const command = (name: string, does: string) => { writeFileSync(join(bin, name), `#!/bin/sh\n${does}\n`, { mode: 0o755 }) }
  const nightly = (day: string) => {
    command('date', `echo ${day}`)
    return spawnSync('sh', ['-c', SCRIPT.replace('/root/dialtone.token', '/dev/null').replace('/var/backups/dialtone', kept).replace('/usr/local/bin', bin)]).status
  }
  command('dialtone', ':')
  command('tar', ':')
  expect([nightly('1'), readlinkSync(join(kept, 'latest'))]).toEqual([0, '1'])
  command('rm', `case "$*" in */2) exit 1; esac; exec /bin/rm "$@"`)
  expect([nightly('2'), readlinkSync(join(kept, 'latest'))]).toEqual([1, '1'])
})
