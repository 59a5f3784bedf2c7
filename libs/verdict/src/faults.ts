/**
 * What stops one endpoint, from its own facts (Failure, features). The texts of a Failure are quoted where it is made. Certificates are not read here: see soft-faults.ts.
 * An endpoint that this vantage could not try is `not-tested`, never dead.
 */
import type { Cause, EndpointObservation, Failure, JudgeConfig, Observation, State } from '@dialtone/contracts'
import { deviationOf } from '@dialtone/checks'
import { isLegacy } from '@dialtone/stream'
import { AUTHENTICATION } from './causes/authentication.ts'
import type { CauseRow } from './causes/row.ts'
import { sameAddress } from '@dialtone/discovery'
import { quoted, unreachable } from '@dialtone/kernel'

/**
 * A fact that stops federation, or that is wrong although it works. `says`, `remedy` and where it lies replace those of the cause where the fact itself
 * says it better. `refusal`: the domain that was refused, once. `unsure`: it is likely, not proved; `fromHere`: because of what cannot be reached from here.
 */
export type Seen = { cause: Cause, state?: State, text: string, endpoint?: string, says?: string, remedy?: string, refusal?: string, unsure?: true, fromHere?: true } & Partial<Pick<CauseRow, 'side' | 'hop' | 'actor'>>
/** The same, and who saw it. */
export type Fault = Seen & { vantage: string }

const BUSY = new Set(['system-shutdown', 'resource-constraint', 'reset', 'connection-timeout'])
const REFUSALS = new Set(['policy-violation', 'not-authorized', 'forbidden', 'not-allowed', 'not-acceptable'])
const ABOUT_OUR_CERTIFICATE = new Set(['certificate_required', 'bad_certificate', 'unknown_ca', 'certificate_unknown', 'unsupported_certificate', 'certificate_expired', 'access_denied'])

/** What was waited for, by the state that the negotiation was in. */
const DUE: Readonly<Record<string, string>> = { 'awaiting-header': 'the stream header', 'awaiting-features': 'the features', 'awaiting-proceed': 'the answer to STARTTLS' }

/** The fault, `not-tested`, or undefined when the endpoint carries federation as far as it was asked. */
export function faultOf (e: EndpointObservation, o: Observation, config: JudgeConfig): Seen | 'not-tested' | undefined {
  const failed = e.steps.find(step => step.outcome === 'failed' && step.stage !== 'close')
  if (failed !== undefined) {
    if (failed.failure === undefined) return { cause: 'unknown', text: `${failed.stage} failed`, endpoint: e.id }
    return stopped(failed.failure, e, o, config)
  }
  if (!e.steps.some(step => step.stage === 'header' && step.outcome === 'ok')) return 'not-tested'
  const wrong = [e.header, e.headerAgain].find(seen => seen !== undefined && seen.contentNamespace !== 'jabber:server')
  if (wrong !== undefined) return { cause: 'peer.protocol-error', text: `its content namespace is ${quoted(wrong.contentNamespace, 80) || 'empty'}, not jabber:server`, endpoint: e.id }
  const last = e.headerAgain ?? e.header
  const external = (e.kind === 'direct' || e.tls === undefined ? e.features : e.featuresAgain)?.mechanisms.includes('EXTERNAL') === true
  if (last !== undefined && (last.id ?? '') === '' && !external) return { cause: 'peer.protocol-error', text: 'its stream header has no id, so that dialback is impossible', endpoint: e.id }
  const again = e.kind === 'starttls' && e.tls !== undefined
  const [header, offered] = again ? [e.headerAgain, e.featuresAgain] : [e.header, e.features]
  // From before XMPP 1.0 there are no features, and none are owed: dialback is declared on the header alone.
  if (header === undefined || (offered === undefined && !isLegacy(header)) || offered?.dialback === true || header.dialbackNamespace) return undefined
  if (e.tls === undefined) return { cause: 'auth.none-offered', text: 'neither its features nor its header name dialback, and EXTERNAL needs TLS', endpoint: e.id, says: 'in clear it offers no way to authenticate' }
  if (external) return undefined
  return e.tls.clientCertificateRequested !== false
    ? certificateRefused('asked for our certificate, and then offered neither EXTERNAL nor dialback', e.id, o.asked.clientCertificate)
    : { cause: 'auth.none-offered', text: 'features after TLS name neither EXTERNAL nor dialback', endpoint: e.id }
}

/** What to do where there was a certificate to show. */
export const OF_THE_CERTIFICATE = AUTHENTICATION['auth.external-refused'].remedy.slice(1).join(' ')

/** Real servers ask everybody for a certificate: one that we did not show was not refused. */
function certificateRefused (text: string, endpoint: string, shown: boolean): Seen {
  return { cause: 'auth.external-refused', text, endpoint, ...(shown ? { remedy: OF_THE_CERTIFICATE } : { state: 'unknown', says: 'it wants a certificate, and we had none to show' }) }
}

