import { Type, type Static } from 'typebox'
import { Failure } from './failure.ts'
import {
  CHAIN_TRUST, DNS_OUTCOMES, DNS_PURPOSES, DNS_TYPES, ENDPOINT_KINDS, ENDPOINT_SOURCES, STAGES, STEP_OUTCOMES,
} from './words.ts'

const closed = { additionalProperties: false }
const ms = (description: string) => Type.Number({ minimum: 0, description: `Milliseconds: ${description}` })
const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })

export const DnsRecord = Type.Union([
  Type.Object({ type: Type.Literal('SRV'), ttl: Type.Integer(), priority: Type.Integer(), weight: Type.Integer(), port: Type.Integer(), target: Type.String({ description: "Lower case, no trailing dot; '.' means the service is not offered" }) }, closed),
  Type.Object({ type: Type.Literal('A'), ttl: Type.Integer(), address: Type.String() }, closed),
  Type.Object({ type: Type.Literal('AAAA'), ttl: Type.Integer(), address: Type.String() }, closed),
  Type.Object({ type: Type.Literal('TLSA'), ttl: Type.Integer(), usage: Type.Integer(), selector: Type.Integer(), matching: Type.Integer(), data: Type.String({ description: 'Lower-case hex' }) }, closed),
  Type.Object({ type: Type.Literal('SOA'), ttl: Type.Integer(), serial: Type.Integer() }, closed),
])
export type DnsRecord = Static<typeof DnsRecord>

/** One question to one resolver, and what came back. */
export const DnsAnswer = Type.Object({
  name: Type.String(),
  type: Type.Enum([...DNS_TYPES]),
  purpose: Type.Enum([...DNS_PURPOSES]),
  resolver: Type.String({ description: 'address:port' }),
  outcome: Type.Enum([...DNS_OUTCOMES]),
  rcode: Type.Optional(Type.Integer()),
  transport: Type.Enum(['udp', 'tcp']),
  atMs: ms('from the start of the observation'),
  ms: ms('from question to answer'),
  authenticated: Type.Boolean({ description: 'The AD bit; worth something only from a trusted resolver' }),
  records: Type.Array(DnsRecord, { description: 'Those that answer the question, at the end of the alias chain' }),
  aliases: Type.Array(Type.Object({ from: Type.String(), to: Type.String(), ttl: Type.Integer() }, closed), { description: 'The CNAME chain, in order' }),
  negativeTtl: Type.Optional(Type.Integer({ description: 'Seconds (RFC 2308)' })),
  extended: Type.Array(Type.Object({ code: Type.Integer(), text: Type.String() }, closed), { description: 'RFC 8914' }),
  message: Type.Optional(sha256),
  detail: Type.Optional(Type.String({ maxLength: 400 })),
}, closed)
export type DnsAnswer = Static<typeof DnsAnswer>

export const Step = Type.Object({
  stage: Type.Enum([...STAGES]),
  outcome: Type.Enum([...STEP_OUTCOMES]),
  atMs: ms('from the start of the observation; 0 when not asked'),
  ms: ms('how long the stage took; 0 when not asked'),
  failure: Type.Optional(Failure),
}, closed)
export type Step = Static<typeof Step>

/** The peer's answer to our stream header (RFC 6120 §4.7). A missing attribute is a missing field. */
export const HeaderSeen = Type.Object({
  id: Type.Optional(Type.String()),
  from: Type.Optional(Type.String()),
  to: Type.Optional(Type.String()),
  version: Type.Optional(Type.String()),
  lang: Type.Optional(Type.String()),
  contentNamespace: Type.String({ description: 'The default namespace; jabber:server is right' }),
  dialbackNamespace: Type.Boolean({ description: 'jabber:server:dialback is declared on the header (XEP-0220 §2.1)' }),
  dialbackPrefix: Type.Optional(Type.String({ description: "The prefix it is bound to; some peers understand 'db' alone" })),
}, closed)
export type HeaderSeen = Static<typeof HeaderSeen>

/** One `<stream:features/>`. */
export const FeaturesSeen = Type.Object({
  starttls: Type.Enum(['absent', 'optional', 'required']),
  mechanisms: Type.Array(Type.String(), { description: 'SASL mechanisms' }),
  dialback: Type.Boolean(),
  dialbackErrors: Type.Boolean({ description: '<errors/> inside the dialback feature (XEP-0220 §2.5)' }),
  bidi: Type.Boolean(),
  streamManagement: Type.Boolean(),
  limits: Type.Optional(Type.Object({ maxBytes: Type.Optional(Type.Integer()), idleSeconds: Type.Optional(Type.Integer()) }, closed)),
  other: Type.Array(Type.String(), { description: '{namespace}name of features not named above' }),
}, closed)
export type FeaturesSeen = Static<typeof FeaturesSeen>

export const TlsSeen = Type.Object({
  protocol: Type.String({ description: 'TLSv1.3, TLSv1.2, …' }),
  cipher: Type.String({ description: 'The IANA name' }),
  group: Type.Optional(Type.String({ description: 'Key exchange group' })),
  alpn: Type.Optional(Type.String({ description: "The peer's choice" })),
  sni: Type.String(),
  clientCertificateRequested: Type.Boolean(),
}, closed)
export type TlsSeen = Static<typeof TlsSeen>

/** Path validation (RFC 5280 §6) without dates, names and extended key usage: those are judged from the certificates. */
export const ChainSeen = Type.Object({
  sent: Type.Array(sha256, { description: 'As sent, leaf first' }),
  trust: Type.Enum([...CHAIN_TRUST]),
  path: Type.Array(sha256, { description: 'The path that was built, leaf first, anchor last; the leaf alone when none was' }),
  anchors: Type.Enum(['system', 'given', 'both']),
  detail: Type.Optional(Type.String({ maxLength: 400 })),
}, closed)
export type ChainSeen = Static<typeof ChainSeen>

