// What docs/operating/bus.md has people type: certificates and files of a cluster, which its nodes then take.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')

it('bus.md: its commands make three nodes that the server takes, each with a certificate for its own address', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-bus-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [block = '', ...others] = [...readFileSync(join(ROOT, 'docs/operating/bus.md'), 'utf8').matchAll(/^```sh run\n([^]*?)^```$/gm)].map(([, text = '']) => text)
  expect(others).toEqual([])
  const nats = join(folder, 'nats')
  const run = () => execFileSync('bash', ['-ec', block], { cwd: ROOT, env: { ...process.env, nats }, stdio: 'pipe' })
  run()
  // Again, as for one more vantage: apps and nodes know this authority.
  const authority = readFileSync(join(nats, 'ca.crt'), 'utf8')
  run()
  expect(readFileSync(join(nats, 'ca.crt'), 'utf8')).toBe(authority)
  expect(readdirSync(nats).filter(name => /\.(?:nk|conf|secret)$/.test(name)).toSorted()).toEqual(['cluster.secret', 'control.nk', 'gateway-edge.nk', 'nats-1.conf', 'nats-2.conf', 'nats-3.conf', 'probe-inside.nk', 'probe-outside.nk', 'system.nk'])
  for (const [at, node] of ['nats-1', 'nats-2', 'nats-3'].entries()) {
    // As on its host, but elsewhere than in /etc/nats.
    const host = join(folder, node)
    mkdirSync(host)
    for (const [from, to] of [[`${node}.crt`, 'node.crt'], [`${node}.key`, 'node.key'], ['ca.crt', 'ca.crt']] as const) cpSync(join(nats, from), join(host, to))
    writeFileSync(join(host, 'nats-server.conf'), readFileSync(join(nats, `${node}.conf`), 'utf8').replaceAll('/etc/nats/', `${host}/`))
    execFileSync('/usr/sbin/nats-server', ['-t', '-c', join(host, 'nats-server.conf')], { stdio: 'pipe' })
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: host, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    for (const purpose of ['sslserver', 'sslclient']) expect(openssl('verify', '-purpose', purpose, '-CAfile', 'ca.crt', '-verify_ip', `192.0.2.${at + 1}`, 'node.crt')).toMatch(/OK/)
  }
})
