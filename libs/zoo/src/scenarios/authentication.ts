// TLS works, and the two sides will not be authenticated: no mechanism, our certificate refused, our domain claimed, or a refusal by policy.
import { AS_EJABBERD, GOOD, afterHeader, afterTls, clearServer, starttlsServer } from '../peer/scripts.ts'
import type { Script, TlsOptions } from '../peer/steps.ts'
import { DOMAIN, OURS, type Counterpart, type Scenario } from '../scenario.ts'
import { oneEndpoint } from './parts.ts'

const OUR_CERTIFICATE = { names: { dns: [OURS] } }
/** RFC 5246 §7.2.2: unknown_ca. */
const UNKNOWN_CA = 48
const LATER = { cause: 'policy.refused-by-peer', state: 'down' } as const
const NOT_YET = { cause: 'peer.busy', state: 'degraded' } as const
const WITHOUT_DIALBACK: Counterpart = { servers: ['prosody'], how: 'mod_s2s_bidi, and no mod_dialback' }
/** Prosody would not even hear us. */
const WITH_OUR_DOMAIN: Counterpart = { servers: ['ejabberd'], how: 'with our domain as a host of its own' }

export const AUTHENTICATION: readonly Scenario[] = [
  {
    name: 'nothing-offered', title: 'neither EXTERNAL nor dialback after TLS', expects: { cause: 'auth.none-offered', state: 'down' },
    ...oneEndpoint({ usual: starttlsServer({ header: { dialback: false }, tls: { clientCertificate: 'never' }, featuresAgain: {} }) }), counterpart: { servers: ['prosody'], how: 'mod_s2s_bidi, no mod_dialback, and verify = "none"' },
  },
  {
    name: 'nothing-offered-in-clear', title: 'no TLS, and no dialback either', expects: { cause: 'auth.none-offered', state: 'down' },
    ...oneEndpoint({ usual: clearServer({ header: { dialback: false }, features: {} }) }), counterpart: { none: 'Prosody ends such a stream, ejabberd declares dialback on its header all the same' },
  },
  {
    name: 'dialback-in-clear-only', title: 'dialback before TLS alone, and nothing after it', expects: { cause: 'auth.none-offered', state: 'down' },
    ...oneEndpoint({ usual: starttlsServer({ header: { dialback: false }, features: { starttls: 'optional', dialback: 'errors' }, tls: { clientCertificate: 'never' }, featuresAgain: {} }) }), counterpart: { none: 'these servers offer dialback after TLS when they do before' },
  },
  refused('certificate-demanded-tls13', 'demands a certificate and we have none: the alert comes after the handshake (TLS 1.3)', 'unknown', { clientCertificate: 'demanded', only: 'TLSv1.3' }, false, 'verify with fail_if_no_peer_cert'),
  refused('certificate-not-accepted-tls13', 'accepts no certificate of our kind: the alert comes after the handshake (TLS 1.3)', 'down', { clientCertificate: 'demanded', only: 'TLSv1.3', signatures: 'rsa_pss_rsae_sha256' }, true, 'verify with fail_if_no_peer_cert, and ClientSignatureAlgorithms for OpenSSL'),
  refused('certificate-not-accepted-tls12', 'answers our certificate with unknown_ca (TLS 1.2)', 'down', { only: 'TLSv1.2', alertAtCertificate: UNKNOWN_CA }, true, 'verifyext without lsec_continue'),
  {
    name: 'certificate-refused-by-stream-error', title: 'says after TLS that our certificate has expired', expects: { cause: 'auth.external-refused', state: 'down' },
    ...oneEndpoint({ usual: afterTls([{ do: 'header' }, { do: 'error', condition: 'not-authorized', text: "Your server's certificate has expired" }]) }),
    request: { as: OURS, clientCertificate: { ...OUR_CERTIFICATE, validDays: { from: -92, to: -2 } } }, counterpart: { servers: ['prosody'], how: 's2s_secure_auth = true' },
  },
  {
    name: 'external-withheld', title: 'asks for our certificate, and then offers nothing', expects: { cause: 'auth.external-refused', state: 'down' },
    ...oneEndpoint({ usual: starttlsServer({ header: { dialback: false }, featuresAgain: {} }) }), request: { as: OURS, clientCertificate: { ...OUR_CERTIFICATE, issuer: 'unknown' } },
    counterpart: WITHOUT_DIALBACK,
  },
  {
    name: 'external-withheld-nothing-shown', title: 'asks for a certificate that we do not have, and then offers nothing', expects: { cause: 'auth.external-refused', state: 'unknown' },
    ...oneEndpoint({ usual: starttlsServer({ header: { dialback: false }, featuresAgain: {} }) }), request: { as: OURS },
    counterpart: WITHOUT_DIALBACK,
  },
  {
    name: 'claimed', title: 'answers for our domain, and denies a made-up one', expects: { cause: 'dialback.domain-claimed', state: 'down' },
    ...oneEndpoint({ usual: starttlsServer({ header: { serves: [DOMAIN, OURS] }, featuresAgain: AS_EJABBERD }) }), request: { as: OURS }, counterpart: WITH_OUR_DOMAIN,
  },
  {
    name: 'claimed-host-we-serve', title: 'will not hear us: we come from a host that it serves', expects: { cause: 'dialback.domain-claimed', state: 'down' },
    ...oneEndpoint({ usual: starttlsServer({ header: { serves: [DOMAIN, OURS], refuses: { from: OURS, condition: 'undefined-condition', text: 'Attempt to connect from a host we serve' } } }) }), request: { as: OURS },
    counterpart: { servers: ['prosody'], how: 'with our domain as a host of its own' },
  },
  {
    name: 'claimed-google-apps', title: 'says that our domain is one of its tenants', expects: { cause: 'dialback.domain-claimed', state: 'down' },
    ...oneEndpoint({ usual: afterHeader([{ do: 'error', condition: 'undefined-condition', text: `${OURS} is a Google Apps Domain with Talk service enabled.` }], { serves: [DOMAIN] }) }), request: { as: OURS },
    counterpart: { none: 'the sentence was that of a service which is no more' },
  },
  {
    name: 'claimed-by-our-host', title: 'answers for our domain, which it hosts rightly', expects: { cause: 'healthy', state: 'up' },
    ...oneEndpoint({ usual: starttlsServer({ header: { serves: [DOMAIN, OURS] }, featuresAgain: AS_EJABBERD }) }), request: { as: OURS }, judge: { hostedBy: [DOMAIN] },
    counterpart: WITH_OUR_DOMAIN,
  },
  policy('policy-at-open', 'refuses us when the stream opens, and again five minutes later', 'policy-violation', LATER, 301),
  policy('not-authorized-at-open', 'says twice that we are not authorized', 'not-authorized', LATER, 301),
  policy('policy-once', 'refuses us, and was asked once', 'policy-violation', NOT_YET),
  policy('policy-too-soon', 'refuses us twice within its retry window', 'policy-violation', NOT_YET, 60),
  {
    name: 'policy-for-nobody', title: 'refuses a stranger by policy; nobody asked in our name', expects: { cause: 'unknown', state: 'unknown' },
    ...oneEndpoint({ usual: afterHeader([{ do: 'error', condition: 'policy-violation' }]) }), counterpart: { servers: ['prosody'], how: 'mod_s2s_whitelist' },
  },
]

