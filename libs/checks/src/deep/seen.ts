// What one deep connection shows, in the words of the checks: how far it came, what was offered, and which callbacks answer its key.
import type { Callback, Deep, DeepConnection, DeepStage, Failure, FeaturesSeen, Observation } from '@dialtone/contracts'
import { sameAddress } from '@dialtone/discovery'
import { listed, publishedAddresses } from '../dns/asked.ts'
import { quoted } from '@dialtone/kernel'

/** A healthy server has called back and answered by then. */
export const EARLY_MS = 15_000
/** Servers in use give up after 90 s at the latest. */
export const FULL_MS = 95_000

export function earlyMs ({ waits }: Deep): number {
  return waits?.earlyMs ?? EARLY_MS
}

/** Alerts that speak of the certificate that was shown, or missed (RFC 8446 §6.2). */
const ABOUT_OUR_CERTIFICATE: ReadonlySet<string> = new Set(['certificate_required', 'bad_certificate', 'unknown_ca', 'certificate_unknown', 'unsupported_certificate', 'certificate_expired', 'certificate_revoked', 'access_denied'])

/** The stage that failed; ending it badly is none. */
export function stopped ({ steps }: DeepConnection): { stage: DeepStage, failure?: Failure } | undefined {
  return steps.find(({ outcome, stage }) => outcome === 'failed' && stage !== 'close')
}

/** The last features before authentication: after TLS, or in clear where there is none. */
export function offered ({ kind, tls, features, featuresAgain }: DeepConnection): FeaturesSeen | undefined {
  return kind === 'starttls' && tls !== undefined ? featuresAgain : features
}

/** Dialback is offered, by the feature or on the header (XEP-0220 §2.1). */
export function offersDialback (connection: DeepConnection): boolean {
  const header = connection.kind === 'starttls' && connection.tls !== undefined ? connection.headerAgain : connection.header
  return offered(connection)?.dialback === true || header?.dialbackNamespace === true
}

export function isAboutOurCertificate (failure: Failure): boolean {
  return failure.at === 'tls' && failure.why === 'alert-from-peer' && ABOUT_OUR_CERTIFICATE.has(failure.alert ?? '')
}

/** What a failure says, on one line. Its texts are quoted where it is made. */
export function told (failure: Failure | undefined): string {
  if (failure === undefined) return 'failed'
  const what = failure.at === 'stream' && failure.why === 'stream-error' ? `stream error ${failure.condition}${failure.text === undefined ? '' : ` "${failure.text}"`}`
    : failure.at === 'tls' ? `TLS ${failure.why}${failure.alert === undefined ? '' : ` ${failure.alert}`}`
      : `${failure.at} ${failure.why}`
  return failure.detail === undefined ? what : `${what}: ${failure.detail}`
}

/** A condition and its text, as an answer or a refusal carries them. */
export function worded ({ condition = 'no condition', text }: { condition?: string, text?: string }): string {
  return text === undefined ? condition : `${condition} "${text}"`
}

/** A listener of this check would see the callback: at other depths the real server of OURS is called. */
export function listens ({ depth, as, listener }: Deep): boolean {
  return depth === 'probe' && listener?.domain === as
}

/** Connections of the peer's side that came while the answer to this connection's key was due, or that asked about this very key. */
export function arrivals ({ dialback }: DeepConnection, { callbacks }: Deep): Callback[] {
  if (dialback === undefined) return []
  const { streamId, sentAtMs, waitedMs } = dialback
  return callbacks.filter(({ asked, atMs }) => {
    if (asked?.id !== undefined) return asked.id === streamId
    const at = asked?.atMs ?? atMs
    return at >= sentAtMs && at <= sentAtMs + waitedMs
  })
}

/** The addresses that are known to be the peer's: those that it publishes, and those of the endpoints that were checked. */
export function addressesOf (observation: Pick<Observation, 'dns' | 'endpoints'>): string[] {
  return [...new Set([...publishedAddresses(observation), ...observation.endpoints.map(({ address }) => address)])]
}

/** A connection comes from one of these addresses. `source`: `192.0.2.1:5269`, `[2001:db8::1]:5269` or `2001:db8::1:5269`. */
export function comesFrom (source: string, addresses: readonly string[]): boolean {
  return addresses.some(address => sameAddress(address, addressIn(source)))
}

export function addressIn (place: string): string {
  return place.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}

/** Connections that nobody can assign: how many, from where, and how one ended. Undefined where there were none, or nothing of ours listens. */
export function strays ({ strayConnections: stray, ...deep }: Deep): string | undefined {
  if (stray === undefined || stray.count === 0 || !listens(deep)) return undefined
  const from = stray.sources.length === 0 ? '' : ` from ${listed(stray.sources.map(source => quoted(source, 60)), 5)}`
  return `${stray.count === 1 ? 'a connection' : `${stray.count} connections`}${from} ended without a stream header${stray.failure === undefined ? '' : ` (${told(stray.failure)})`}`
}

export function seconds (ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
