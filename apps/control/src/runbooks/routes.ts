/**
 * GET /runbooks/…: what to do about a cause or an alert, for a person who was woken by it and has no token at hand. The pages are those of docs/operating; there
 * is no secret in them, and no other file is served: a name is looked up among those that were there at the first question.
 */
import { resolve } from 'node:path'
import { Type } from 'typebox'
import type { App } from '../http/server.ts'
import { loadPages, type Pages } from './pages.ts'
import { STYLE_HASH, shell } from './shell.ts'

/** In a checkout and in the container alike. */
export const OPERATING = resolve(import.meta.dirname, '../../../../docs/operating')

const POLICY = `default-src 'none'; style-src '${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
const Name = Type.Object({ name: Type.String({ minLength: 1, maxLength: 100 }) })
const SCHEMA = { tags: ['runbooks'], produces: ['text/html'], querystring: Type.Object({}), response: { 200: Type.String(), 404: Type.String() } } as const

export function runbookRoutes (app: App, folder = OPERATING): void {
  let loaded: Pages | undefined
  const pages = () => loaded ??= loadPages(folder)

  app.get('/runbooks', { config: { role: 'anyone' }, schema: { hide: true } }, async (_request, reply) => reply.redirect('runbooks/'))

  app.get('/runbooks/', { config: { role: 'anyone' }, schema: { ...SCHEMA, summary: 'Every runbook, for people' } }, async (_request, reply) => {
    const index = pages().page('README')
    return reply.status(index === undefined ? 404 : 200).header('content-security-policy', POLICY).type('text/html; charset=utf-8').serializer(String)
      .send(index ?? shell('No runbooks', '<h1>No runbooks</h1><p>This installation came without docs/operating.</p>'))
  })

  app.get('/runbooks/:name/', { config: { role: 'anyone' }, schema: { hide: true, params: Name } }, async (request, reply) => reply.redirect(`../${encodeURIComponent(request.params.name)}`))

  app.get('/runbooks/:name', { config: { role: 'anyone' }, schema: { ...SCHEMA, summary: 'What to do about one cause or alert, for people', params: Name } }, async (request, reply) => {
    const { name } = request.params
    const found = pages().page(name)
    return reply.status(found === undefined ? 404 : 200).header('content-security-policy', POLICY).type('text/html; charset=utf-8').serializer(String).send(found ?? pages().none(name))
  })
}
