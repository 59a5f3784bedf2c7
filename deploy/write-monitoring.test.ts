import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'

it('what it cannot use is said in a sentence, with how it is used', () => {
  for (const [args, says] of [
    [['--nope'], /--nope/], [['--out'], /--out/], [['stray'], /stray/], [['--time-scale', '0'], /1 to 3600/], [['--control-url', 'ftp://control.example'], /http/],
    [['--control-url', 'http://ann:secret@control.example'], /password/], [['--control-url', 'http://control.example/?a=b'], /query/], [['--control-url', 'http://control.example/{{x}}'], /braces/],
  ] as const) {
    const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'write-monitoring.ts'), ...args, '--check'], { encoding: 'utf8' })
    expect(status, args.join(' ')).toBe(2)
    expect(stderr).toMatch(says)
    expect(stderr).toMatch(/\nusage: /)
    expect(stderr).not.toContain('secret')
  }
}, 240_000)

it('where nothing can be written is said in a sentence, and nothing is tried for ever', () => {
  for (const [out, says] of [['', /--out takes a folder/], [import.meta.filename, /cannot be written \(ENOTDIR\)/], ['/proc/x', /cannot be written \(ENOENT\)/]] as const) {
    const { status, stderr, signal } = spawnSync(process.execPath, [join(import.meta.dirname, 'write-monitoring.ts'), '--prometheus', '--out', out], { encoding: 'utf8', cwd: tmpdir(), timeout: 60_000 })
    expect([status, signal], out).toEqual([2, null])
    expect(stderr).toMatch(says)
  }
}, 240_000)