function stopped (f: Failure, e: EndpointObservation, o: Observation, config: JudgeConfig): Seen | 'not-tested' {
  if (f.at === 'guard' || f.at === 'probe') return 'not-tested'
  const detail = f.detail === undefined ? '' : `: ${f.detail}`
  const fault = (cause: Cause, text: string): Seen => ({ cause, text: text + detail, endpoint: e.id })
  // Our own address that refuses is our service that does not listen; a time-out is as likely a firewall.
  if (f.at === 'tcp') return fault(config.ours && f.why === 'refused' ? 'service.down' : 'peer.unreachable', `TCP ${f.why}`)
  if (f.at === 'starttls') return fault('tls.handshake-failed', 'answered STARTTLS with a failure')
  if (f.at === 'tls') {
    const ourCertificate = f.why === 'alert-from-peer' && ABOUT_OUR_CERTIFICATE.has(f.alert ?? '') && (o.asked.clientCertificate || f.alert === 'certificate_required')
    if (ourCertificate) return certificateRefused(`TLS alert ${f.alert ?? ''}${detail}`, e.id, o.asked.clientCertificate)
    return fault('tls.handshake-failed', `TLS ${f.why}${f.alert === undefined ? '' : ` ${f.alert}`}`)
  }
  switch (f.why) {
    case 'stream-error': return streamError(f, { endpoint: e.id, address: e.address, encrypted: e.tls !== undefined, certificate: o.asked.clientCertificate, ...(o.asked.as === undefined ? {} : { as: o.asked.as }) }, config)
    case 'broke-protocol': return fault('peer.protocol-error', `we ended the stream with ${f.condition}`)
    case 'not-xmpp': return fault('service.not-xmpp', 'bytes that are no stream header')
    case 'went-silent': return { cause: 'service.silent', text: `${DUE[f.detail ?? ''] ?? 'an answer'} did not come; ${f.received} bytes had`, endpoint: e.id }
    case 'closed': case 'ended': case 'reset': return fault(f.received === 0 ? 'service.not-xmpp' : 'peer.protocol-error', `${f.why} after ${f.received} bytes`)
    default: return unreachable(f)
  }
}

/** The stream that was refused: where, whether over TLS and with a certificate of ours, and in whose real name. */
export type Stream = { endpoint: string, address?: string, encrypted: boolean, certificate: boolean, as?: string }

/** What a stream error proves: where the condition alone does not say it, what the server that sends it is known to mean. */
export function streamError (f: Extract<Failure, { why: 'stream-error' }>, { endpoint, address, encrypted, certificate, as }: Stream, config: JudgeConfig): Seen {
  const text = `stream error ${f.condition}${f.text === undefined ? '' : ` "${f.text}"`}${f.detail === undefined ? '' : `: ${f.detail}`}`
  const fault = (cause: Cause, more: Partial<Seen> = {}): Seen => ({ cause, text, endpoint, ...more })
  const means = deviationOf(f)?.means
  if (f.condition === 'host-unknown' || f.condition === 'host-gone') return fault(wrongHost(address, config))
  if (means === 'claims-opener' && as !== undefined) return fault('dialback.domain-claimed')
  if (means === 'federation-off' && config.ours) return fault('service.down')
  if (means === 'needs-encryption' && !encrypted) return fault('tls.not-offered')
  const ourCertificate = means === 'our-certificate' || (f.condition === 'not-authorized' && encrypted && certificate)
  if (ourCertificate) return certificateRefused(text, endpoint, certificate)
  if (BUSY.has(f.condition)) return fault('peer.busy')
  // A refusal of dialtone.invalid says nothing about anybody's real domain; one of ours is policy only when it is repeated.
  if (REFUSALS.has(f.condition)) return as === undefined ? fault('unknown') : fault('peer.busy', { refusal: as })
  return fault('peer.protocol-error')
}

/** A server that does not know the domain: at an address that is ours it is the wrong one. */
export function wrongHost (address: string | undefined, { ours, expectedAddresses }: JudgeConfig): Cause {
  return ours || (address !== undefined && expectedAddresses.some(expected => sameAddress(expected, address))) ? 'service.wrong-box' : 'service.wrong-host'
}

/** Why an endpoint was not tried, for when nothing else was found: it proves no cause, and tells what would. */
export function notTested (e: EndpointObservation): Seen {
  const failure = e.steps.find(step => step.outcome === 'failed')?.failure
  const detail = failure?.detail === undefined ? '' : `: ${failure.detail}`
  return failure?.at === 'guard'
    ? { cause: 'unknown', text: `not connected to${detail}`, endpoint: e.id, remedy: 'If this network is yours, permit it with --allow-net CIDR; if not, the published address is wrong.' }
    : { cause: 'unknown', text: `not tested${detail}`, endpoint: e.id }
}
