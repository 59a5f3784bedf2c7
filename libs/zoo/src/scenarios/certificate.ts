// The handshake works and the certificate is wrong: degraded while dialback over TLS still carries it, down where a valid one is needed.
import type { Cause } from '@dialtone/contracts'
import type { CertificateSpec } from '../certificates/certificates.ts'
import { AS_EJABBERD, directServer, starttlsServer } from '../peer/scripts.ts'
import { DOMAIN, HOST, type Scenario } from '../scenario.ts'
import { oneEndpoint } from './parts.ts'

const NAMES = { dns: [DOMAIN] }
const WRONG: readonly (readonly [string, string, Cause, CertificateSpec])[] = [
  ['expired', 'expired two days ago (badxmpp: expired)', 'certificate.expired', { names: NAMES, validDays: { from: -92, to: -2 } }],
  ['not-yet-valid', 'begins the day after tomorrow', 'certificate.not-yet-valid', { names: NAMES, validDays: { from: 2, to: 92 } }],
  ['wrong-name', 'names another domain (badxmpp: wrong-name)', 'certificate.name-mismatch', { names: { dns: ['other.example'] } }],
  ['target-name', 'names the SRV target, not the domain', 'certificate.name-mismatch', { names: { dns: [HOST] } }],
  ['common-name', 'names the domain in its common name alone', 'certificate.name-mismatch', { names: {}, commonName: DOMAIN }],
  ['deep-wildcard', 'a wildcard one label too high', 'certificate.name-mismatch', { names: { dns: [`*.${DOMAIN}`] } }],
  ['client-only', 'may be used by clients only', 'certificate.purpose', { names: NAMES, usages: ['clientAuth'] }],
  ['self-signed', 'signed by itself (badxmpp: self-signed)', 'certificate.self-signed', { names: NAMES, commonName: DOMAIN, issuer: 'self' }],
  ['unknown-ca', 'from a CA that nobody knows', 'certificate.untrusted', { names: NAMES, issuer: 'unknown' }],
  ['missing-intermediate', 'without its intermediate (badxmpp: missing-chain)', 'certificate.untrusted', { names: NAMES, issuer: 'intermediate', withoutIntermediate: true }],
  ['expired-and-wrong-name', 'expired, and names another domain: the date is judged first', 'certificate.expired', { names: { dns: ['other.example'] }, validDays: { from: -92, to: -2 } }],
]

export const CERTIFICATE: readonly Scenario[] = [
  ...WRONG.map(([name, title, cause, certificate]): Scenario => ({
    name: `certificate-${name}`, title: `the certificate ${verb(title)}`, expects: { cause, state: 'degraded' },
    ...oneEndpoint({ usual: starttlsServer({ certificate }) }), counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'with such a certificate' },
  })),
  ...WRONG.slice(0, 10).map(([name, title, cause, certificate]): Scenario => ({
    name: `certificate-${name}-needed`, title: `the certificate ${verb(title)}, and the profile of the peer needs a valid one`, expects: { cause, state: 'down' },
    ...oneEndpoint({ usual: starttlsServer({ certificate, featuresAgain: AS_EJABBERD }) }), judge: { profile: 'expressway' },
    counterpart: { servers: ['ejabberd'], how: 'with such a certificate and --profile expressway' },
  })),
  {
    name: 'certificate-expired-direct-tls', title: 'an expired certificate on the direct TLS port', expects: { cause: 'certificate.expired', state: 'degraded' },
    records: [{ type: 'SRV', service: 'xmpps-server', target: HOST, port: 'direct' }],
    hosts: [{ name: HOST, addresses: [{ direct: directServer({ certificate: { names: NAMES, validDays: { from: -92, to: -2 } } }) }] }],
    counterpart: { servers: ['prosody'], how: 's2s_direct_tls_ports with such a certificate' },
  },
]

/** Titles of one table serve two sentences. */
function verb (title: string): string {
  return /^(?:expired|signed)/.test(title) ? `is ${title}` : /^(?:from|without|a )/.test(title) ? `is ${title}` : title
}
