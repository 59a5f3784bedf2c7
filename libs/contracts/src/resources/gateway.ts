/** What operators configure of a gateway: its zones and what is wanted of it, what a pair of domains may do, and where stanzas go instead of where records say. */
import { Type, type Static } from 'typebox'
import { PROFILES } from '../words.ts'
import { Address, Cidr, DomainName, Endpoint, Name, Port, SecretRef, Text, Time, closed } from './common.ts'

/** A domain, `*.suffix` (every name below it, not itself), or `*`. The most exact one wins: a domain, then the longest suffix, then `*`. */
export const DomainPattern = Type.String({ maxLength: 255, pattern: '^(\\*|(\\*\\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9])?)$', description: "A domain, as A-labels in lower case, '*.suffix' of one, or '*'" })

const Place = { address: Address, port: Port }
const Seconds = (maximum: number, description: string) => Type.Optional(Type.Integer({ minimum: 1, maximum, description }))
const TlsMode = Type.Enum(['none', 'optional', 'required'])
const DialbackMode = Type.Enum(['never', 'over-tls', 'always'])
const Wanted = Type.Enum(['running', 'draining', 'stopped'])
/** Of a peer, or of a pair written `ours peer`: `held` queues, `draining` finishes what there is and takes nothing new, `blocked` refuses. */
const PeerWanted = Type.Enum(['enabled', 'held', 'draining', 'blocked'])

/**
 * The inside DNS responder (split horizon): to the inside servers, every foreign domain's XMPP service is this gateway. It answers only for the clients that are listed,
 * and forwards what is no XMPP question of a foreign domain.
 */
export const ResponderSpec = Type.Object({
  listen: Type.Array(Type.Object(Place, closed), { minItems: 1, maxItems: 8 }),
  clients: Type.Array(Cidr, { minItems: 1, maxItems: 64, description: 'Who may ask; nobody else gets an answer' }),
  gateway: Type.Object({ name: DomainName, addresses: Type.Array(Address, { minItems: 1, maxItems: 8 }), port: Type.Optional(Port), directPort: Type.Optional(Port) }, { ...closed, description: 'What SRV records of foreign domains point to, and its addresses' }),
  forwardTo: Type.Array(Type.Object(Place, closed), { maxItems: 4, description: 'Resolvers for everything else; empty: refused' }),
}, closed)
export type ResponderSpec = Static<typeof ResponderSpec>

/** XEP-0114: `accept` takes in components that serve inside domains; `connect` attaches to inside servers as the component of a foreign domain, where split-horizon DNS cannot be had. */
export const ComponentsSpec = Type.Object({
  accept: Type.Optional(Type.Object({
    listen: Type.Array(Type.Object(Place, closed), { minItems: 1, maxItems: 8 }),
    domains: Type.Record(DomainName, SecretRef, { minProperties: 1, maxProperties: 1000 }),
  }, closed)),
  connect: Type.Optional(Type.Array(Type.Object({ domain: DomainName, to: Type.Object({ host: Type.String({ minLength: 1, maxLength: 253 }), port: Port }, closed), secret: SecretRef }, closed), { maxItems: 1000 })),
}, closed)
export type ComponentsSpec = Static<typeof ComponentsSpec>

/** One trust side of a gateway. It routes between an external and an internal zone only. What is not given of `tls`, `certificate` and `dialback` is in docs/operating/gateway.md. */
export const ZoneSpec = Type.Object({
  name: Name,
  side: Type.Enum(['external', 'internal']),
  desired: Type.Optional(Wanted),
  listen: Type.Array(Type.Object({ ...Place, kind: Type.Optional(Type.Enum(['starttls', 'direct'], { description: 'Default starttls' })), proxyProtocol: Type.Optional(Type.Boolean({ description: 'Every connection begins with a PROXY header (v1 or v2)' })) }, closed), { maxItems: 16 }),
  from: Type.Optional(Type.Array(Cidr, { maxItems: 64, description: 'Who may connect; default everybody' })),
  proxies: Type.Optional(Type.Array(Cidr, { maxItems: 64, description: 'Who may send PROXY headers; needed where a listener has proxyProtocol' })),
  domains: Type.Optional(Type.Array(DomainPattern, { maxItems: 1000, description: 'Of an internal zone: the domains whose servers are in it' })),
  secret: Type.Optional(SecretRef),
  certificates: Type.Optional(Type.Array(Type.Object({ certificate: SecretRef, key: SecretRef }, closed), { maxItems: 1000, description: 'PEM, the chain as it is sent; chosen by name (SNI, then `to`)' })),
  mint: Type.Optional(Type.Object({ certificate: SecretRef, key: SecretRef }, { ...closed, description: 'Of an internal zone: a private authority that makes certificates for foreign domains, for inside servers that insist on valid ones' })),
  anchors: Type.Optional(Type.Object({ system: Type.Boolean(), given: Type.Array(SecretRef, { maxItems: 16 }) }, closed)),
  resolver: Type.Optional(Type.Object({ address: Address, port: Type.Optional(Port) }, closed)),
  allowNets: Type.Optional(Type.Array(Cidr, { maxItems: 64, description: 'Blocks that are not public and may be connected to; of an internal zone, default all private blocks' })),
  sourceAddress: Type.Optional(Address),
  tls: Type.Optional(TlsMode),
  dialback: Type.Optional(DialbackMode),
  certificate: Type.Optional(Type.Enum(['any', 'valid'], { description: 'Of servers that we connect to' })),
  responder: Type.Optional(ResponderSpec),
  components: Type.Optional(ComponentsSpec),
}, closed)
export type ZoneSpec = Static<typeof ZoneSpec>

