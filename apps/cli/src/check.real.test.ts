// `dialtone check DOMAIN --format json`, as an operator runs it, against real servers behind a real resolver: it names the right cause for
// every configuration, and the server's own log shows that it was set up, and asked, as the test says.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Report } from '@dialtone/contracts'
import { CONFIGURATIONS, startConfiguration, type StartedConfiguration } from '@dialtone/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))
const EXIT_CODE = { up: 0, degraded: 1, down: 2, unknown: 3 }
let folder = ''

beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'dialtone-check-')) })
afterAll(async () => { await rm(folder, { recursive: true, force: true }) })

for (const configuration of CONFIGURATIONS) {
  it(`${configuration.name}: ${configuration.expects.cause}`, async () => {
    const started = await startConfiguration(configuration)
    try {
      const { code, report } = await dialtone(started)
      expect(report.verdict).toMatchObject(configuration.expects)
      expect(code).toBe(EXIT_CODE[configuration.expects.state])
      expect(report.verdict.sentence).toMatch(/^partner\.example: .+\.$/)
      expect(report.observation.dns.find(({ purpose }) => purpose === 'xmpp-server')?.outcome).toBe('answer')
      expect(await started.server.logged(configuration.proof.log)).toMatch(configuration.proof.log)
      expect(await started.dns.logged(/_xmpp-server\._tcp\.partner\.example\. SRV IN/)).toContain('127.')
    } finally {
      await started.stop()
    }
  })
}

async function dialtone ({ domain, dns, root }: StartedConfiguration): Promise<{ code: number | null, report: Report }> {
  const ca = join(folder, 'root.pem')
  writeFileSync(ca, root)
  const child = spawn(process.execPath, [MAIN, 'check', domain, '--format', 'json', '--resolver', `${dns.resolver.address}:${dns.resolver.port}`, '--ca', ca, '--allow-net', '127.0.0.0/8'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let json = ''
  child.stdout.setEncoding('utf8').on('data', text => { json += text })
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  return { code, report: JSON.parse(json) as Report }
}
