// An agent in a process of its own, on an embedded bus: `ADDRESS PORT DOMAINS`. Whatever the domain, it finds the one peer there, lightly every second and deeply every five.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmbeddedBus } from '@dialtone/bus'
import type { Target } from '@dialtone/contracts'
import { assignmentDocument } from '@dialtone/contracts/schemas'
import { createLogger, createTelemetry } from '@dialtone/telemetry'
import { start } from '../start.ts'

const VANTAGE = 'here'
const OURS = 'ours.example'
const [host = '', port = '', domains = ''] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'dialtone-agent-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

const telemetry = createTelemetry({ process: true })
const logger = createLogger({ level: 'error', name: 'probe' })
const bus = createEmbeddedBus({ file: ':memory:', meter: telemetry.meter, logger })
const targets = domains.split(',').map((domain): Target => ({
  id: `peer:${domain}:${OURS}`, job: 'peer', domain, ours: OURS, endpoints: [{ host, port: Number(port), kind: 'starttls' }], schedule: 'default', profile: 'standard', expectedAddresses: [], allowNets: ['127.0.0.0/8'],
  deep: { depth: 'shared', secret: 'env:SECRET' },
}))
await (await bus.documents(assignmentDocument(VANTAGE), { create: true })).put('assignment', {
  v: 1, revision: 1, vantage: VANTAGE, targets, managed: {},
  schedules: { default: { lightEverySeconds: 1, failingEverySeconds: 1, deepEverySeconds: 5, retryWindowSeconds: 0 } },
  spec: { side: 'outside', resolver: { address: '127.0.0.1', port: 9 }, families: [4], connectionsPerTargetPerHour: 100_000, timeoutsMs: { dns: 50, tcp: 2000, stream: 2000, close: 200, answer: 2000 } },
})
const agent = await start({ config: { agent: 'one', vantage: VANTAGE, stateDirectory: folder, http: { port: 0 } }, bus, telemetry, logger, environment: { SECRET: 'a secret of more than 128 bits, for tests' } })
process.once('disconnect', () => process.exit())
process.send?.({ url: agent.url })