/** A certificate, whole, so that it can be judged again; digests are here because what judges it computes none. */
export const StoredCertificate = Type.Object({
  der: Type.String({ description: 'base64' }),
  sha512: Type.String(),
  spkiSha256: sha256,
  spkiSha512: Type.String(),
}, closed)
export type StoredCertificate = Static<typeof StoredCertificate>

export const TranscriptLine = Type.Object({
  atMs: ms('from the start of the observation'),
  direction: Type.Enum(['sent', 'received', 'note']),
  text: Type.String({ description: 'Redacted: keys, SASL payloads and stanza bodies are masked' }),
}, closed)
export type TranscriptLine = Static<typeof TranscriptLine>

/** One target × address × family × kind, from the TCP connect to the close. */
export const EndpointObservation = Type.Object({
  id: Type.String({ description: 'kind/target:port/address, unique in the observation' }),
  kind: Type.Enum([...ENDPOINT_KINDS]),
  source: Type.Enum([...ENDPOINT_SOURCES]),
  target: Type.String(),
  port: Type.Integer({ minimum: 1, maximum: 65535 }),
  priority: Type.Optional(Type.Integer()),
  weight: Type.Optional(Type.Integer()),
  address: Type.String(),
  family: Type.Enum([4, 6]),
  steps: Type.Array(Step, { description: 'Every stage of this kind of endpoint, in order' }),
  header: Type.Optional(HeaderSeen),
  features: Type.Optional(FeaturesSeen),
  tls: Type.Optional(TlsSeen),
  chain: Type.Optional(ChainSeen),
  headerAgain: Type.Optional(HeaderSeen),
  featuresAgain: Type.Optional(FeaturesSeen),
  /** Bytes that came in clear between <proceed/> and the handshake: discarded, never read as XML (RFC 6120 §5.4.3.3). */
  strayBytes: Type.Optional(Type.Integer({ minimum: 1 })),
  /** How the connection ended after the last stage that was asked. */
  ended: Type.Optional(Type.Enum(['clean', 'no-footer', 'error', 'reset', 'timeout'])),
  /** The certificate shown to a second handshake without SNI. */
  withoutSni: Type.Optional(Type.Union([Type.Object({ leaf: sha256 }, closed), Type.Object({ failure: Failure }, closed)])),
  /** The answer to a request for STARTTLS that was not offered. */
  starttlsUnoffered: Type.Optional(Type.Union([Type.Object({ proceeds: Type.Literal(true) }, closed), Type.Object({ failure: Failure }, closed)])),
  received: Type.Integer({ minimum: 0, description: 'Bytes' }),
  transcript: Type.Array(TranscriptLine),
}, closed)
export type EndpointObservation = Static<typeof EndpointObservation>

/** "Do you serve OURS?", asked of one endpoint of the peer, or the same question for a made-up name (the control). */
export const ClaimAnswer = Type.Object({
  endpoint: Type.String({ description: 'EndpointObservation.id' }),
  role: Type.Enum(['claim', 'control']),
  to: Type.String(),
  /** `serves`: a healthy header and features. `denies`: host-unknown or host-gone. `other-error`: another stream error. `no-answer`: see `failure`. */
  answer: Type.Enum(['serves', 'denies', 'other-error', 'no-answer']),
  failure: Type.Optional(Failure),
  ms: ms('from connect to answer'),
}, closed)
export type ClaimAnswer = Static<typeof ClaimAnswer>

/** What the check was told to do; a judge needs it to know what was not asked. */
export const Asked = Type.Object({
  as: Type.Optional(Type.String({ description: 'OURS: the domain in whose interest the peer is checked' })),
  from: Type.String({ description: "The header's from" }),
  resolver: Type.String({ description: 'address:port' }),
  resolverTrusted: Type.Boolean({ description: 'The AD bit of this resolver is believed' }),
  controlName: Type.String(),
  overrides: Type.Array(Type.String(), { description: 'HOST:PORT that replace the records' }),
  fallbackPort: Type.Integer({ description: '5269, except in tests' }),
  families: Type.Array(Type.Enum([4, 6]), { description: 'Those that this vantage can use' }),
  allowNets: Type.Optional(Type.Array(Type.String(), { description: 'CIDR blocks that were permitted although they are not public' })),
  depth: Type.Enum(['none']),
  clientCertificate: Type.Boolean(),
}, closed)
export type Asked = Static<typeof Asked>

/**
 * Everything that one vantage saw of one domain in one check: facts, no opinions. Certificates and DNS messages go in whole,
 * by hash, so that an old observation can be judged again by new code.
 */
export const Observation = Type.Object({
  v: Type.Literal(1),
  domain: Type.String({ description: 'A-label form, lower case' }),
  vantage: Type.String(),
  startedAt: Type.String({ format: 'date-time' }),
  ms: ms('the whole check'),
  asked: Asked,
  dns: Type.Array(DnsAnswer),
  endpoints: Type.Array(EndpointObservation),
  claim: Type.Array(ClaimAnswer),
  certificates: Type.Record(Type.String(), StoredCertificate),
  messages: Type.Record(Type.String(), Type.String({ description: 'base64 of a DNS message' })),
  /** How many targets, addresses or endpoints were left out because of a bound. */
  leftOut: Type.Integer({ minimum: 0 }),
}, closed)
export type Observation = Static<typeof Observation>
