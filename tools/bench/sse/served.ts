// Control with five hundred agents, each of which says every five seconds how it is: a hundred live events a second, through the bus.
import { join } from 'node:path'
import { createEmbeddedBus } from '@dialtone/bus'
import { PresenceDocument } from '@dialtone/contracts/schemas'
import { parseControlConfig, start } from '@dialtone/control'
import { NO_LOGGER } from '@dialtone/kernel'
import { createTelemetry } from '@dialtone/telemetry'

const [folder = '', agents = '0', seconds = '0'] = process.argv.slice(2)
const PERIOD_MS = 5000

const telemetry = createTelemetry()
const bus = createEmbeddedBus({ file: join(folder, 'bus.sqlite'), meter: telemetry.meter, logger: NO_LOGGER })
const control = await start({ config: parseControlConfig({ listen: { port: 0 }, store: join(folder, 'store.sqlite'), limits: { perTokenPerMinute: 1_000_000 } }), bus, telemetry, logger: NO_LOGGER })
const documents = await bus.documents(PresenceDocument, { create: true })
process.send?.({ url: control.url, token: control.firstToken })
process.once('message', () => { void publish() })
process.once('disconnect', () => { void control.stop().then(() => bus.stop()) })

async function publish (): Promise<void> {
  const [count, turns] = [Number(agents), Number(seconds) * 1000 / PERIOD_MS]
  const [began, used] = [performance.now(), process.cpuUsage()]
  for (let n = 0; n < count * turns; n++) {
    const due = began + n * PERIOD_MS / count
    const rest = due - performance.now()
    if (rest > 1) await new Promise(resolve => { setTimeout(resolve, rest) })
    await say(n % count, n === count * turns - 1)
  }
  const { user, system } = process.cpuUsage(used)
  process.send?.({ cpu: (user + system) / 1000 / (performance.now() - began), megabytes: process.memoryUsage.rss() / 2 ** 20, events: count * turns })
}

async function say (n: number, last: boolean): Promise<void> {
  const agent = last ? 'last' : `agent-${n}`
  await documents.put(`agent.inside.${agent}`, {
    v: 1, agent, vantage: 'inside', version: '0.1.0', startedAt: '2026-01-01T00:00:00.000Z', at: new Date().toISOString(), state: 'running', findings: [], revision: 1,
    targets: { mine: 20, all: 10_000, failing: 1, overdue: 0 }, spool: { waiting: 0, bytes: 0, dropped: 0 }, eventLoopLagMs: 1, checks: n, budget: [],
  })
}
