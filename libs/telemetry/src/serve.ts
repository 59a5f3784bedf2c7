/** The HTTP side of an app that has no API: its metrics, whether it lives and is ready, and routes of its own. It changes nothing and shows no secret. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { OperatorError, quoted, type Logger, type Stoppable } from '@dialtone/kernel'
import { requestsTotal } from './metrics.ts'
import type { Telemetry } from './telemetry.ts'

export type Reply = { status: number, text: string, type?: string, headers?: OutgoingHttpHeaders }
/** Answers a GET. `gone` aborts when who asked has left. */
export type Route = (url: URL, request: IncomingMessage, gone: AbortSignal) => Promise<Reply>

export type ServeOptions = {
  /** Default address: the loopback. Port 0: the system chooses. */
  listen: { address?: string, port: number }
  telemetry: Telemetry
  /** `true`, or why not. */
  ready: () => boolean | string
  logger: Logger
  /** Beside /metrics, /healthz and /readyz. */
  routes?: Readonly<Record<`/${string}`, Route>>
}

const LOOPBACK = '127.0.0.1'
const MOST_CONNECTIONS = 64
const MOST_HEADER = 8192

/** Listens. Rejects with an OperatorError when it cannot. `url`: with the port that the system chose. */
export async function serveHttp ({ listen, telemetry, ready, logger, routes = {} }: ServeOptions): Promise<Stoppable & { url: string }> {
  telemetry.register([requestsTotal])
  const known = ['/metrics', '/healthz', '/readyz', ...Object.keys(routes)]

  async function answer (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.parse(request.url ?? '/', 'http://app.invalid')
    const route = url !== null && known.includes(url.pathname) ? url.pathname : 'other'
    response.once('close', () => telemetry.meter.add(requestsTotal, { route, status: response.headersSent ? String(response.statusCode) : 'none' }))
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, { status: 405, text: 'only GET and HEAD\n', headers: { allow: 'GET, HEAD' } })
    if (route === '/metrics') return request.method === 'HEAD' ? send(response, { status: 200, text: '', type: telemetry.contentType }) : stream(response, telemetry)
    if (route === '/healthz') return send(response, { status: 200, text: 'ok\n' })
    if (route === '/readyz') {
      const is = ready()
      return send(response, is === true ? { status: 200, text: 'ready\n' } : { status: 503, text: `${is === false ? 'not ready' : is}\n` })
    }
    const own = Object.hasOwn(routes, route) ? routes[route as `/${string}`] : undefined
    if (own === undefined || url === null) return send(response, { status: 404, text: `there are ${known.join(', ')}\n` })
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    return send(response, await own(url, request, gone.signal))
  }

  const server = createServer({ maxHeaderSize: MOST_HEADER, requestTimeout: 10_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      logger.error({ path: quoted(request.url ?? ''), error }, 'a request failed')
      if (response.headersSent) response.destroy()
      else if (!response.destroyed) send(response, { status: 500, text: 'this is a fault of this process: see its log\n' })
    })
  })
  server.maxConnections = MOST_CONNECTIONS
  const address = listen.address ?? LOOPBACK
  server.listen(listen.port, address)
  await once(server, 'listening').catch((error: unknown) => {
    throw new OperatorError('cannot-listen', `HTTP cannot be served on ${address}:${listen.port} (${error instanceof Error && 'code' in error ? String(error.code) : String(error)}): choose another address or port.`)
  })
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : listen.port
  return {
    url: `http://${address.includes(':') ? `[${address}]` : address}:${port}`,
    stop: async () => {
      const closed = new Promise<void>(resolve => { server.close(() => resolve()) })
      server.closeIdleConnections()
      // Answers on their way may end; a reader that takes its time is not waited for.
      const impatient = setTimeout(() => server.closeAllConnections(), 2000)
      await closed
      clearTimeout(impatient)
    },
  }
}

/** What Node says of a connection that the other side ended. */
const GONE = ['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'EPIPE']

function send (response: ServerResponse, { status, text, type = 'text/plain; charset=utf-8', headers = {} }: Reply): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text), 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers }).end(text)
}

async function stream (response: ServerResponse, telemetry: Telemetry): Promise<void> {
  const pieces = Readable.from(telemetry.expose(), { objectMode: false })
  response.setHeader('content-type', telemetry.contentType).setHeader('cache-control', 'no-store')
  await pipeline(pieces, response).catch((error: unknown) => {
    // A scraper that gave up is no fault of ours.
    if (!(error instanceof Error && 'code' in error && GONE.includes(String(error.code)))) throw error
  })
}
