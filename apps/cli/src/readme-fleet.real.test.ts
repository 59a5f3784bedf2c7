// The walk-through of the README, section "As separate processes, on NATS": every command as it stands there. Other are only the ports, the folder that it runs
// in, and the resolver, so that nothing leaves the loopback.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort, loopbackAddress } from '@dialtone/testkit'
import { expect, it, onTestFinished } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../../..')

it('starts NATS, control and two agents, applies a fleet, and shows it', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-readme-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const readme = readFileSync(resolve(ROOT, 'README.md'), 'utf8')
  const [resources = '', commands = ''] = ['kind: Vantage', 'dir=$(mktemp -d)'].map(start => blocksOf(readme).find(block => block.startsWith(start)) ?? '')
  const place = { address: loopbackAddress(), port: await freePort('127.0.0.1') }
  writeFileSync(join(folder, 'fleet.yaml'), resources.replaceAll(/side: (\w+), /g, `side: $1, resolver: { address: ${place.address}, port: ${place.port} }, `))
  expect(commands).toContain('127.0.0.1:4222')
  const script = commands.replaceAll('127.0.0.1:4222', `127.0.0.1:${await freePort('127.0.0.1')}`).replaceAll('fleet.yaml', join(folder, 'fleet.yaml')).replace('dir=$(mktemp -d)', `dir=${join(folder, 'run')}; mkdir $dir`)
  const { code, out } = await bash(`trap 'kill $(jobs -p); wait' EXIT\n${script}`)
  expect(code).toBe(2) // `overview` ends with the worst state, and nobody serves these domains here
  expect(out).toMatch(/created +Vantage inside|Vantage +inside.*created/)
  expect(out).toMatch(/inside-1 +inside +running/)
  expect(out).toMatch(/outside-1 +outside +running/)
  expect(out).toMatch(/ours\.example <-> partner\.example/)
})

/** The indented blocks of the section. */
function blocksOf (readme: string): string[] {
  const section = readme.slice(readme.indexOf('## The fleet'), readme.indexOf('### What can be asked'))
  return [...section.matchAll(/(?:^ {4}.*\n(?:\n(?= {4}))*)+/gm)].map(([block]) => block.replaceAll(/^ {4}/gm, ''))
}

/** In a process group of its own, which ends with it whatever happens. */
async function bash (script: string): Promise<{ code: number | null, out: string }> {
  const child = spawn('bash', ['-c', script], { cwd: ROOT, detached: true, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, LC_ALL: 'C.UTF-8', PATH: `${resolve(process.execPath, '..')}:${process.env['PATH'] ?? ''}` } })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', text => { out += text })
  try {
    const code = await new Promise<number | null>((done, reject) => {
      child.once('close', done)
      setTimeout(() => reject(new Error(`the walk-through did not end:\n${out}`)), 100_000).unref()
    })
    return { code, out }
  } finally {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It ended by itself, with everything that it started.
    }
  }
}
