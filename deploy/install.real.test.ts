/**
 * docs/operating/install.md as a newcomer follows it: every block as it stands there, in its order, on a machine of its own that has nothing of Dialtone yet; once where systemd runs the machine, once
 * where nothing does. Not typed are the blocks that only install Debian packages: `npm test` has done that, and it is proved that it has.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, chmodSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { ROOT, startMachine } from './test-support/machine.ts'

type Way = 'systemd' | 'by-hand'
type Block = { marks: string[], text: string }

const PAGE = readFileSync(join(ROOT, 'docs/operating/install.md'), 'utf8')
const blocks: Block[] = [...PAGE.matchAll(/^```sh install([^\n]*)\n([^]*?)^```$/gm)].map(([, marks = '', text = '']) => ({ marks: marks.split(' ').filter(mark => mark !== ''), text }))

const [stopping, removing] = ['stop', 'remove'].map(mark => [...PAGE.matchAll(new RegExp(`^\`\`\`sh ${mark}([^\n]*)\n([^]*?)^\`\`\`$`, 'gm'))].map(([, marks = '', text = '']) => ({ marks: marks.trim(), text })))

/** A repository with what is in the checkout now, committed or not. */
let source: string
beforeAll(() => {
  source = mkdtempSync(join(tmpdir(), 'dialtone-source-'))
  chmodSync(source, 0o755)
  for (const path of execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' }).split('\0')) {
    if (path !== '' && existsSync(join(ROOT, path))) cpSync(join(ROOT, path), join(source, path), { recursive: true })
  }
  for (const args of [['init', '--quiet'], ['add', '--all'], ['-c', 'user.name=test', '-c', 'user.email=test@example.org', 'commit', '--quiet', '--message', 'as it is']]) execFileSync('git', args, { cwd: source })
}, 120_000)
afterAll(() => rmSync(source, { recursive: true, force: true }))

it('names packages that are there, and has a block for every step', () => {
  expect(blocks.length).toBeGreaterThan(12)
  for (const { text } of blocks.filter(({ marks }) => marks.includes('packages'))) {
    const names = [...text.matchAll(/^apt-get install -y --no-install-recommends (.+)$/gm)].flatMap(([, list = '']) => list.split(' '))
    expect(names.length).toBeGreaterThan(0)
    expect(() => execFileSync('dpkg-query', ['-W', ...names], { stdio: 'pipe' }), names.join(' ')).not.toThrow()
    expect(text.replaceAll(/^apt-get (update|install .*)\n/gm, '')).toBe('')
  }
  expect([stopping, removing].map(some => some?.map(({ marks }) => marks))).toEqual([['by-hand', 'systemd'], ['']])
  for (const { marks } of blocks) expect(['', 'packages', 'network', 'systemd', 'by-hand']).toContain(marks.join(' '))
})

for (const way of ['systemd', 'by-hand'] as const satisfies readonly Way[]) {
  it(`${way === 'systemd' ? 'with systemd' : 'without systemd'}: ends with agents that work, a verdict, and a Prometheus that sees them`, { timeout: 400_000 }, async () => {
    const machine = await startMachine({ systemd: way === 'systemd', sees: { '/srv/dialtone': source } })
    onTestFinished(() => machine.stop())
    const mine = blocks.filter(({ marks }) => marks.every(mark => mark === way || mark === 'network'))
    const downloads = mine.filter(({ marks }) => marks.includes('network'))
    expect(downloads).toHaveLength(1)
    // What another run of npm has kept need not be fetched again.
    const installed = await machine.run(`export npm_config_prefer_offline=true; git config --global --add safe.directory '*'; source=/srv/dialtone\nset -e\n${downloads[0]?.text}`, { network: true, timeoutMs: 200_000 })
    expect(installed.code, installed.out).toBe(0)
    expect(installed.out).toContain('dialtone check DOMAIN...')

    const { code, out } = await machine.run(`set -e\n${mine.filter(({ marks }) => !marks.includes('network')).map(({ text }) => text).join('\n')}`, { timeoutMs: 200_000 })
    expect(code, out).toBe(0)
    expect(out).toContain('/etc/dialtone/nats/probe-outside.nk')
    expect(out).toMatch(/"ready":true/)
    expect(out).toMatch(/admin/)
    expect(out).toMatch(/created +Vantage inside/)
    expect(out).toMatch(way === 'systemd' ? /^\S+ +outside +/m : /^outside-1 +outside +/m)
    expect(out).toMatch(/ours\.example <-> partner\.example/)
    expect(out).toMatch(/SUCCESS: \d+ rules found/)
    expect(out).toContain('Prometheus sees control and both agents')
    // No app runs as root, and none has the rights of another.
    const { out: users } = await machine.run(`for process in /proc/[0-9]*; do tr '\\0' ' ' < $process/cmdline | grep -q '^/opt/dialtone/node_modules' && echo $(stat -c %U $process) $(tr '\\0' '\\n' < $process/cmdline | grep -m 1 main.ts); done; true`)
    expect(users.trim().split('\n').toSorted()).toEqual(['control', 'probe', 'probe'].map(app => `dialtone-${app} /opt/dialtone/apps/${app}/src/main.ts`))
    // The links of alerts lead to where control is reached.
    expect((await machine.run('grep -c http://127.0.0.1:5280/ /etc/prometheus/dialtone-rules.yml; grep -c localhost:5280 /etc/prometheus/dialtone-rules.yml')).out.trim()).toMatch(/^[1-9]\d*\n0$/)

    const before = await machine.run('cat /etc/prometheus/*.before-dialtone')
    const gone = await machine.run(`${stopping?.find(({ marks }) => marks === way)?.text}\n${removing?.[0]?.text}`, { timeoutMs: 200_000 })
    expect(gone.code, gone.out).toBe(0)
    const left = await machine.run(`ls -d /opt/dialtone /etc/dialtone* /var/lib/dialtone* /var/lib/nats /var/log/dialtone /usr/local/bin/dialtone /root/dialtone* /etc/systemd/system/*dialtone* /etc/systemd/system/nats-server* /etc/systemd/system/*.wants/dialtone* /etc/prometheus/*dialtone* 2> /dev/null; grep dialtone /etc/passwd; pgrep -fa '^(/opt/dialtone|(/usr/sbin/)?nats-server -c)'`)
    expect(left.out).toBe('')
    expect((await machine.run('cat /etc/prometheus/alertmanager.yml /etc/prometheus/prometheus.yml')).out).toBe(before.out)
  })
}
