import { Type, type Static } from 'typebox'
import { DNS_OUTCOMES, DNS_PURPOSES, DNS_TYPES } from './words.ts'

// The bounds of lists and texts here and in observations are those of what is taken from a bus, far above what is made: a DNS message has at most 64 KiB.
const closed = { additionalProperties: false }
const ms = (description: string) => Type.Number({ minimum: 0, description: `Milliseconds: ${description}` })
const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })

export const DnsRecord = Type.Union([
  Type.Object({ type: Type.Literal('SRV'), ttl: Type.Integer(), priority: Type.Integer(), weight: Type.Integer(), port: Type.Integer(), target: Type.String({ maxLength: 2048, description: "Lower case, no trailing dot; '.' means the service is not offered" }) }, closed),
  Type.Object({ type: Type.Literal('A'), ttl: Type.Integer(), address: Type.String({ maxLength: 64 }) }, closed),
  Type.Object({ type: Type.Literal('AAAA'), ttl: Type.Integer(), address: Type.String({ maxLength: 64 }) }, closed),
  Type.Object({ type: Type.Literal('TLSA'), ttl: Type.Integer(), usage: Type.Integer(), selector: Type.Integer(), matching: Type.Integer(), data: Type.String({ maxLength: 131_072, description: 'Lower-case hex' }) }, closed),
  Type.Object({ type: Type.Literal('SOA'), ttl: Type.Integer(), serial: Type.Integer() }, closed),
])
export type DnsRecord = Static<typeof DnsRecord>

/** One question to one resolver, and what came back. */
export const DnsAnswer = Type.Object({
  name: Type.String({ maxLength: 2048 }),
  type: Type.Enum([...DNS_TYPES]),
  purpose: Type.Enum([...DNS_PURPOSES]),
  resolver: Type.String({ maxLength: 128, description: 'address:port' }),
  outcome: Type.Enum([...DNS_OUTCOMES]),
  rcode: Type.Optional(Type.Integer()),
  transport: Type.Enum(['udp', 'tcp']),
  atMs: ms('from the start of the observation'),
  ms: ms('from question to answer'),
  authenticated: Type.Boolean({ description: 'The AD bit; worth something only from a trusted resolver' }),
  records: Type.Array(DnsRecord, { maxItems: 4096, description: 'Those that answer the question, at the end of the alias chain' }),
  aliases: Type.Array(Type.Object({ from: Type.String({ maxLength: 2048 }), to: Type.String({ maxLength: 2048 }), ttl: Type.Integer() }, closed), { maxItems: 64, description: 'The CNAME chain, in order' }),
  negativeTtl: Type.Optional(Type.Integer({ description: 'Seconds (RFC 2308)' })),
  extended: Type.Array(Type.Object({ code: Type.Integer(), text: Type.String({ maxLength: 4000 }) }, closed), { maxItems: 32, description: 'RFC 8914' }),
  message: Type.Optional(sha256),
  detail: Type.Optional(Type.String({ maxLength: 400 })),
}, closed)
export type DnsAnswer = Static<typeof DnsAnswer>
