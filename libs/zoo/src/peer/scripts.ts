/**
 * Scripts that scenarios are made of: a server that does everything right, and the ways to change one thing about it. Real servers differ in what
 * they offer; `Server` has the differences that a light check can see.
 */
import type { CertificateSpec } from '../certificates/certificates.ts'
import type { FeatureOptions, HeaderOptions, Script, Step, TlsOptions } from './steps.ts'

/** A good certificate for the domain of the scenarios. */
export const GOOD: CertificateSpec = { names: { dns: ['partner.example'] } }

/** After TLS ejabberd offers EXTERNAL to everyone, Prosody to those alone whose certificate it trusts, and jabberd2 to nobody. */
export const AS_EJABBERD: FeatureOptions = { external: true, dialback: 'errors' }

export type Server = {
  certificate?: CertificateSpec
  header?: HeaderOptions
  /** Where the header after TLS differs from the first. */
  headerAgain?: HeaderOptions
  /** Before TLS. Default: STARTTLS required, nothing else. */
  features?: FeatureOptions
  /** After TLS. Default: dialback with errors. */
  featuresAgain?: FeatureOptions
  /** Default: asks for a certificate, as Prosody and ejabberd do unless told otherwise; jabberd2 asks only when told to. */
  tls?: Omit<TlsOptions, 'certificate' | 'proceed'>
  /** In clear, after `<proceed/>`. */
  stray?: string
}

/** A STARTTLS server from the first header to the goodbye. */
export function starttlsServer (server: Server = {}): Script {
  return [...untilStarttls(server), ...afterStarttls(server)]
}

/** A server with direct TLS (XEP-0368). */
export function directServer (server: Server = {}): Script {
  return [{ do: 'tls', ...tlsOf(server) }, ...again(server)]
}

/** A server without TLS, as they were before certificates were free. */
export function clearServer ({ header, features = { dialback: 'errors' } }: Server = {}): Script {
  return [{ do: 'await', what: 'header' }, { do: 'header', ...header }, { do: 'features', ...features }, { do: 'goodbye' }]
}

/** Up to the other side's `<starttls/>`; what follows is the scenario's. */
export function untilStarttls ({ header, features = { starttls: 'required' } }: Server = {}): Script {
  return [{ do: 'await', what: 'header' }, { do: 'header', ...header }, { do: 'features', ...features }, { do: 'await', what: 'starttls' }]
}

/** A STARTTLS server up to the other side's second header; then these steps instead of an answer. */
export function afterTls (steps: readonly Step[], server: Server = {}): Script {
  return [...untilStarttls(server), { do: 'tls', proceed: {}, ...tlsOf(server) }, { do: 'await', what: 'header' }, ...steps]
}

/** A header, and then these steps instead of features. */
export function afterHeader (steps: readonly Step[], header: HeaderOptions = {}): Script {
  return [{ do: 'await', what: 'header' }, { do: 'header', ...header }, ...steps]
}

function afterStarttls (server: Server): Script {
  return [{ do: 'tls', proceed: server.stray === undefined ? {} : { stray: server.stray }, ...tlsOf(server) }, ...again(server)]
}

function again ({ header, headerAgain, featuresAgain = { dialback: 'errors' } }: Server): Script {
  return [{ do: 'await', what: 'header' }, { do: 'header', ...header, ...headerAgain }, { do: 'features', ...featuresAgain }, { do: 'goodbye' }]
}

function tlsOf ({ certificate = GOOD, tls }: Server): TlsOptions {
  return { certificate, clientCertificate: 'asked', ...tls }
}
