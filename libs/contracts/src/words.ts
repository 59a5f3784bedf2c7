/**
 * The closed sets that all parts share, as plain arrays: a lib that needs a word does not load a validator.
 * They are public API: JSON, metric labels, docs and alerts use them. New words may be added, none is renamed.
 */

/** The stages of a light check on the plaintext port (RFC 6120 §4–5), in order. */
export const STARTTLS_LADDER = ['tcp', 'header', 'features', 'starttls', 'tls', 'certificate', 'features-again', 'close'] as const
/** The stages of a light check on a direct TLS port (XEP-0368), in order. */
export const DIRECT_LADDER = ['tcp', 'tls', 'certificate', 'header', 'features', 'close'] as const
/** Every stage of an endpoint. */
export const STAGES = STARTTLS_LADDER
export type Stage = (typeof STAGES)[number]

/** How deep dialback is asked: not at all; for the probe's own domain; for OURS with the secret of its real server; for OURS with a made-up key. */
export const DEPTHS = ['none', 'probe', 'shared', 'knock'] as const
export type Depth = (typeof DEPTHS)[number]

/** What a connection of a deep check is for: EXTERNAL with our certificate, dialback without it, or the question whether a key is good. */
export const DEEP_ROLES = ['external', 'dialback', 'verify'] as const
export type DeepRole = (typeof DEEP_ROLES)[number]

/** The stages of a deep connection, in order: those of its kind of endpoint, then those of its role. */
export const DEEP_LADDERS = {
  starttls: {
    external: ['tcp', 'header', 'features', 'starttls', 'tls', 'certificate', 'features-again', 'external', 'ping', 'close'],
    dialback: ['tcp', 'header', 'features', 'starttls', 'tls', 'certificate', 'features-again', 'dialback', 'ping', 'close'],
    verify: ['tcp', 'header', 'features', 'starttls', 'tls', 'certificate', 'features-again', 'question', 'close'],
  },
  direct: {
    external: ['tcp', 'tls', 'certificate', 'header', 'features', 'external', 'ping', 'close'],
    dialback: ['tcp', 'tls', 'certificate', 'header', 'features', 'dialback', 'ping', 'close'],
    verify: ['tcp', 'tls', 'certificate', 'header', 'features', 'question', 'close'],
  },
} as const satisfies Record<EndpointKind, Record<DeepRole, readonly string[]>>
export const DEEP_STAGES = [...STAGES.slice(0, -1), 'external', 'dialback', 'question', 'ping', 'close'] as const
export type DeepStage = (typeof DEEP_STAGES)[number]

/** What our listener answered to db:verify. */
export const CALLBACK_ANSWERS = ['valid', 'invalid', 'item-not-found', 'policy-violation'] as const
export type CallbackAnswer = (typeof CALLBACK_ANSWERS)[number]

/** How a stage ended. A stage that was never reached is `not-asked`, never `ok`. */
export const STEP_OUTCOMES = ['ok', 'failed', 'not-asked'] as const
export type StepOutcome = (typeof STEP_OUTCOMES)[number]

/** The answer of a resolver to one question. Absence (nxdomain, nodata) and not knowing (the rest) never mix. */
export const DNS_OUTCOMES = ['answer', 'nodata', 'nxdomain', 'servfail', 'refused', 'timeout', 'unreachable', 'malformed', 'other-rcode'] as const
export type DnsOutcome = (typeof DNS_OUTCOMES)[number]

/** Record types that are asked for. */
export const DNS_TYPES = ['SRV', 'A', 'AAAA', 'TLSA', 'SOA'] as const
export type DnsType = (typeof DNS_TYPES)[number]

/**
 * Why a question was asked: the two services, the legacy service name, addresses of an SRV target, addresses of the
 * domain itself (fallback), whether the domain exists at all, TLSA of an endpoint, TLSA for the inbound side,
 * a name that should resolve whatever happens, and the same question with checking disabled (RFC 4035 §3.2.2).
 */
export const DNS_PURPOSES = ['xmpp-server', 'xmpps-server', 'legacy-jabber', 'target', 'fallback', 'existence', 'tlsa', 'tlsa-inbound', 'control', 'unvalidated'] as const
export type DnsPurpose = (typeof DNS_PURPOSES)[number]

/** How an endpoint is spoken to: STARTTLS on a plaintext port, or TLS from the first byte. */
export const ENDPOINT_KINDS = ['starttls', 'direct'] as const
export type EndpointKind = (typeof ENDPOINT_KINDS)[number]

/** Why an endpoint is checked: SRV, the RFC 6120 §3.2.2 fallback, the operator named it, or every advertised port failed. */
export const ENDPOINT_SOURCES = ['srv', 'fallback', 'override', 'port-probe'] as const
export type EndpointSource = (typeof ENDPOINT_SOURCES)[number]

/** How trust in a chain was decided, whatever the dates, the names and the purposes say. */
export const CHAIN_TRUST = ['trusted', 'self-signed', 'unknown-ca', 'incomplete', 'invalid'] as const
export type ChainTrust = (typeof CHAIN_TRUST)[number]

/** How bad an outcome of a check is. `unknown` is neither good nor bad: nobody could tell. */
export const LEVELS = ['ok', 'notice', 'warning', 'error', 'unknown'] as const
export type Level = (typeof LEVELS)[number]

