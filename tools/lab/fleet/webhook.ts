// Where Alertmanager sends what it notifies of: the proof of what an operator would have been told, and when.
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Notification } from '../seams.ts'

export type Webhook = { url: string, received: () => readonly Notification[], stop: () => Promise<void> }

/** Of a long run the last ones. */
const KEPT = 5000
const LARGEST = 4_194_304

/** Alertmanager's webhook format, version 4, at any path; the path is who is told: `/page`, `/ticket`. */
export async function startWebhook (now: () => number = Date.now): Promise<Webhook> {
  const received: Notification[] = []
  const take = async (request: IncomingMessage): Promise<number> => {
    if (Number(request.headers['content-length'] ?? 0) > LARGEST) return 413
    const { alerts } = JSON.parse(await text(request)) as { alerts: { status: 'firing' | 'resolved', labels: Record<string, string> }[] }
    const to = request.url?.slice(1) ?? ''
    for (const { status, labels } of alerts) received.push({ at: now(), to, status, alert: (labels['alertname'] ?? '') as Notification['alert'], labels })
    received.splice(0, Math.max(0, received.length - KEPT))
    return 200
  }
  const server = createServer((request, response) => {
    take(request).then(status => response.writeHead(status).end(), () => response.writeHead(400).end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => [...received],
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
