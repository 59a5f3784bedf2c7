// What a peer says of itself on one connection.
import { Type, type Static } from 'typebox'
import { CHAIN_TRUST } from './words.ts'

/** An attribute of a stream header, which has at most 4096 bytes. */
const attribute = Type.String({ maxLength: 8192 })
const closed = { additionalProperties: false }
const ms = (description: string) => Type.Number({ minimum: 0, description: `Milliseconds: ${description}` })
const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })

/** The peer's answer to our stream header (RFC 6120 §4.7). A missing attribute is a missing field. */
export const HeaderSeen = Type.Object({
  id: Type.Optional(attribute),
  from: Type.Optional(attribute),
  to: Type.Optional(attribute),
  version: Type.Optional(attribute),
  lang: Type.Optional(attribute),
  contentNamespace: Type.String({ maxLength: 8192, description: 'The default namespace; jabber:server is right' }),
  dialbackNamespace: Type.Boolean({ description: 'jabber:server:dialback is declared on the header (XEP-0220 §2.1)' }),
  dialbackPrefix: Type.Optional(Type.String({ maxLength: 8192, description: "The prefix it is bound to; some peers understand 'db' alone" })),
}, closed)
export type HeaderSeen = Static<typeof HeaderSeen>

/** One `<stream:features/>`. */
export const FeaturesSeen = Type.Object({
  starttls: Type.Enum(['absent', 'optional', 'required']),
  mechanisms: Type.Array(Type.String({ maxLength: 1024 }), { maxItems: 256, description: 'SASL mechanisms' }),
  dialback: Type.Boolean(),
  dialbackErrors: Type.Boolean({ description: '<errors/> inside the dialback feature (XEP-0220 §2.5)' }),
  bidi: Type.Boolean(),
  streamManagement: Type.Boolean(),
  limits: Type.Optional(Type.Object({ maxBytes: Type.Optional(Type.Integer()), idleSeconds: Type.Optional(Type.Integer()) }, closed)),
  other: Type.Array(Type.String({ maxLength: 8192 }), { maxItems: 256, description: '{namespace}name of features not named above' }),
}, closed)
export type FeaturesSeen = Static<typeof FeaturesSeen>

export const TlsSeen = Type.Object({
  protocol: Type.String({ maxLength: 64, description: 'TLSv1.3, TLSv1.2, …' }),
  cipher: Type.String({ maxLength: 128, description: 'The IANA name' }),
  group: Type.Optional(Type.String({ maxLength: 128, description: 'Key exchange group' })),
  alpn: Type.Optional(Type.String({ maxLength: 2048, description: "The peer's choice" })),
  sni: Type.String({ maxLength: 2048 }),
  clientCertificateRequested: Type.Optional(Type.Boolean({ description: 'Absent below TLS 1.2, where it cannot be seen' })),
}, closed)
export type TlsSeen = Static<typeof TlsSeen>

/** Path validation (RFC 5280 §6) without dates, names and extended key usage: those are judged from the certificates. */
export const ChainSeen = Type.Object({
  sent: Type.Array(sha256, { maxItems: 64, description: 'As sent, leaf first' }),
  trust: Type.Enum([...CHAIN_TRUST]),
  path: Type.Array(sha256, { maxItems: 64, description: 'The path that was built, leaf first, anchor last; the leaf alone when none was' }),
  anchors: Type.Enum(['system', 'given', 'both']),
  detail: Type.Optional(Type.String({ maxLength: 400 })),
}, closed)
export type ChainSeen = Static<typeof ChainSeen>

export const TranscriptLine = Type.Object({
  atMs: ms('from the start of the observation'),
  direction: Type.Enum(['sent', 'received', 'note']),
  text: Type.String({ maxLength: 16_384, description: 'Redacted: keys, SASL payloads and stanza bodies are masked' }),
}, closed)
export type TranscriptLine = Static<typeof TranscriptLine>
