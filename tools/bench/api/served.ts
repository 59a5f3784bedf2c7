// Control over the observations of a large fleet: is told its configuration over REST, and is ready when all that is on the bus is judged.
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createEmbeddedBus } from '@dialtone/bus'
import type { Summary } from '@dialtone/contracts'
import { parseControlConfig, start } from '@dialtone/control'
import { NO_LOGGER } from '@dialtone/kernel'
import { createTelemetry } from '@dialtone/telemetry'
import { OURS, VANTAGES, peerName } from '../ingest/fleet.ts'

const [folder = '', count = '0'] = process.argv.slice(2)
const peers = Number(count)
const telemetry = createTelemetry()
const bus = createEmbeddedBus({ file: join(folder, 'bus.sqlite'), meter: telemetry.meter, logger: NO_LOGGER })

const control = await start({ config: parseControlConfig({ listen: { port: 0 }, store: join(folder, 'store.sqlite'), limits: { perTokenPerMinute: 100_000_000 } }), bus, telemetry, logger: NO_LOGGER })
const headers = { 'authorization': `Bearer ${control.firstToken ?? ''}`, 'content-type': 'application/json' }
const resources = [
  { kind: 'Domain', name: OURS, spec: {} }, { kind: 'Schedule', name: 'default', spec: {} },
  ...VANTAGES.map(name => ({ kind: 'Vantage', name, spec: { side: name === 'inside' ? 'inside' : 'outside', network: name } })),
  ...Array.from({ length: peers }, (_, n) => ({ kind: 'Peer', name: peerName(n), spec: {} })),
]
const applied = await fetch(`${control.url}/v1/apply`, { method: 'POST', headers, body: JSON.stringify({ resources }) })
if (applied.status !== 200) throw new Error(`the configuration was refused: ${(await applied.text()).slice(0, 500)}`)
for (;;) {
  const { behind, oldestObservation, states } = await (await fetch(`${control.url}/v1/summary`, { headers })).json() as Summary
  if (behind === 0 && oldestObservation !== undefined && states.up + states.down + states.degraded + states.unknown > peers) break
  await pause(250)
}
// What the last second left to do is done before anything is measured.
await pause(3000)
process.on('message', () => { process.send?.(process.cpuUsage()) })
process.send?.({ url: control.url, token: control.firstToken, megabytes: process.memoryUsage.rss() / 2 ** 20 })
process.once('disconnect', () => { void control.stop().then(() => bus.stop()) })
