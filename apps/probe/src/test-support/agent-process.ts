// The parts of an agent that count and expose, in a process of their own: it checks what it is asked to over HTTP, at one peer, whatever the domain.
import { NO_LOGGER } from '@dialtone/kernel'
import { observe, requestFor } from '@dialtone/ladder'
import { createTelemetry } from '@dialtone/telemetry'
import type { Target } from '@dialtone/contracts'
import { startExporter } from '../exporter/exporter.ts'
import { createHealth } from '../health/health.ts'

const [host = '', port = '', domains = ''] = process.argv.slice(2)
const telemetry = createTelemetry({ process: true })
const health = createHealth({
  clock: { now: () => Date.now(), elapsed: () => performance.now() }, meter: telemetry.meter, vantage: () => ({ controlName: '.' }),
  bus: { connected: false, request: async () => ({ failed: 'disconnected', says: 'there is no bus' }) },
})
const targets = domains.split(',').map((domain): Target => ({ id: `peer:${domain}`, job: 'peer', domain, schedule: 'default', profile: 'standard', expectedAddresses: [], allowNets: [] }))
const exporter = await startExporter({
  listen: { port: 0 }, telemetry, logger: NO_LOGGER, ready: () => true, targets: () => targets, limits: { reuseMs: 0, parallel: 64, perMinute: 1_000_000 },
  check: async (domain, signal) => {
    const request = requestFor({ domain, vantage: 'here', resolver: { address: '127.0.0.1', port: 9, trusted: false }, overrides: [{ host, port: Number(port), kind: 'starttls' }], allowNets: ['127.0.0.0/8'], secondLooks: true })
    const observation = await observe({ ...request, timeoutsMs: { ...request.timeoutsMs, dns: 100 } }, { signal })
    health.note(observation)
    return observation
  },
})
process.once('disconnect', () => process.exit())
process.send?.({ url: exporter.url })
