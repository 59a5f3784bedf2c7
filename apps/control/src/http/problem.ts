/** The codes by which this server refuses, each with its status; the documents are made in `resources/problem.ts`. */
import { problem, type Refusal, type RefusalMore } from '../resources/problem.ts'

/** Codes are API and are never renamed. */
const STATUS = {
  'bad-request': 400,
  'invalid-request': 400,
  'unauthorized': 401,
  'forbidden': 403,
  'hook-not-allowed': 403,
  'not-found': 404,
  'no-such-route': 404,
  'method-not-allowed': 405,
  'request-timeout': 408,
  'nothing-to-check': 409,
  'agent-refused': 409,
  'hook-missing': 409,
  'gateway-refused': 409,
  'uri-too-long': 414,
  'too-many-requests': 429,
  'streams-of-token': 429,
  'headers-too-large': 431,
  'malformed-answer': 502,
  'bus-unreachable': 503,
  'no-agent': 503,
  'no-gateway': 503,
  'starting': 503,
  'stopping': 503,
  'too-many-streams': 503,
  'too-many-checks': 503,
  'agent-timeout': 504,
  'gateway-timeout': 504,
} as const
export type ProblemCode = keyof typeof STATUS

/** A refusal to throw; the sentence says what to do. */
export function refusal (code: ProblemCode, sentence: string, { retryAfterSeconds, headers, ...more }: RefusalMore & { retryAfterSeconds?: number } = {}): Refusal {
  return problem(STATUS[code], code, sentence, { ...more, headers: { ...headers, ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) }) } })
}
