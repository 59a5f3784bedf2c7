// Where an Alertmanager sends its notifications in a test: each is kept as it came.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { loopbackAddress } from './loopback.ts'

/** In Alertmanager's words, version 4 of its webhook. */
export type Notification = {
  /** The path that it was sent to, by which receivers are told apart. */
  path: string
  status: 'firing' | 'resolved'
  receiver: string
  groupLabels: Readonly<Record<string, string>>
  alerts: readonly { status: 'firing' | 'resolved', labels: Readonly<Record<string, string>>, annotations: Readonly<Record<string, string>> }[]
}
export type Webhook = {
  url: string
  /** In the order in which they came. */
  notifications: readonly Notification[]
  /** The first that satisfies, waiting for it; throws with what came. */
  until: (satisfied: (notification: Notification) => boolean, withinMs?: number) => Promise<Notification>
  stop: () => Promise<void>
}

const UNTIL_MS = 30_000
const POLL_MS = 50

export async function startWebhook (): Promise<Webhook> {
  const notifications: Notification[] = []
  const keep = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    notifications.push({ ...await json(request) as Omit<Notification, 'path'>, path: request.url ?? '/' })
    response.end()
  }
  const server = createServer((request, response) => {
    keep(request, response).catch(() => response.writeHead(400).end())
  })
  server.listen(0, loopbackAddress())
  await once(server, 'listening')
  const { address, port } = server.address() as AddressInfo
  return {
    url: `http://${address}:${port}`, notifications,
    until: async (satisfied, withinMs = UNTIL_MS) => {
      const until = performance.now() + withinMs
      for (;;) {
        const found = notifications.find(satisfied)
        if (found !== undefined) return found
        if (performance.now() > until) {
          const came = notifications.map(({ path, status, alerts }) => ({ path, status, alerts: alerts.map(alert => `${alert.status} ${Object.values(alert.labels).join(' ')}`) }))
          throw new Error(`webhook: nothing of the kind came in ${withinMs} ms; came: ${JSON.stringify(came).slice(-3000)}`)
        }
        await pause(POLL_MS)
      }
    },
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
