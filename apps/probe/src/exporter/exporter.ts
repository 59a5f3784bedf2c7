/**
 * The HTTP side of an agent: its metrics, whether it lives and is ready, and `/probe`, a Prometheus multi-target exporter. It changes nothing and shows no
 * secret; `/probe` of a domain that is not configured needs the operator's token, because it makes the agent connect somewhere.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Observation, Target } from '@dialtone/contracts'
import { OperatorError, quoted, type Clock, type Logger, type Stoppable } from '@dialtone/kernel'
import type { Telemetry } from '@dialtone/telemetry'
import { EXPORTER_METRICS, requestsTotal } from './metrics.ts'
import { PROBE_LIMITS, createProbes, type ProbeLimits } from './probes.ts'
import { probeRoute, type Reply } from './probe-route.ts'

export type ExporterOptions = {
  /** Default address: the loopback. Port 0: the system chooses. */
  listen: { address?: string, port: number }
  telemetry: Telemetry
  /** What is configured at the moment: these may be probed by everybody who reaches the exporter. */
  targets: () => readonly Target[]
  /** Checks one domain now. Rejects with an OperatorError when it may not, and with anything when the signal aborts. */
  check: (domain: string, signal: AbortSignal) => Promise<Observation>
  /** Lets who sends it as a bearer token probe any domain. */
  token?: string
  logger: Logger
  /** `true`, or why not. */
  ready: () => boolean | string
  limits?: ProbeLimits
  clock?: Clock
}

const LOOPBACK = '127.0.0.1'
const MOST_CONNECTIONS = 64
const MOST_HEADER = 8192
const SHORTEST_TOKEN = 16
const CLOCK: Clock = { now: () => Date.now(), elapsed: () => performance.now() }

/** Listens. Rejects with an OperatorError when it cannot, or when the token can be guessed. */
export async function startExporter ({ listen, telemetry, targets, check, token, logger, ready, limits = PROBE_LIMITS, clock = CLOCK }: ExporterOptions): Promise<Stoppable & { url: string }> {
  if (token !== undefined && token.length < SHORTEST_TOKEN) throw new OperatorError('weak-token', `The token of the exporter has ${token.length} characters: take ${SHORTEST_TOKEN} or more, for instance from: openssl rand -hex 32`)
  telemetry.register(EXPORTER_METRICS)
  const { meter } = telemetry
  const probes = createProbes({ check, clock, meter, limits })
  const probe = probeRoute({ targets, probes, clock, logger, ...(token === undefined ? {} : { token }) })

  async function answer (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.parse(request.url ?? '/', 'http://exporter.invalid')
    const route = url !== null && ROUTES.includes(url.pathname) ? url.pathname : 'other'
    response.once('close', () => meter.add(requestsTotal, { route, status: response.headersSent ? String(response.statusCode) : 'none' }))
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, { status: 405, text: 'only GET and HEAD\n', headers: { allow: 'GET, HEAD' } })
    switch (route) {
      case '/metrics': return request.method === 'HEAD' ? send(response, { status: 200, text: '', type: telemetry.contentType }) : stream(response, telemetry)
      case '/healthz': return send(response, { status: 200, text: 'ok\n' })
      case '/readyz': {
        const is = ready()
        return send(response, is === true ? { status: 200, text: 'ready\n' } : { status: 503, text: `${is === false ? 'not ready' : is}\n` })
      }
      case '/probe': {
        const gone = new AbortController()
        response.once('close', () => gone.abort())
        return send(response, await probe(url?.searchParams ?? new URLSearchParams(), request.headers, gone.signal))
      }
      default: return send(response, { status: 404, text: `there are ${ROUTES.join(', ')}\n` })
    }
  }

  const server = createServer({ maxHeaderSize: MOST_HEADER, requestTimeout: 10_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      logger.error({ path: quoted(request.url ?? ''), error }, 'a request failed')
      if (response.headersSent) response.destroy()
      else if (!response.destroyed) send(response, { status: 500, text: 'this is a fault of the agent: see its log\n' })
    })
  })
  server.maxConnections = MOST_CONNECTIONS
  const address = listen.address ?? LOOPBACK
  server.listen(listen.port, address)
  await once(server, 'listening').catch((error: unknown) => {
    throw new OperatorError('cannot-listen', `The exporter cannot listen on ${address}:${listen.port} (${error instanceof Error && 'code' in error ? String(error.code) : String(error)}): choose another address or port.`)
  })
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : listen.port
  return {
    url: `http://${address.includes(':') ? `[${address}]` : address}:${port}`,
    stop: async () => {
      const closed = new Promise<void>(resolve => { server.close(() => resolve()) })
      await probes.stop()
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
const ROUTES = ['/metrics', '/healthz', '/readyz', '/probe']

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
