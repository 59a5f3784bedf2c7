/**
 * What stops one endpoint, from its own facts (Failure, features). Certificates are not read here: see judge.ts.
 * An endpoint that this vantage could not try is `not-tested`, never dead.
 */
import type { Cause, EndpointObservation, Failure, JudgeConfig, Observation, State } from '@dialtone/contracts'
import { quoted, unreachable } from '@dialtone/kernel'

export type Fault = { cause: Cause, state?: State, text: string, endpoint?: string }

const BUSY = new Set(['system-shutdown', 'resource-constraint', 'reset', 'connection-timeout'])
const REFUSALS = new Set(['policy-violation', 'not-authorized', 'forbidden', 'not-allowed', 'not-acceptable'])
const ABOUT_OUR_CERTIFICATE = new Set(['certificate_required', 'bad_certificate', 'unknown_ca', 'certificate_unknown', 'unsupported_certificate', 'certificate_expired', 'access_denied'])

/** The fault, `not-tested`, or undefined when the endpoint carries federation as far as it was asked. */
export function faultOf (e: EndpointObservation, o: Observation, config: JudgeConfig): Fault | 'not-tested' | undefined {
  const failed = e.steps.find(step => step.outcome === 'failed' && step.stage !== 'close')
  if (failed !== undefined) {
    if (failed.failure === undefined) return { cause: 'unknown', text: `${failed.stage} failed`, endpoint: e.id }
    return stopped(failed.failure, e, o, config)
  }
  if (!e.steps.some(step => step.stage === 'features' && step.outcome === 'ok')) return 'not-tested'
  if (e.tls === undefined) return undefined
  const offered = e.kind === 'direct' ? e.features : e.featuresAgain
  const header = e.kind === 'direct' ? e.header : e.headerAgain
  if (offered === undefined || offered.dialback || offered.mechanisms.includes('EXTERNAL') || header?.dialbackNamespace === true) return undefined
  return !o.asked.clientCertificate && e.tls.clientCertificateRequested
    ? { cause: 'auth.external-refused', state: 'unknown', text: 'asks for a certificate, and we had none to show', endpoint: e.id }
    : { cause: 'auth.none-offered', text: 'features after TLS name neither EXTERNAL nor dialback', endpoint: e.id }
}

function stopped (f: Failure, e: EndpointObservation, o: Observation, config: JudgeConfig): Fault | 'not-tested' {
  if (f.at === 'guard' || f.at === 'probe') return 'not-tested'
  const detail = f.detail === undefined ? '' : `: ${quoted(f.detail)}`
  const fault = (cause: Cause, text: string, state?: State): Fault => ({ cause, text: text + detail, endpoint: e.id, ...(state === undefined ? {} : { state }) })
  if (f.at === 'tcp') return fault('peer.unreachable', `TCP ${f.why}`)
  if (f.at === 'starttls') return fault('tls.handshake-failed', 'answered STARTTLS with a failure')
  if (f.at === 'tls') {
    const ourCertificate = f.why === 'alert-from-peer' && ABOUT_OUR_CERTIFICATE.has(f.alert ?? '') && (o.asked.clientCertificate || f.alert === 'certificate_required')
    if (ourCertificate) return fault('auth.external-refused', `TLS alert ${quoted(f.alert ?? '')}`, o.asked.clientCertificate ? undefined : 'unknown')
    return fault('tls.handshake-failed', `TLS ${f.why}${f.alert === undefined ? '' : ` ${quoted(f.alert)}`}`)
  }
  switch (f.why) {
    case 'stream-error': {
      const text = `stream error ${quoted(f.condition)}${f.text === undefined ? '' : ` "${quoted(f.text)}"`}`
      if (f.condition === 'host-unknown' || f.condition === 'host-gone') return fault(config.ours || config.expectedAddresses.includes(e.address) ? 'service.wrong-box' : 'service.wrong-host', text)
      if (BUSY.has(f.condition)) return fault('peer.busy', text)
      // A refusal of dialtone.invalid says nothing about anybody's real domain.
      if (REFUSALS.has(f.condition)) return o.asked.as === undefined ? fault('unknown', text) : fault('policy.refused-by-peer', text)
      return fault('peer.protocol-error', text)
    }
    case 'broke-protocol': return fault('peer.protocol-error', `we ended the stream with ${f.condition}`)
    case 'not-xmpp': return fault('service.not-xmpp', 'bytes that are no stream header')
    case 'went-silent': return fault('service.silent', `silent after ${f.received} bytes`)
    case 'closed': case 'ended': case 'reset': return fault(f.received === 0 ? 'service.not-xmpp' : 'peer.protocol-error', `${f.why} after ${f.received} bytes`)
    default: return unreachable(f)
  }
}
