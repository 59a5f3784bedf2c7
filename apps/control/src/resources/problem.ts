/**
 * How the API says no: RFC 9457 problem documents, built here alone. A route throws a Refusal (or any OperatorError of a part below it) and the
 * error handler writes it; nothing that was not meant for an operator ever leaves the process.
 */
import { OperatorError, quoted, type Logger } from '@dialtone/kernel'
import type { Problem } from '@dialtone/contracts'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'

/** One thing that is wrong, with the JSON Pointer of its field; `resource` ('Domain/example.org') where the request names several. */
export type FieldProblem = { pointer: string, says: string, resource?: string }

/** `headers`: of the answer (ETag of what is there, Retry-After, WWW-Authenticate). */
export type RefusalMore = { pointer?: string, problems?: readonly FieldProblem[], headers?: Readonly<Record<string, string>> }

/** A request that is not done. `code` is stable: `type` is `urn:dialtone:problem:<code>`; the message says what to do. */
export class Refusal extends OperatorError {
  readonly status: number
  readonly more: RefusalMore

  constructor (status: number, code: string, sentence: string, more: RefusalMore = {}) {
    super(code, sentence)
    this.status = status
    this.more = more
  }
}

/** `throw problem(404, 'not-found', "There is no Domain 'example.org'; PUT creates it.")` */
export function problem (status: number, code: string, sentence: string, more: RefusalMore = {}): Refusal {
  return new Refusal(status, code, sentence, more)
}

/** At most so many single problems in one document; the detail counts all. */
export const MOST_PROBLEMS = 100

/** The document of a refusal. */
export function problemDocument (refusal: Refusal, instance?: string, traceId?: string): Problem {
  const { pointer, problems } = refusal.more
  return {
    type: `urn:dialtone:problem:${refusal.code}`, title: TITLES[refusal.status] ?? 'Not done', status: refusal.status, code: refusal.code, detail: refusal.message,
    ...(instance === undefined ? {} : { instance: quoted(instance, 400) }), ...(pointer === undefined ? {} : { pointer }), ...(traceId === undefined ? {} : { traceId }),
    ...(problems === undefined ? {} : { problems: problems.slice(0, MOST_PROBLEMS) }),
  }
}

/** Answers with the problem document of whatever went wrong. */
function sendProblem (request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  // RFC 9457: the path alone; a query may hold what an operator typed. Written out here, so that no response schema of a route cuts it.
  const path = request.url.split('?', 1)[0]
  return reply.code(refusal.status).headers(refusal.more.headers ?? {}).type('application/problem+json; charset=utf-8')
    .serializer(String).send(JSON.stringify(problemDocument(refusal, path, request.id)))
}

/** For `app.setErrorHandler`. What nobody foresaw is logged with its trace id and answered as 500 without a word of its text. */
export function problemHandler (logger: Logger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const refusal = refusalOf(error)
    if (refusal.code === 'internal') {
      logger.error({ traceId: request.id, method: request.method, route: request.routeOptions.url ?? 'none', err: error instanceof Error ? (error.stack ?? error.message) : String(error) }, 'a request failed for a reason that is a bug')
    }
    return sendProblem(request, reply, refusal)
  }
}

/** Any error as a refusal: what parts below say in an OperatorError keeps its code and sentence, what Fastify refuses gets ours. */
export function refusalOf (error: unknown): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof OperatorError) return new Refusal(STATUS_OF_CODE[error.code] ?? 400, error.code, error.message, error.code === 'bus-unreachable' ? { headers: { 'retry-after': '5' } } : {})
  if (!(error instanceof Error)) return internal()
  const { code, statusCode, validation, validationContext } = error as Partial<FastifyError>
  if (validation !== undefined) return invalidPart(validationContext ?? 'body', validation)
  const known = code === undefined ? undefined : FASTIFY[code]
  if (known !== undefined) return new Refusal(...known)
  if (statusCode === 429) return new Refusal(429, 'too-many-requests', 'Too many requests; wait for as long as Retry-After says.')
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return new Refusal(statusCode, 'bad-request', 'The request cannot be understood; compare it with /openapi.json.')
  return internal()
}

/** What a validator of Fastify found in one part of a request, each with its pointer. */
function invalidPart (part: string, found: NonNullable<FastifyError['validation']>): Refusal {
  const problems = found.slice(0, MOST_PROBLEMS).map(one => {
    const unknown = one.keyword === 'additionalProperties' ? one.params['additionalProperty'] : one.keyword === 'required' ? one.params['missingProperty'] : undefined
    const pointer = typeof unknown === 'string' ? `${one.instancePath}/${escapePointer(quoted(unknown, 100))}` : one.instancePath
    const says = one.keyword === 'additionalProperties' ? 'is not a field that is known here' : one.keyword === 'required' ? 'is missing' : (one.message ?? 'does not have the shape')
    return { pointer, says }
  })
  const [first] = problems
  const where = part === 'querystring' ? 'query' : part === 'params' ? 'path' : part
  return new Refusal(400, 'invalid-request', `The ${where} is not valid: ${first === undefined || first.pointer === '' ? 'it' : `'${first.pointer.slice(1)}'`} ${first?.says ?? 'does not have the shape'}.`, { ...(first === undefined ? {} : { pointer: first.pointer }), problems })
}

/** One segment of a JSON Pointer (RFC 6901 §3). */
export function escapePointer (segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1')
}

function internal (): Refusal {
  return new Refusal(500, 'internal', 'Control failed for a reason of its own; its log has the trace id.')
}

const STATUS_OF_CODE: Readonly<Record<string, number>> = { conflict: 409, 'too-large': 413, 'bus-unreachable': 503, 'not-allowed': 403, 'bad-body': 400, 'not-found': 404 }

const FASTIFY: Readonly<Record<string, readonly [number, string, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'too-large', 'The body is larger than this route takes; send less at once.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'unsupported-media-type', "The body must be JSON: send it with 'Content-Type: application/json'."],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'invalid-json', 'The body is empty; this route takes a JSON document.'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'invalid-json', 'The body is not valid JSON.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'invalid-request', 'The body is not as long as Content-Length says.'],
  FST_ERR_MAX_PARAM_LENGTH: [414, 'uri-too-long', 'A part of the path is longer than 300 characters, and nothing has so long a name; shorten it.'],
  FST_ERR_BAD_URL: [400, 'invalid-request', 'The path is not a valid URL path; check its percent encoding.'],
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Not valid', 401: 'Who are you', 403: 'Not allowed', 404: 'Not found', 405: 'Not a method of this', 406: 'Not acceptable', 409: 'Conflict', 410: 'Gone', 412: 'It has changed', 413: 'Too large', 414: 'Too long a path',
  415: 'Not JSON', 422: 'It contradicts the rest', 428: 'Say which revision', 429: 'Too many', 500: 'Our fault', 502: 'Bad answer', 503: 'Not now', 504: 'No answer in time',
}
