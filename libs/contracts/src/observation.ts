import { Type, type Static } from 'typebox'
import { Deep } from './deep.ts'
import { DnsAnswer } from './dns-answer.ts'
import { Failure } from './failure.ts'
import { ChainSeen, FeaturesSeen, HeaderSeen, TlsSeen, TranscriptLine } from './stream-seen.ts'
import { DEPTHS, ENDPOINT_KINDS, ENDPOINT_SOURCES, STAGES, STEP_OUTCOMES } from './words.ts'

/** A domain, and whatever else was asked for. */
const name = Type.String({ maxLength: 2048 })
/** Of an endpoint: kind/target:port/address. */
const endpointId = (description: string) => Type.String({ maxLength: 2400, description })
const closed = { additionalProperties: false }
const ms = (description: string) => Type.Number({ minimum: 0, description: `Milliseconds: ${description}` })
const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })

export const Step = Type.Object({
  stage: Type.Enum([...STAGES]),
  outcome: Type.Enum([...STEP_OUTCOMES]),
  atMs: ms('from the start of the observation; 0 when not asked'),
  ms: ms('how long the stage took; 0 when not asked'),
  failure: Type.Optional(Failure),
}, closed)
export type Step = Static<typeof Step>

/** A certificate, whole, so that it can be judged again; digests are here because what judges it computes none. */
export const StoredCertificate = Type.Object({
  der: Type.String({ maxLength: 524_288, description: 'base64' }),
  sha512: Type.String({ maxLength: 128 }),
  spkiSha256: sha256,
  spkiSha512: Type.String({ maxLength: 128 }),
}, closed)
export type StoredCertificate = Static<typeof StoredCertificate>

/** One target × address × family × kind, from the TCP connect to the close. */
export const EndpointObservation = Type.Object({
  id: endpointId('kind/target:port/address, unique in the observation'),
  kind: Type.Enum([...ENDPOINT_KINDS]),
  source: Type.Enum([...ENDPOINT_SOURCES]),
  target: name,
  port: Type.Integer({ minimum: 1, maximum: 65535 }),
  priority: Type.Optional(Type.Integer()),
  weight: Type.Optional(Type.Integer()),
  address: Type.String({ maxLength: 64 }),
  family: Type.Enum([4, 6]),
  steps: Type.Array(Step, { maxItems: 64, description: 'Every stage of this kind of endpoint, in order' }),
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
  transcript: Type.Array(TranscriptLine, { maxItems: 256 }),
}, closed)
export type EndpointObservation = Static<typeof EndpointObservation>

/** "Do you serve OURS?", asked of one endpoint of the peer, or the same question for a made-up name (the control). */
export const ClaimAnswer = Type.Object({
  endpoint: endpointId('EndpointObservation.id'),
  role: Type.Enum(['claim', 'control']),
  to: name,
  /** `serves`: a healthy header and features. `denies`: host-unknown or host-gone. `other-error`: another stream error. `no-answer`: see `failure`. */
  answer: Type.Enum(['serves', 'denies', 'other-error', 'no-answer']),
  failure: Type.Optional(Failure),
  ms: ms('from connect to answer'),
}, closed)
export type ClaimAnswer = Static<typeof ClaimAnswer>

/** What the check was told to do; a judge needs it to know what was not asked. */
export const Asked = Type.Object({
  as: Type.Optional(Type.String({ maxLength: 2048, description: 'OURS: the domain in whose interest the peer is checked' })),
  from: Type.String({ maxLength: 2048, description: "The header's from" }),
  resolver: Type.String({ maxLength: 128, description: 'address:port' }),
  resolverTrusted: Type.Boolean({ description: 'The AD bit of this resolver is believed' }),
  controlName: name,
  overrides: Type.Array(name, { maxItems: 4096, description: 'HOST:PORT that replace the records' }),
  fallbackPort: Type.Integer({ description: '5269, except in tests' }),
  families: Type.Array(Type.Enum([4, 6]), { maxItems: 16, description: 'Those that this vantage can use' }),
  allowNets: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 10_000, description: 'CIDR blocks that were permitted although they are not public' })),
  depth: Type.Enum([...DEPTHS]),
  clientCertificate: Type.Boolean(),
}, closed)
export type Asked = Static<typeof Asked>

/**
 * Everything that one vantage saw of one domain in one check: facts, no opinions. Certificates and DNS messages go in whole,
 * by hash, so that an old observation can be judged again by new code. Every list and text is bounded, far above what a check makes: an agent of somebody else is
 * read by one process for all.
 */
export const Observation = Type.Object({
  v: Type.Literal(1),
  domain: Type.String({ maxLength: 2048, description: 'A-label form, lower case' }),
  vantage: name,
  startedAt: Type.String({ format: 'date-time' }),
  ms: ms('the whole check'),
  asked: Asked,
  dns: Type.Array(DnsAnswer, { maxItems: 1024 }),
  endpoints: Type.Array(EndpointObservation, { maxItems: 512 }),
  claim: Type.Array(ClaimAnswer, { maxItems: 8192 }),
  /** Absent at depth `none`. */
  deep: Type.Optional(Deep),
  certificates: Type.Record(Type.String(), StoredCertificate, { maxProperties: 8192 }),
  messages: Type.Record(Type.String(), Type.String({ maxLength: 131_072, description: 'base64 of a DNS message' }), { maxProperties: 4096 }),
  /** How many targets, addresses or endpoints were left out because of a bound. */
  leftOut: Type.Integer({ minimum: 0 }),
}, closed)
export type Observation = Static<typeof Observation>
