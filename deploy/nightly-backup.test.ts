// The script of backup.md where a step of it fails. `systemd/units.real.test.ts` runs it where all is well.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const [, SCRIPT = ''] = /^```sh nightly\n([^]*?)^```$/m.exec(readFileSync(join(import.meta.dirname, '../docs/operating/backup.md'), 'utf8')) ?? []

it('ends where a step fails, and the latest is whole: that of before, or the new one where what was kept before cannot be removed', () => {
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
  const night = (of: string) => { command('tar', `echo ${of} > "$2"`) }
  const latest = (): string[] => [readlinkSync(join(kept, 'latest')), readFileSync(join(kept, 'latest', 'nats.tgz'), 'utf8').trim()]
  for (const day of ['1', '2', '3']) {
    night(`first ${day}`)
    expect([nightly(day), ...latest()]).toEqual([0, day, `first ${day}`])
  }
  command('tar', 'echo half > "$2"; exit 1')
  expect([nightly('3'), ...latest()]).toEqual([1, '3', 'first 3'])
  // It removes one file and no more.
  night('second 3')
  command('rm', `case "$*" in */old) [ -e "$2" ] && /bin/rm "$2/fleet.yaml" && exit 1; esac; exec /bin/rm "$@"`)
  expect([nightly('3'), ...latest(), readdirSync(join(kept, 'latest'))]).toEqual([1, '3', 'second 3', ['fleet.yaml', 'nats.tgz']])
  rmSync(join(bin, 'rm'))
  night('second 1')
  expect([nightly('1'), ...latest(), existsSync(join(kept, 'old'))]).toEqual([0, '1', 'second 1', false])
})
