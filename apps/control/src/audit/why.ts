import type { FastifyRequest } from 'fastify'
import { problem } from '../resources/problem.ts'

/** Why a write is made, for the audit trail: of the headers X-Reason and X-Ticket (UTF-8), or of the body where it has them. */
export function whyOf (request: FastifyRequest, body: { reason?: string, ticket?: string } = {}): { reason?: string, ticket?: string } {
  const reason = header(request, 'x-reason', 400) ?? body.reason
  const ticket = header(request, 'x-ticket', 100) ?? body.ticket
  return { ...(reason === undefined ? {} : { reason }), ...(ticket === undefined ? {} : { ticket }) }
}

function header (request: FastifyRequest, name: 'x-reason' | 'x-ticket', most: number): string | undefined {
  const given = request.headers[name]
  if (typeof given !== 'string' || given === '') return undefined
  // Node reads the bytes of a header as Latin-1; who writes more than ASCII means UTF-8.
  const text = Buffer.from(given, 'latin1').toString('utf8')
  if (text.length > most) throw problem(400, 'invalid-request', `The header ${name} has ${text.length} characters, and ${most} is the most.`)
  return text
}