/** Bounds of one gateway process; each has a counter. */
export const GatewayLimits = Type.Object({
  connections: Type.Optional(Type.Integer({ minimum: 10, maximum: 1_000_000, description: 'Not authenticated yet, at once; default 1000, one in ten kept for configured peers' })),
  connectionsPerAddress: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000, description: 'Not authenticated yet, from one address or IPv6 /64; default 50' })),
  acceptsPerSecond: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000, description: 'From one address or IPv6 /64; default 20, burst 50' })),
  stanzaBytes: Type.Optional(Type.Integer({ minimum: 1000, maximum: 16_777_216, description: 'Default 262144; RFC 6120 §13.12 wants 10000 or more' })),
  queueStanzas: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Of one route; default 1000' })),
  queueBytes: Type.Optional(Type.Integer({ minimum: 10_000, maximum: 1_073_741_824, description: 'Of one route; default 4 MiB' })),
  queuedBytes: Type.Optional(Type.Integer({ minimum: 100_000, maximum: 17_179_869_184, description: 'Of all routes; default 64 MiB' })),
  helloSeconds: Seconds(600, 'To a whole stream header; default 10'),
  negotiationSeconds: Seconds(3600, 'To the first authorised pair; default 60'),
  idleSeconds: Seconds(86_400, 'Without traffic before a stream is closed; default 900'),
}, closed)
export type GatewayLimits = Static<typeof GatewayLimits>

/** What a gateway is and what is wanted of it. Named by the gateway, which is one process. */
export const GatewaySpec = Type.Object({
  desired: Wanted,
  drainSeconds: Seconds(86_400, 'After which what is left is bounced; default 30'),
  host: Type.Optional(DomainName),
  zones: Type.Optional(Type.Array(ZoneSpec, { maxItems: 32 })),
  secret: Type.Optional(SecretRef),
  unmatched: Type.Optional(Type.Enum(['allow', 'deny'], { description: 'Pairs that no policy fits; default allow' })),
  peers: Type.Optional(Type.Record(DomainName, PeerWanted, { maxProperties: 10_000 })),
  pairs: Type.Optional(Type.Record(Type.String({ maxLength: 507, pattern: '^[a-z0-9_][a-z0-9_.-]* [a-z0-9_][a-z0-9_.-]*$', description: "'ours peer'" }), PeerWanted, { maxProperties: 10_000 })),
  limits: Type.Optional(GatewayLimits),
  note: Type.Optional(Text(1000)),
}, closed)
export type GatewaySpec = Static<typeof GatewaySpec>

const Rate = (maximum: number, description: string) => Type.Optional(Type.Integer({ minimum: 1, maximum, description }))

/** What a gateway lets a pair do. The most exact pattern wins, that of ours before that of the peer; what the policy does not say is the default of the zone. */
export const PolicySpec = Type.Object({
  ours: DomainPattern,
  peer: DomainPattern,
  gateways: Type.Optional(Type.Array(Name, { minItems: 1, maxItems: 64, uniqueItems: true, description: 'Default all' })),
  direction: Type.Optional(Type.Enum(['both', 'inbound', 'outbound'], { description: 'Of stanzas: inbound is from the peer to ours; default both' })),
  action: Type.Enum(['allow', 'deny', 'shadow-deny', 'hold']),
  tls: Type.Optional(TlsMode),
  minTls: Type.Optional(Type.Enum(['1.2', '1.3'])),
  dialback: Type.Optional(DialbackMode),
  external: Type.Optional(Type.Boolean({ description: 'SASL EXTERNAL, offered and used; default true' })),
  withoutDialback: Type.Optional(Type.Boolean({ description: 'XEP-0344: a certificate good for the domain authenticates it where a key was sent; default true' })),
  certificate: Type.Optional(Type.Enum(['any', 'valid', 'pinned'])),
  pins: Type.Optional(Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of a public key (SubjectPublicKeyInfo)' }), { maxItems: 16 })),
  anchors: Type.Optional(Type.Object({ system: Type.Boolean(), given: Type.Array(SecretRef, { maxItems: 16 }) }, closed)),
  bidi: Type.Optional(Type.Boolean({ description: 'XEP-0288; default false towards the outside' })),
  streamManagement: Type.Optional(Type.Boolean({ description: 'XEP-0198, acknowledgements alone; default true' })),
  limits: Type.Optional(Type.Object({
    stanzaBytes: Rate(16_777_216, 'Of one stanza'), bytesPerSecond: Rate(1_000_000_000, 'From the peer'), stanzasPerSecond: Rate(1_000_000, 'From the peer'), streams: Rate(1000, 'Inbound, at once; default 8'),
    queueStanzas: Rate(1_000_000, 'Waiting'), queueBytes: Rate(1_073_741_824, 'Waiting'),
    waitSeconds: Type.Optional(Type.Object({ message: Seconds(86_400, 'Default 120'), iq: Seconds(86_400, 'Default 30'), presence: Seconds(86_400, 'Default 60'), error: Seconds(86_400, 'And iq results; default 30') }, closed)),
  }, closed)),
  profile: Type.Optional(Type.Enum([...PROFILES])),
  until: Type.Optional(Time),
  reason: Type.Optional(Text(400)),
  ticket: Type.Optional(Text(100)),
  note: Type.Optional(Text(1000)),
}, closed)
export type PolicySpec = Static<typeof PolicySpec>

/** Where a gateway sends what is for a domain, instead of its records. */
export const RouteSpec = Type.Object({
  to: DomainPattern,
  gateways: Type.Optional(Type.Array(Name, { minItems: 1, maxItems: 64, uniqueItems: true, description: 'Default all' })),
  nextHops: Type.Array(Endpoint, { minItems: 1, maxItems: 16, description: 'In this order' }),
  note: Type.Optional(Text(1000)),
}, closed)
export type RouteSpec = Static<typeof RouteSpec>
