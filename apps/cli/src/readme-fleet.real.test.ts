// The walk-through of the README, section "As separate processes, on NATS": every command as it stands there. Other are only the ports, the folder that it runs
// in, and the resolver, so that nothing leaves the loopback.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort, loopbackAddress } from '@dialtone/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { ROOT, bash, blocksOf } from './test-support/walk-through.ts'

it('starts NATS, control and two agents, applies a fleet, and shows it', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-readme-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const readme = readFileSync(resolve(ROOT, 'README.md'), 'utf8')
  const blocks = blocksOf(readme, '## The fleet', '### What can be asked')
  const [resources = '', commands = ''] = ['kind: Vantage', 'dir=$(mktemp -d)'].map(start => blocks.find(block => block.startsWith(start)) ?? '')
  const place = { address: loopbackAddress(), port: await freePort('127.0.0.1') }
  writeFileSync(join(folder, 'fleet.yaml'), resources.replaceAll(/side: (\w+), /g, `side: $1, resolver: { address: ${place.address}, port: ${place.port} }, `))
  expect(commands).toContain('127.0.0.1:4222')
  const script = commands.replaceAll('127.0.0.1:4222', `127.0.0.1:${await freePort('127.0.0.1')}`).replaceAll('fleet.yaml', join(folder, 'fleet.yaml')).replace('dir=$(mktemp -d)', `dir=${join(folder, 'run')}; mkdir $dir`)
  const { code, out } = await bash(`trap 'kill $(jobs -p); wait' EXIT\n${script}`, 100_000)
  expect(code).toBe(2) // `overview` ends with the worst state, and nobody serves these domains here
  expect(out).toMatch(/created +Vantage inside|Vantage +inside.*created/)
  expect(out).toMatch(/inside-1 +inside +running/)
  expect(out).toMatch(/outside-1 +outside +running/)
  expect(out).toMatch(/ours\.example <-> partner\.example/)
})
