// The usual recipe: a list of responses, and every event written to each as it comes.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const [, agents = '0', seconds = '0'] = process.argv.slice(2)
const PERIOD_MS = 5000
const readers = new Set<ServerResponse>()
const server = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.write('event: hello\ndata: {}\n\n')
  readers.add(response)
  request.on('close', () => readers.delete(response))
})
server.listen(0, '127.0.0.1', () => { process.send?.({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 'x' }) })
process.once('message', () => { void publish() })
process.once('disconnect', () => {
  server.closeAllConnections()
  server.close()
})

async function publish (): Promise<void> {
  const [count, turns] = [Number(agents), Number(seconds) * 1000 / PERIOD_MS]
  const [began, used] = [performance.now(), process.cpuUsage()]
  for (let n = 0; n < count * turns; n++) {
    const rest = began + n * PERIOD_MS / count - performance.now()
    if (rest > 1) await new Promise(resolve => { setTimeout(resolve, rest) })
    const agent = n === count * turns - 1 ? 'last' : `agent-${n % count}`
    const body = { on: 'agent', agent: { v: 1, agent, vantage: 'inside', version: '0.1.0', startedAt: '2026-01-01T00:00:00.000Z', at: new Date().toISOString(), state: 'running', findings: [], revision: 1, targets: { mine: 20, all: 10_000, failing: 1, overdue: 0 }, spool: { waiting: 0, bytes: 0, dropped: 0 }, eventLoopLagMs: 1, checks: n, budget: [] } }
    for (const reader of readers) reader.write(`event: agent\ndata: ${JSON.stringify(body)}\n\n`)
  }
  const { user, system } = process.cpuUsage(used)
  process.send?.({ cpu: (user + system) / 1000 / (performance.now() - began), megabytes: process.memoryUsage.rss() / 2 ** 20, events: count * turns })
}
