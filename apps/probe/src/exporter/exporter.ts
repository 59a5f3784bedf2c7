/**
 * The HTTP side of an agent: its metrics, whether it lives and is ready, and `/probe`, a Prometheus multi-target exporter. `/probe` of a domain that is not
 * configured needs the operator's token, because it makes the agent connect somewhere.
 */
import type { Observation, Target } from '@dialtone/contracts'
import { OperatorError, type Clock, type Logger, type Stoppable } from '@dialtone/kernel'
import { serveHttp, type Telemetry } from '@dialtone/telemetry'
import { EXPORTER_METRICS } from './metrics.ts'
import { PROBE_LIMITS, createProbes, type ProbeLimits } from './probes.ts'
import { probeRoute } from './probe-route.ts'

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

const SHORTEST_TOKEN = 16
const CLOCK: Clock = { now: () => Date.now(), elapsed: () => performance.now() }

/** Listens. Rejects with an OperatorError when it cannot, or when the token can be guessed. */
export async function startExporter ({ listen, telemetry, targets, check, token, logger, ready, limits = PROBE_LIMITS, clock = CLOCK }: ExporterOptions): Promise<Stoppable & { url: string }> {
  if (token !== undefined && token.length < SHORTEST_TOKEN) throw new OperatorError('weak-token', `The token of the exporter has ${token.length} characters: take ${SHORTEST_TOKEN} or more, for instance from: openssl rand -hex 32`)
  telemetry.register(EXPORTER_METRICS)
  const probes = createProbes({ check, clock, meter: telemetry.meter, limits })
  const probe = probeRoute({ targets, probes, clock, logger, ...(token === undefined ? {} : { token }) })
  const served = await serveHttp({ listen, telemetry, ready, logger, routes: { '/probe': (url, request, gone) => probe(url.searchParams, request.headers, gone) } })
  return {
    url: served.url,
    stop: async () => {
      const closed = served.stop()
      await probes.stop()
      await closed
    },
  }
}
