/** GET /v1/events: what changes, as server-sent events (WHATWG HTML §9.2), from where the reader was. */
import { Type } from 'typebox'
import { refusal } from '../http/problem.ts'
import { actorOf } from '../http/actor.ts'
import type { Actor } from '../access/actor.ts'
import type { App } from '../http/server.ts'
import type { Hub } from './hub.ts'
import { parseTopics } from './topics.ts'

/** How long a browser waits before it comes back. */
const FIRST_LINE = Buffer.from('retry: 3000\n\n')

const Query = Type.Object({
  topics: Type.Optional(Type.String({ maxLength: 4000, description: 'Comma-separated: verdict, incident, change, agent, resource, check, summary, gateway, gateway-event, domain:NAME, pair:OURS/PEER, check:ID, gateway:NAME. Default: all but check and gateway-event' })),
  after: Type.Optional(Type.Integer({ minimum: 0, description: 'The `seq` of the snapshot that the reader has; Last-Event-ID counts more' })),
}, { additionalProperties: false })

export function eventRoutes (app: App, { hub, isValid }: { hub: Hub, isValid: (actor: Actor) => boolean }): void {
  app.get('/v1/events', {
    exposeHeadRoute: false,
    config: { role: 'viewer' },
    schema: {
      tags: ['live'], summary: 'What changes, as it does', produces: ['text/event-stream'], querystring: Query, response: { 200: Type.String({ description: 'hello, heartbeat (15 s), resync, and the events of the topics; each data line is one JSON value' }) },
      description: 'Events carry full values, at most four times a second for one subject. A stream ends with its token, and a token has at most 100. `resync` says that something was missed: read again what is shown. Resume with Last-Event-ID.',
    },
  }, (request, reply) => {
    const topics = parseTopics(request.query.topics)
    const id = request.headers['last-event-id']
    const actor = actorOf(request)
    if (hub.isFull(actor.name)) throw refusal('streams-of-token', `The token '${actor.name}' has as many streams open as one may have: close one that is not needed, or use one stream for several topics.`, { retryAfterSeconds: 10 })
    const response = reply.raw
    const sink = { write: (bytes: Buffer) => response.write(bytes), waiting: () => response.writableLength, end: () => { response.end() } }
    let begun = false
    const join = hub.join({
      ...sink,
      write: bytes => {
        if (!begun) {
          begun = true
          reply.hijack()
          response.writeHead(200, { ...headersOf(reply.getHeaders()), 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
          response.write(FIRST_LINE)
        }
        return sink.write(bytes)
      },
      // One that takes nothing is not waited for: what it has not taken is thrown away with it.
      end: () => { if (response.writableNeedDrain) response.destroy(); else response.end() },
    }, topics, { ...(typeof id === 'string' && id !== '' ? { id } : {}), ...(request.query.after === undefined ? {} : { seq: request.query.after }) }, () => isValid(actor), { token: actor.name, ...(actor.expiresAt === undefined ? {} : { until: Date.parse(actor.expiresAt) }) })
    if (join === undefined) throw refusal('too-many-streams', 'Close a stream that is not needed, or try again in a moment.', { retryAfterSeconds: 10 })
    response.on('close', join)
    response.on('error', join)
  })
}

function headersOf (headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]))
}
