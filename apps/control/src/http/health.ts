/** Whether the process lives, whether it can be asked, and what it counts. */
import { Type } from 'typebox'
import type { App } from './server.ts'
import { PassThrough, Readable, pipeline } from 'node:stream'

/** One thing that has to be well before answers are worth something. `needed`: without it nothing can be answered. */
export type Readiness = { name: string, ok: boolean, needed: boolean, says: string }

/** `expose`: the text of all metrics in pieces. */
export type HealthNeeds = { readiness: () => readonly Readiness[], exposition: { expose: () => AsyncIterable<string>, contentType: string } }

const Ready = Type.Object({ ready: Type.Boolean(), checks: Type.Array(Type.Object({ name: Type.String(), ok: Type.Boolean(), needed: Type.Boolean(), says: Type.String() }, { additionalProperties: false })) }, { additionalProperties: false })
const NoQuery = Type.Object({}, { additionalProperties: false })

export function healthRoutes (app: App, { readiness, exposition }: HealthNeeds): void {
  app.get('/healthz', { config: { role: 'anyone' }, schema: { tags: ['health'], summary: 'Whether the process lives', querystring: NoQuery, response: { 200: Type.Object({ ok: Type.Literal(true) }, { additionalProperties: false }) } } }, async () => ({ ok: true as const }))

  app.get('/readyz', { config: { role: 'anyone' }, schema: { tags: ['health'], summary: 'Whether it can be asked', description: 'Reads go on while the bus is away; that is told, and is no reason to send people elsewhere.', querystring: NoQuery, response: { 200: Ready, 503: Ready } } }, async (_request, reply) => {
    const checks = [...readiness()]
    const ready = checks.every(({ ok, needed }) => ok || !needed)
    return reply.status(ready ? 200 : 503).send({ ready, checks })
  })

  app.get('/metrics', { config: { role: 'viewer', openOnThisHost: true }, schema: { tags: ['health'], summary: 'Everything that is counted, for Prometheus', description: 'From this host, or with the token of a viewer.', produces: ['text/plain'], querystring: NoQuery, response: { 200: Type.String() } } }, async (_request, reply) => {
    const text = pipeline(Readable.from(exposition.expose()), new PassThrough(), () => undefined)
    return reply.type(exposition.contentType).send(text as never)
  })
}
