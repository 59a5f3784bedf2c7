// A process of its own that exposes so many series per domain, by ours or by prom-client's registry, and tells how long its event loop was held.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Readable } from 'node:stream'
import { defineGauge } from '@dialtone/kernel'
import { createTelemetry } from '@dialtone/telemetry'
import { Gauge, Registry } from 'prom-client'

const [how, address = '127.0.0.1', domains = '10000', metrics = '12'] = process.argv.slice(2)
const RESOLUTION_MS = 1
const SETTLE_MS = 20

/** What an app keeps anyway: the state of each domain. */
const states = Array.from({ length: Number(domains) }, (_, at) => ({ domain: `department-${at}.organisation.example`, vantage: 'outside-1', value: at % 3 }))
const names = Array.from({ length: Number(metrics) }, (_, at) => ({ name: `dialtone_domain_measure_${at}` as const, help: `What is known about a domain, number ${at}` }))

const expose = how === 'ours' ? ours() : theirs()
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
delay.enable()
// The monitor takes note of a hold when it is over: it is given the time to.
process.on('message', message => setTimeout(() => {
  process.send?.({ heldMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS), residentMB: process.memoryUsage().rss / 2 ** 20 })
  if (message === 'reset') delay.reset()
}, SETTLE_MS))
process.once('disconnect', () => process.exit())

const server = createServer((_, response) => { expose().pipe(response) })
server.listen(0, address, () => { process.send?.({ port: (server.address() as AddressInfo).port }) })

function ours (): () => Readable {
  // As an app that runs.
  const telemetry = createTelemetry({ strict: false })
  for (const { name, help } of names) {
    telemetry.family(defineGauge(name, help, ['domain', 'vantage']), function * () {
      for (const { domain, vantage, value } of states) yield { labels: { domain, vantage }, value }
    })
  }
  return () => Readable.from(telemetry.expose(), { objectMode: false })
}

function theirs (): () => Readable {
  const registry = new Registry()
  for (const { name, help } of names) {
    const gauge = new Gauge({ name, help, labelNames: ['domain', 'vantage'], registers: [registry] })
    for (const { domain, vantage, value } of states) gauge.set({ domain, vantage }, value)
  }
  return () => Readable.from(async function * () { yield await registry.metrics() }(), { objectMode: false })
}
