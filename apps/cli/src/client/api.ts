/**
 * One request to the control API, and what became of it. What is not an answer is an OperatorError whose sentence says what to do; which exit code each
 * has is in `exit-code.ts`.
 */
import type { Problem } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import type { Connection } from './connection.ts'
import { refusal } from './refusal.ts'

/** A query parameter that is not given is left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>
export type Answer<T> = { status: number, body: T, etag?: string }

export type Api = {
  readonly connection: Connection
  get: <T>(path: string, query?: Query) => Promise<T>
  /** `etag`: writes over this revision alone. */
  send: <T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, options?: { query?: Query, etag?: string, /** Where the answer is waited for on purpose. */ timeoutMs?: number }) => Promise<Answer<T>>
  /** As `get`, with its ETag. */
  read: <T>(path: string) => Promise<Answer<T>>
  /** A response whose body goes on, for `events.ts`. */
  open: (path: string, query: Query, headers: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<Response>
}

const TIMEOUT_MS = 30_000
const MOST_BYTES = 64 * 1024 * 1024
/** The API that this command speaks: `apiVersion` of /v1/meta. */
const API = 'v1'

/** Asks the server which API it speaks before anything else. Rejects with `server-older`, or as any request does. */
export async function openApi (connection: Connection, signal: AbortSignal, timeoutMs = TIMEOUT_MS): Promise<Api> {
  const api = apiOf(connection, signal, timeoutMs)
  const meta = await api.get<unknown>('/v1/meta').catch((error: unknown) => {
    if (error instanceof OperatorError && error.code === 'not-found') throw notOurs(connection, 'it has no /v1/meta')
    throw error
  })
  if (typeof meta !== 'object' || meta === null || !('version' in meta) || typeof meta.version !== 'string') throw notOurs(connection, 'its /v1/meta is not that of Dialtone')
  const spoken = 'apiVersion' in meta ? String(meta.apiVersion) : 'an API without a name'
  if (spoken !== API) throw new OperatorError('server-older', `the control API at ${connection.base} is of version ${quoted(meta.version, 40)} and speaks ${quoted(spoken, 20)}; this command needs ${API}: use the command and the server of one version`)
  return api
}

function apiOf (connection: Connection, signal: AbortSignal, timeoutMs: number): Api {
  const ask = async (method: string, path: string, { query = {}, body, etag, timeoutMs: patienceMs = timeoutMs }: { query?: Query, body?: unknown, etag?: string, timeoutMs?: number } = {}): Promise<Answer<unknown>> => {
    const within = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
    try {
      const response = await fetch(urlOf(connection.base, path, query), {
        method, signal: within, redirect: 'error',
        headers: { ...headersOf(connection), ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(etag === undefined ? {} : { 'if-match': etag }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await textOf(response)
      if (!response.ok) throw refusal(response.status, problemIn(text), connection, `${method} ${path}`, response.headers.get('retry-after'))
      const tag = response.headers.get('etag')
      return { status: response.status, body: text === '' ? undefined : parsed(text, connection), ...(tag === null ? {} : { etag: tag }) }
    } catch (error) {
      throw stopped(error, connection, signal, patienceMs)
    }
  }
  return {
    connection,
    get: async <T>(path: string, query?: Query) => (await ask('GET', path, query === undefined ? {} : { query })).body as T,
    read: async <T>(path: string) => await ask('GET', path) as Answer<T>,
    send: async <T>(method: string, path: string, body?: unknown, options = {}) => await ask(method, path, { body, ...options }) as Answer<T>,
    open: async (path, query, headers, until) => {
      const response = await fetch(urlOf(connection.base, path, query), { redirect: 'error', headers: { ...headersOf(connection), ...headers }, signal: until })
      if (!response.ok) throw refusal(response.status, problemIn(await textOf(response)), connection, `GET ${path}`, response.headers.get('retry-after'))
      return response
    },
  }
}

/** What stopped a request that got no answer. */
export function stopped (error: unknown, { base, from }: Connection, signal: AbortSignal, timeoutMs: number): unknown {
  if (error instanceof OperatorError) return error
  if (signal.aborted) return signal.reason
  if (!(error instanceof Error)) return error
  if (error.name === 'TimeoutError') return new OperatorError('server-timeout', `the control API at ${base} did not answer within ${timeoutMs / 1000} s: see its log, and try again`)
  const cause = error.cause
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : cause instanceof Error ? cause.message : error.message
  const why = {
    ECONNREFUSED: 'nothing listens there', ENOTFOUND: 'there is no such host', ECONNRESET: 'the connection was reset', EHOSTUNREACH: 'the host cannot be reached', ENETUNREACH: 'there is no way to its network', UND_ERR_SOCKET: 'the connection was closed before the answer', UND_ERR_CONNECT_TIMEOUT: 'nobody answers',
    ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS: write http://', DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself: name it in NODE_EXTRA_CA_CERTS', UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an unknown authority: name that in NODE_EXTRA_CA_CERTS',
  }[code] ?? quoted(code, 120)
  return new OperatorError('server-unreachable', `no control API answers at ${base} (from ${from}): ${why}. Start one with 'npm start' or 'dialtone up', or name another by --server URL`)
}

function headersOf ({ token }: Connection): Record<string, string> {
  return { accept: 'application/json, application/problem+json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
}

function urlOf (base: string, path: string, query: Query): string {
  const given = Object.entries(query).filter((pair): pair is [string, string | number | boolean] => pair[1] !== undefined).map(([name, value]): [string, string] => [name, String(value)])
  return `${base}${path}${given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`}`
}

async function textOf (response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > MOST_BYTES) throw new OperatorError('server-failed', `the answer of the control API has more than ${MOST_BYTES} bytes: ask for less, with a filter`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed (text: string, connection: Connection): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw notOurs(connection, 'it answers with something that is no JSON')
  }
}

function problemIn (text: string): Partial<Problem> {
  try {
    const problem: unknown = JSON.parse(text)
    return typeof problem === 'object' && problem !== null ? problem : {}
  } catch {
    return {}
  }
}

function notOurs ({ base }: Connection, why: string): OperatorError {
  return new OperatorError('server-older', `what answers at ${base} is no control API of Dialtone, or an older one: ${why}`)
}
