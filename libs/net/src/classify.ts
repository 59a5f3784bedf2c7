// Whatever Node threw, once, into the closed Failure of contracts.
import type { Failure } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'

/** A failed connect. ENETUNREACH without having sent anything means that this vantage has no such route. */
export function classifyConnect (error: unknown): Failure {
  switch (codeOf(error)) {
    case 'ECONNREFUSED': return { at: 'tcp', why: 'refused' }
    case 'ECONNRESET': return { at: 'tcp', why: 'reset' }
    case 'ETIMEDOUT': return { at: 'tcp', why: 'timeout' }
    case 'EHOSTUNREACH': case 'EHOSTDOWN': case 'ENETDOWN': case 'EACCES': return { at: 'tcp', why: 'unreachable', detail: codeOf(error) }
    case 'ENETUNREACH': case 'EADDRNOTAVAIL': case 'EAFNOSUPPORT': case 'EINVAL': return { at: 'probe', why: 'no-address-family', detail: codeOf(error) }
    case 'EMFILE': case 'ENFILE': case 'ENOBUFS': case 'ENOMEM': return { at: 'probe', why: 'no-resources', detail: codeOf(error) }
    default: return unclassified(error)
  }
}

/** An error of the handshake, or, with `late`, of the first read after it (TLS 1.3: RFC 8446 §4.4.2.4 lets the refusal come then). */
export function classifyTls (error: unknown, late = false): Failure {
  const code = codeOf(error)
  const reason = error instanceof Error && 'reason' in error ? String(error.reason) : ''
  const fromPeer = /^ERR_SSL_(?:SSLV3|TLSV1|TLSV13|SSL\/TLS|SSL)_ALERT_(\w+)$|^ERR_SSL_TLSV1_(UNRECOGNIZED_NAME|UNSUPPORTED_EXTENSION|CERTIFICATE_UNOBTAINABLE|BAD_CERTIFICATE_\w+)$/.exec(code)
  const alert = fromPeer?.[1] ?? fromPeer?.[2]
  if (alert !== undefined) return { at: 'tls', why: 'alert-from-peer', alert: alert.toLowerCase(), ...(late ? { late } : {}) }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_HTTP_REQUEST' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' || code === 'ERR_SSL_BAD_RECORD_TYPE' || code === 'ERR_SSL_UNEXPECTED_MESSAGE') return { at: 'tls', why: 'not-tls', detail: quoted(reason || code, 100) }
  if (code === 'ECONNRESET') return { at: 'tls', why: /before secure TLS connection/.test(error instanceof Error ? error.message : '') ? 'closed' : 'reset' }
  if (code === 'EPIPE') return { at: 'tls', why: 'reset' }
  if (/UNSUPPORTED_PROTOCOL|NO_PROTOCOLS|VERSION_TOO_LOW|DH_KEY_TOO_SMALL|EE_KEY_TOO_SMALL|MD_TOO_WEAK|NO_SUITABLE|UNSAFE_LEGACY|BAD_ECPOINT|WRONG_SIGNATURE/.test(code)) return { at: 'tls', why: 'alert-from-us', alert: alertWeSend(code), detail: quoted(reason || code, 100) }
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO') return { at: 'tls', why: 'protocol', detail: quoted(reason || code, 100) }
  return unclassified(error)
}

/** An error of an established connection, by what was going on. */
export function classifyStream (error: unknown, received: number): Failure {
  const code = codeOf(error)
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED') return { at: 'stream', why: 'reset', received }
  if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH') return { at: 'stream', why: 'went-silent', received, detail: code }
  return code.startsWith('ERR_SSL_') ? classifyTls(error, true) : unclassified(error)
}

function alertWeSend (code: string): string {
  return /PROTOCOL|VERSION/.test(code) ? 'protocol_version' : 'handshake_failure'
}

function unclassified (error: unknown): Failure {
  return { at: 'probe', why: 'unclassified', detail: quoted(`${codeOf(error)} ${error instanceof Error ? error.message : String(error)}`, 300) }
}

function codeOf (error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