export const STATES = ['up', 'degraded', 'down', 'unknown'] as const
export type State = (typeof STATES)[number]

/** Whose fault it looks like. `nobody` stands beside `healthy` alone. */
export const SIDES = ['ours', 'peer', 'path', 'observer', 'nobody'] as const
export type Side = (typeof SIDES)[number]

export const CONFIDENCES = ['proved', 'likely', 'single-vantage'] as const
export type Confidence = (typeof CONFIDENCES)[number]

/** Where on the way the cause lies. */
export const HOPS = ['none', 'observer', 'inside-resolver', 'public-dns', 'our-server', 'inside-network', 'gateway', 'firewall', 'internet', 'peer-firewall', 'peer-server'] as const
export type Hop = (typeof HOPS)[number]

/** Who can mend it first. */
export const ACTORS = ['nobody', 'dns-admin', 'server-admin', 'firewall-admin', 'gateway-operator', 'peer-admin', 'dialtone-operator'] as const
export type Actor = (typeof ACTORS)[number]

/** Every root cause, in the order of the documentation. The order of judging is in `verdict`. */
export const CAUSES = [
  'healthy',
  'degraded.endpoint-dead', 'degraded.certificate-expiring', 'degraded.records', 'degraded.weak-authentication', 'degraded.slow',
  'dns.resolver-unavailable', 'dns.nxdomain', 'dns.servfail', 'dns.service-disabled', 'dns.address-unexpected',
  'dns.target-unresolvable', 'dns.port-unexpected', 'dns.no-records', 'dns.split-view',
  'path.inbound-blocked', 'path.inbound-refused', 'path.outbound-blocked', 'path.peer-blocked', 'path.interfered',
  'peer.unreachable', 'peer.partition', 'peer.busy', 'peer.protocol-error',
  'service.down', 'service.not-xmpp', 'service.silent', 'service.wrong-host', 'service.wrong-box',
  'tls.required-by-peer', 'tls.not-offered', 'tls.handshake-failed',
  'certificate.expired', 'certificate.not-yet-valid', 'certificate.name-mismatch', 'certificate.purpose', 'certificate.self-signed', 'certificate.untrusted',
  'auth.none-offered', 'auth.external-refused',
  'dialback.domain-claimed', 'dialback.callback-blocked', 'dialback.callback-misdirected', 'dialback.callback-aborted', 'dialback.denied', 'dialback.timeout',
  'policy.refused-by-peer', 'policy.refused-by-us',
  'vantage.unhealthy', 'unknown',
] as const
export type Cause = (typeof CAUSES)[number]

/** Peers that people federate with. What each is expected to show is data in `checks`. */
export const PROFILES = ['standard', 'googletalk', 'webex', 'sametime', 'cup', 'expressway'] as const
export type Profile = (typeof PROFILES)[number]

/** Limits that a framer enforces; the one that was hit is named in the failure and counted. */
export const XML_LIMITS = ['header-bytes', 'element-bytes', 'elements', 'depth', 'attributes', 'attribute-bytes', 'name-bytes', 'namespace-bytes', 'declarations', 'whitespace-bytes'] as const
export type XmlLimit = (typeof XML_LIMITS)[number]

/** Stream error conditions of RFC 6120 §4.9.3, and the SASL and TLS ones that end a negotiation. */
export const STREAM_CONDITIONS = [
  'bad-format', 'bad-namespace-prefix', 'conflict', 'connection-timeout', 'host-gone', 'host-unknown', 'improper-addressing', 'internal-server-error',
  'invalid-from', 'invalid-id', 'invalid-namespace', 'invalid-xml', 'not-authorized', 'not-well-formed', 'policy-violation', 'remote-connection-failed',
  'reset', 'resource-constraint', 'restricted-xml', 'see-other-host', 'system-shutdown', 'undefined-condition', 'unsupported-encoding',
  'unsupported-feature', 'unsupported-stanza-type', 'unsupported-version',
] as const
export type StreamCondition = (typeof STREAM_CONDITIONS)[number]

/**
 * How a stanza that a gateway has accepted ends; each in exactly one. `acknowledged` (XEP-0198); `written` to a stream that closed cleanly; `unknown-fate`: written to a stream
 * that broke, never sent again; `bounced` to its sender; `expired`: waited too long and may not be bounced (errors and iq results); `dropped-by-rule`.
 */
export const OUTCOMES = ['acknowledged', 'written', 'unknown-fate', 'bounced', 'expired', 'dropped-by-rule'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** Why a gateway does not deliver a stanza, or does not get a stream: the stable word in bounces, metrics and explanations. What each becomes (RFC 6120 §8.3.3) is a table in `routing`. */
export const REFUSALS = [
  'domain-invalid', 'dns-absent', 'dns-failed', 'address-refused', 'unreachable', 'tls-failed', 'certificate-refused', 'stream-failed', 'host-unknown', 'authentication-refused',
  'dialback-invalid', 'dialback-error', 'policy-deny', 'held', 'draining', 'blocked', 'queue-full', 'too-large', 'inside-down', 'unknown-domain', 'same-zone', 'expired', 'dropped', 'internal-fault',
] as const
export type Refusal = (typeof REFUSALS)[number]
