/** The description of the API (OpenAPI 3.1), made of the schemas that requests are checked by, and the pages to read and try it. Both need no token and no other host. */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import * as schemas from '@dialtone/contracts/schemas'
import type { TSchema } from 'typebox'
import type { App } from './server.ts'

/** Registered before the routes, so that it sees them. */
export async function docs (app: App, about: { name: string, version: string }): Promise<void> {
  const named = componentNames()
  for (const [schema, name] of named) app.addSchema({ ...insides(schema, named) as object, $id: name })
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: `Dialtone (${about.name})`, version: about.version, description: 'Configuration, commands and answers of a Dialtone fleet. Every refusal is a problem document (RFC 9457) whose type is stable.' },
      servers: [{ url: '/', description: 'This instance' }],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, at) => typeof json['$id'] === 'string' ? json['$id'] : `def-${at}` },
    transform: ({ schema, url, route }) => {
      const role = route.config?.role
      const hidden = schema?.hide === true || route.method === 'HEAD' || url.startsWith('/docs')
      const answers = { ...schema?.response as Record<string, TSchema> | undefined, default: PROBLEM }
      const security = role === undefined || role === 'anyone' ? [] : [{ bearer: [] }]
      const description = [schema?.description, role === undefined || role === 'anyone' ? undefined : `Needs the role ${role}.`].filter(part => part !== undefined).join(' ')
      const shown = { operationId: operationOf(String(route.method), url), ...schema, response: answers, security, ...(description === '' ? {} : { description }), hide: hidden }
      return { schema: mapped(shown, named) as never, url }
    },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { url: '/openapi.json', docExpansion: 'none', deepLinking: true, persistAuthorization: false, validatorUrl: null },
    // The page's own scripts and styles, the API beside it, and nothing of another host.
    staticCSP: "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  })
  app.get('/', { config: { role: 'anyone' }, schema: { hide: true } }, async (_request, reply) => reply.redirect('/docs/'))
  let text: string | undefined
  app.get('/openapi.json', { config: { role: 'anyone' }, schema: { hide: true } }, async (_request, reply) => {
    text ??= JSON.stringify(app.swagger())
    return reply.type('application/json').serializer(String).send(text)
  })
}

/** `GET /v1/status/:domain` is `getStatusByDomain`. */
function operationOf (method: string, url: string): string {
  const words = url.split('/').filter(part => part !== '' && part !== 'v1').map(part => part.startsWith(':') ? `by-${part.slice(1)}` : part)
  return [method.toLowerCase(), ...words].join('-').replaceAll(/[^A-Za-z0-9]+([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

const PROBLEM = { description: 'A refusal', content: { 'application/problem+json': { schema: schemas.Problem } } } as unknown as TSchema

/** The exported shapes of the contracts, by the name that they are exported under. */
function componentNames (): Map<unknown, string> {
  const names = new Map<unknown, string>()
  for (const [name, value] of Object.entries(schemas)) {
    const type = (value as { type?: unknown }).type
    if (/^[A-Z][a-z]/.test(name) && (type === 'object' || 'anyOf' in Object(value))) names.set(value, name)
  }
  return names
}

/** A copy in which every shape that has a name is a reference to it. */
function mapped (value: unknown, named: ReadonlyMap<unknown, string>): unknown {
  const name = named.get(value)
  if (name !== undefined) return { $ref: `${name}#` }
  return insides(value, named)
}

function insides (value: unknown, named: ReadonlyMap<unknown, string>): unknown {
  if (Array.isArray(value)) return value.map(each => mapped(each, named))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapped(each, named)]))
}