function refused (name: string, title: string, state: 'down' | 'unknown', tls: TlsOptionsOfScenario, shown: boolean, how: string): Scenario {
  const certificate = tls.signatures === undefined ? GOOD : { ...GOOD, key: 'rsa-2048' as const }
  const script: Script = starttlsServer({ certificate, tls, featuresAgain: { external: true } })
  return {
    name, title, expects: { cause: 'auth.external-refused', state }, ...oneEndpoint({ usual: script }),
    request: { as: OURS, ...(shown ? { clientCertificate: OUR_CERTIFICATE } : {}) }, counterpart: { servers: ['prosody'], how },
  }
}

type TlsOptionsOfScenario = Omit<TlsOptions, 'certificate' | 'proceed'>

function policy (name: string, title: string, condition: string, expects: Scenario['expects'], afterSeconds?: number): Scenario {
  const refuses = { from: OURS, condition, ...(condition === 'policy-violation' ? { text: 'Your server is not allowed here' } : {}) }
  return {
    name, title, expects, ...oneEndpoint({ usual: starttlsServer({ header: { refuses } }) }), request: { as: OURS },
    ...(afterSeconds === undefined ? {} : { again: { afterSeconds } }),
    counterpart: { servers: ['prosody'], how: 'mod_s2s_blacklist with our domain' },
  }
}
