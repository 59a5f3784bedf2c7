// `prosodyctl check connectivity` of a real Prosody, pointed at an agent by `connectivity_probe`; and a real Prometheus that probes through it.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Target } from '@dialtone/contracts'
import { NO_LOGGER } from '@dialtone/kernel'
import { observe, requestFor } from '@dialtone/ladder'
import { createTelemetry } from '@dialtone/telemetry'
import { CONFIGURATIONS, startConfiguration, startPrometheus, type Configuration, type StartedConfiguration } from '@dialtone/testkit'
import { expect, it, onTestFinished } from 'vitest'
import { startExporter } from './exporter.ts'

it('prosodyctl says that federation works, and what it cannot check', async () => {
  const { domain, url } = await exporterOf('prosody required', true)
  const { code, said } = await prosodyctl(domain, `connectivity_probe = ${lua(`${url}/probe`)}`)
  expect(said).toContain(`Checking external connectivity for ${domain} via 127.0.0.1`)
  expect(said).toMatch(/^ {2}xmpp-server: Works$/m)
  expect(said).toMatch(/^ {2}xmpp-client: Failed to request check at API: API replied with non-200 code: 400$/m)
  expect(code).toBe(0)
})

it('prosodyctl asks about direct TLS where it is told to', async () => {
  const { domain, url } = await exporterOf('prosody required', true)
  const { said } = await prosodyctl(domain, `connectivity_probe = { url = ${lua(`${url}/probe`)}, modules = { ["xmpp-server"] = "s2s_starttls", ["xmpps-server"] = "s2s_direct" } }`, 's2s_direct_tls_ports = { 5270 }')
  expect(said).toMatch(/^ {2}xmpp-server: Works$/m)
  expect(said).toMatch(/^ {2}xmpps-server: Check service failed to establish \(secure\) connection$/m)
})

it('prosodyctl fails with a server that has no certificate', async () => {
  const { domain, url } = await exporterOf('prosody no certificate', true)
  const { code, said } = await prosodyctl(domain, `connectivity_probe = ${lua(`${url}/probe`)}`)
  expect(said).toMatch(/^ {2}xmpp-server: Check service failed to establish \(secure\) connection$/m)
  expect(code).not.toBe(0)
})

it('prosodyctl tells of a domain that is not configured', async () => {
  const { domain, url } = await exporterOf('prosody required', false)
  const { said } = await prosodyctl(domain, `connectivity_probe = ${lua(`${url}/probe`)}`)
  expect(said).toMatch(/^ {2}xmpp-server: Failed to request check at API: API replied with non-200 code: 403$/m)
})

for (const [name, success, expected] of [
  ['prosody expired', 1, { 'probe_verdict_info{state="degraded",cause="certificate.expired"}': 1, 'probe_ssl_earliest_cert_expiry < time()': 1, 'probe_tls_version_info{version="TLS 1.3"}': 1, 'probe_failure_info': 0, 'probe_dialback_offered == 1': 1 }],
  ['prosody no certificate', 0, { 'probe_failure_info{cause="tls.handshake-failed"}': 1, 'probe_ssl_earliest_cert_expiry': 0, 'probe_xmpp_duration_seconds{phase="connect"}': 1, 'probe_xmpp_duration_seconds{phase="starttls"}': 0 }],
] as const) {
  it(`a real Prometheus probes through it, and keeps the cause: ${name}`, async () => {
    const { domain, url } = await exporterOf(name, true)
    const prometheus = await startPrometheus({ scrape: [{ job: 'xmpp', targets: [new URL(url).host], path: '/probe', params: { module: 's2s' }, probes: [domain] }], interval: 5 })
    onTestFinished(prometheus.stop)
    expect(await prometheus.until('probe_success', samples => samples.length === 1)).toMatchObject([{ value: success, labels: { instance: domain } }])
    const counts = await Promise.all(Object.keys(expected).map(async expr => [expr, (await prometheus.query(expr)).length]))
    expect(Object.fromEntries(counts)).toEqual(expected)
  }, 60_000)
}

async function exporterOf (name: Configuration['name'], configured: boolean): Promise<{ domain: string, url: string }> {
  const configuration = CONFIGURATIONS.find(each => each.name === name)
  if (configuration === undefined) throw new Error(`no configuration is called '${name}'`)
  const started = await startConfiguration(configuration)
  onTestFinished(started.stop)
  const exporter = await startExporter({
    listen: { port: 0 }, telemetry: createTelemetry(), targets: () => configured ? [targetOf(started.domain)] : [], logger: NO_LOGGER, ready: () => true,
    check: (_, signal) => observe(requestOf(started), { signal }),
  })
  onTestFinished(exporter.stop)
  return { domain: started.domain, url: exporter.url }
}

function requestOf ({ domain, dns, root }: StartedConfiguration) {
  return requestFor({ domain, vantage: 'here', resolver: { ...dns.resolver, trusted: false }, anchors: { system: false, given: [root] }, allowNets: ['127.0.0.0/8'] })
}

function targetOf (domain: string): Target {
  return { id: `own-published:${domain}`, job: 'own-published', domain, schedule: 'default', profile: 'standard', expectedAddresses: [], allowNets: [] }
}

/** With a configuration of its own that has the same domain: what it checks runs already. */
async function prosodyctl (domain: string, ...lines: string[]): Promise<{ code: number | null, said: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'dialtone-prosodyctl-'))
  onTestFinished(() => { rmSync(folder, { recursive: true, force: true }) })
  const file = join(folder, 'prosody.cfg.lua')
  writeFileSync(file, ['run_as_root = true', `data_path = ${lua(folder)}`, 'modules_enabled = { "saslauth", "tls", "dialback" }', ...lines, `VirtualHost ${lua(domain)}`].join('\n'))
  const child = spawn('/usr/bin/prosodyctl', ['--root', '--config', file, 'check', 'connectivity'], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: folder, LC_ALL: 'C.UTF-8' } })
  const [out, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), new Promise<number | null>(resolve => { child.once('close', resolve) })])
  return { code, said: out + errors }
}

function lua (value: string): string {
  return JSON.stringify(value)
}
