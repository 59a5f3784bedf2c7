/** `/probe?module=…&target=…`: who may ask for what, and how an observation is answered. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Target } from '@dialtone/contracts'
import { OperatorError, quoted, type Clock, type Logger } from '@dialtone/kernel'
import { DIGEST, toAscii } from '@dialtone/net'
import { expositionOf, type Reply } from '@dialtone/telemetry'
import { answerOf, timedOutAnswer } from './answer.ts'
import { moduleOf } from './modules.ts'
import type { Probes } from './probes.ts'

/** Seconds: where the scraper does not say how long it waits, at most, and what is left for the way back. */
const TIMEOUT = 30
const MOST_TIMEOUT = 120
const LEFT = 0.5
const MOST_TARGET = 1100
const EXPOSITION = 'text/plain; version=0.0.4; charset=utf-8'

export function probeRoute ({ targets, probes, token, clock, logger }: { targets: () => readonly Target[], probes: Probes, token?: string, clock: Clock, logger: Logger }): (query: URLSearchParams, headers: IncomingHttpHeaders, gone: AbortSignal) => Promise<Reply> {
  return async (query, headers, gone) => {
    const module = moduleOf(query.get('module'))
    if ('refused' in module) return { status: 400, text: `${module.refused}\n` }
    const domain = domainOf(query.get('target'))
    if ('refused' in domain) return { status: 400, text: `${domain.refused}\n` }
    const target = targetOf(targets(), domain.domain)
    const refused = mayAsk(headers.authorization, token, target !== undefined, domain.domain)
    if (refused !== undefined) return refused

    const began = clock.elapsed()
    const asked = new AbortController()
    const timer = setTimeout(() => asked.abort(), timeoutMs(headers['x-prometheus-scrape-timeout-seconds']))
    try {
      const probed = await probes.probe(domain.domain, AbortSignal.any([asked.signal, gone]))
      if ('busy' in probed) return { status: 429, text: `${probed.busy}\n`, headers: { 'retry-after': String(probed.retryAfterSeconds) } }
      return { status: 200, type: EXPOSITION, text: expositionOf('late' in probed ? timedOutAnswer(clock.elapsed() - began) : answerOf(probed.observation, module, target)) }
    } catch (error) {
      if (error instanceof OperatorError) return { status: 503, text: `${quoted(error.message, 400)}\n`, headers: { 'retry-after': '60' } }
      logger.error({ domain: domain.domain, error }, 'a check that was asked for failed')
      return { status: 500, text: 'this is a fault of the agent: see its log\n' }
    } finally {
      clearTimeout(timer)
    }
  }
}

/** `example.com`, or `xmpp:example.com` as Prosody writes it. No port, no resource: where a domain is served its records say. */
function domainOf (target: string | null): { domain: string } | { refused: string } {
  if (target === null || target.length > MOST_TARGET) return { refused: "the parameter 'target' must be a domain" }
  try {
    return { domain: toAscii(target.replace(/^xmpp:(\/\/)?/i, '')) }
  } catch (error) {
    if (error instanceof OperatorError) return { refused: `the parameter 'target' must be a domain: ${error.message}` }
    throw error
  }
}

/** Of several about one domain that which says most about it: ours as it is published, before a peer, before the rest. */
function targetOf (targets: readonly Target[], domain: string): Target | undefined {
  const about = targets.filter(target => target.domain === domain)
  return (['own-published', 'own-internal', 'peer', 'control'] as const).map(job => about.find(target => target.job === job)).find(target => target !== undefined) ?? about[0]
}

function mayAsk (authorization: string | undefined, token: string | undefined, configured: boolean, domain: string): Reply | undefined {
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  const right = given !== undefined && token !== undefined && DIGEST.same(DIGEST.sha256(given), DIGEST.sha256(token))
  if (authorization !== undefined && token !== undefined && !right) return { status: 401, text: 'the token is not that of this exporter\n', headers: { 'www-authenticate': 'Bearer' } }
  if (configured || right) return undefined
  const instead = token === undefined ? 'configure it as a domain or a peer, or give the agent a token for the exporter' : 'configure it as a domain or a peer, or send the token of the exporter'
  return { status: 403, text: `${domain} is not configured at this vantage: ${instead}\n` }
}

function timeoutMs (header: string | string[] | undefined): number {
  const said = Number(header)
  if (header === undefined || !Number.isFinite(said) || said <= 0) return TIMEOUT * 1000
  const seconds = Math.min(said, MOST_TIMEOUT)
  return 1000 * Math.max(seconds - LEFT, seconds / 2)
}
