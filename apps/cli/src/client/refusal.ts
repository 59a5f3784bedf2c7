// An answer that is a refusal (RFC 9457), as one sentence for who asked, with every field that is wrong.
import type { Problem } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import type { Connection } from './connection.ts'

/** Carries what the server found wrong, so that a command that knows where it was written can say so. */
export class Refusal extends OperatorError {
  readonly problems: readonly { pointer: string, says: string, resource?: string }[]

  /** When the same may work. */
  readonly retryAfterSeconds: number | undefined

  constructor (code: string, sentence: string, problems: Refusal['problems'] = [], retryAfterSeconds?: number) {
    super(code, sentence)
    this.problems = problems
    this.retryAfterSeconds = retryAfterSeconds
  }
}

const MOST_PROBLEMS = 20

/** `retryAfter`: the header of that name. */
export function refusal (status: number, problem: Partial<Problem>, { base, token, tokenFrom }: Connection, what: string, retryAfter: string | null): Refusal {
  const detail = typeof problem.detail === 'string' && problem.detail !== '' ? quoted(problem.detail, 600) : typeof problem.title === 'string' ? quoted(problem.title, 200) : `it answers ${what} with status ${status}`
  const at = typeof problem.pointer === 'string' && problem.pointer !== '' ? ` (at ${quoted(problem.pointer, 200)})` : ''
  const seconds = retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined
  const after = retryAfter === null ? '' : ` (again after ${quoted(retryAfter, 40)} s)`
  switch (status) {
    case 401: return new Refusal('not-allowed', token === undefined
      ? `the control API at ${base} wants a token: give --token-file FILE or DIALTONE_TOKEN`
      : `the control API at ${base} does not accept the token from ${tokenFrom}: ${detail}`)
    case 403: return new Refusal('not-allowed', `the token from ${tokenFrom} may not do this: ${detail}`)
    case 404: return /^no-(?:such-)?route$/.test(problem.code ?? '') ? new Refusal('server-older', `the control API at ${base} does not know ${what}: it is older than this command`) : new Refusal('not-found', detail)
    case 409: case 412: case 428: return problem.code === 'nothing-to-check' ? new Refusal('not-found', detail) : problem.code === 'token-exists' ? new Refusal('exists', detail) : problem.code === 'agent-refused' ? new Refusal('try-later', `${detail}${after}`, [], seconds) : new Refusal('conflict', `${detail}${at}`)
    case 429: case 503: case 504: return new Refusal('try-later', `${detail}${after}`, [], seconds)
    case 400: case 413: case 414: case 415: case 422: return new Refusal('configuration', `${detail}${at}${listed(problem)}`, problemsOf(problem))
    default: return new Refusal('server-failed', `the control API at ${base} failed: ${detail}${typeof problem.traceId === 'string' ? ` (trace ${quoted(problem.traceId, 80)})` : ''}`)
  }
}

function problemsOf ({ problems, pointer, detail }: Partial<Problem>): Refusal['problems'] {
  if (Array.isArray(problems) && problems.length > 0) return problems.filter(one => typeof one.pointer === 'string' && typeof one.says === 'string')
  return typeof pointer === 'string' ? [{ pointer, says: detail ?? '' }] : []
}

function listed (problem: Partial<Problem>): string {
  const problems = Array.isArray(problem.problems) ? problemsOf(problem) : []
  const lines = problems.slice(0, MOST_PROBLEMS).map(({ pointer, says, resource }) => `\n  ${resource === undefined ? '' : `${quoted(resource, 120)} `}${quoted(pointer, 200)}: ${quoted(says, 300)}`)
  return lines.join('') + (problems.length > MOST_PROBLEMS ? `\n  and ${problems.length - MOST_PROBLEMS} more` : '')
}
