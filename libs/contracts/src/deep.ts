// What a check saw that authenticated itself, or tried to: EXTERNAL, dialback in its three roles, and the peer's own streams to our listener.
import { Type, type Static } from 'typebox'
import { DnsAnswer } from './dns-answer.ts'
import { Failure } from './failure.ts'
import { ChainSeen, FeaturesSeen, HeaderSeen, TlsSeen, TranscriptLine } from './stream-seen.ts'
import { CALLBACK_ANSWERS, DEEP_ROLES, DEEP_STAGES, DEPTHS, ENDPOINT_KINDS, STEP_OUTCOMES } from './words.ts'

const name = Type.String({ maxLength: 2048 })
const place = Type.String({ maxLength: 128 })
const closed = { additionalProperties: false }
const ms = (description: string) => Type.Number({ minimum: 0, description: `Milliseconds: ${description}` })

/** Who speaks to whom, in the direction of the sender. A-labels. */
export const PairSeen = Type.Object({ from: name, to: name }, closed)
export type PairSeen = Static<typeof PairSeen>

export const DeepStep = Type.Object({
  stage: Type.Enum([...DEEP_STAGES]),
  outcome: Type.Enum([...STEP_OUTCOMES]),
  atMs: ms('from the start of the observation; 0 when not asked'),
  ms: ms('how long the stage took; 0 when not asked'),
  failure: Type.Optional(Failure),
}, closed)
export type DeepStep = Static<typeof DeepStep>

/** An answer of dialback (XEP-0220 §2.1, §2.5): `error` comes with the stanza error condition as sent, quoted and cut. */
export const DialbackAnswerSeen = Type.Object({
  type: Type.Enum(['valid', 'invalid', 'error']),
  condition: Type.Optional(Type.String({ maxLength: 64 })),
  text: Type.Optional(Type.String({ maxLength: 400 })),
}, closed)
export type DialbackAnswerSeen = Static<typeof DialbackAnswerSeen>

/**
 * One connection of the peer's side to our listener while a pair was under check. It belongs to the check by (from, to, id) of its
 * db:verify, or, when none came, by its header; its source address is evidence only.
 */
export const Callback = Type.Object({
  source: Type.String({ maxLength: 128, description: 'address:port that it came from' }),
  listener: Type.String({ maxLength: 128, description: 'address:port that it came to' }),
  atMs: ms('from the start of the observation to the accept'),
  kind: Type.Enum([...ENDPOINT_KINDS]),
  /** The protocol, TLSv1.3 for example; absent in clear. */
  tls: Type.Optional(Type.String({ maxLength: 64 })),
  /** As its stream header said. */
  header: Type.Optional(Type.Object({ from: Type.Optional(Type.String({ maxLength: 8192 })), to: Type.Optional(Type.String({ maxLength: 8192 })) }, closed)),
  /** db:verify for our pair and stream id. `id`: which; without it the time tells to which key of this check it belongs. A connection that asks twice is two callbacks. */
  asked: Type.Optional(Type.Object({ atMs: ms('from the start of the observation'), answered: Type.Enum([...CALLBACK_ANSWERS]), id: Type.Optional(Type.String({ maxLength: 200 })) }, closed)),
  /** db:verify for our pair with an id that is not one of this check's. */
  strangeId: Type.Optional(Type.String({ maxLength: 200 })),
  /** The peer authenticated itself to us on this stream, for (peer, ours). */
  authenticated: Type.Optional(Type.Enum(['external', 'dialback'])),
  /** Its own db:result to us, and what its authoritative server, asked by us, said of the key. */
  reverse: Type.Optional(Type.Object({ atMs: ms('from the start of the observation'), ms: ms('until we knew'), answer: Type.Optional(DialbackAnswerSeen), failure: Type.Optional(Failure) }, closed)),
  /** How it ended, where that was not a clean close. */
  failure: Type.Optional(Failure),
}, closed)
export type Callback = Static<typeof Callback>

/** The answer to our XEP-0199 ping, which comes on the peer's own stream to us. `source`: that of the stream. */
export const Pong = Type.Object({
  answer: Type.Enum(['result', 'error', 'none']),
  condition: Type.Optional(Type.String({ maxLength: 64 })),
  source: Type.Optional(place),
  ms: ms('from ping to answer, or how long was waited'),
}, closed)
export type Pong = Static<typeof Pong>

/** What the peer says that it runs (XEP-0092); quoted and cut. */
export const Software = Type.Object({ name: Type.String({ maxLength: 100 }), version: Type.Optional(Type.String({ maxLength: 100 })) }, closed)
export type Software = Static<typeof Software>

/** One connection that authenticates, or that asks db:verify. */
export const DeepConnection = Type.Object({
  /** `external`: with our certificate. `dialback`: without it. `verify`: asks whether a key is good, and authenticates nobody. */
  role: Type.Enum([...DEEP_ROLES]),
  endpoint: Type.String({ maxLength: 2400, description: 'EndpointObservation.id; for an endpoint of our own domain, its id as if it had been observed' }),
  /** Whose endpoint it is: the peer's, or one of our own domain. */
  of: Type.Enum(['peer', 'ours']),
  kind: Type.Enum([...ENDPOINT_KINDS]),
  /** The stream's from and to. */
  pair: PairSeen,
  startedAtMs: ms('from the start of the observation'),
  steps: Type.Array(DeepStep, { maxItems: 64, description: 'Every stage of this role and kind, in order' }),
  header: Type.Optional(HeaderSeen),
  features: Type.Optional(FeaturesSeen),
  tls: Type.Optional(TlsSeen),
  chain: Type.Optional(ChainSeen),
  headerAgain: Type.Optional(HeaderSeen),
  featuresAgain: Type.Optional(FeaturesSeen),
  /** A certificate of ours was shown to those who ask for one. */
  certificate: Type.Boolean(),
  /** Its extended key usages as OIDs (RFC 5280 §4.2.1.12); empty when it has no such extension. */
  certificateUsages: Type.Optional(Type.Array(Type.String({ maxLength: 1024 }), { maxItems: 1024 })),
  /** The answer to SASL EXTERNAL (XEP-0178); absent when it was not asked for. */
  sasl: Type.Optional(Type.Object({ success: Type.Boolean(), condition: Type.Optional(Type.String({ maxLength: 64 })), text: Type.Optional(Type.String({ maxLength: 400 })) }, closed)),
  /** db:result: which key was sent, when, and what came. No answer: it was waited for `waitedMs`, or the stream ended. */
  dialback: Type.Optional(Type.Object({
    key: Type.Enum(['true', 'made-up'], { description: 'true: computed from the secret of the domain that the stream is from' }),
    streamId: Type.String({ maxLength: 200 }),
    secured: Type.Boolean(),
    sentAtMs: ms('from the start of the observation'),
    waitedMs: ms('from the key to the answer, or to the end'),
    answer: Type.Optional(DialbackAnswerSeen),
    /** Waiting was ended by --quick at the early warning, not by the peer. */
    cutShort: Type.Optional(Type.Boolean()),
  }, closed)),
  /** db:verify that we asked: the answer that a right server gives, and the one that came. */
  question: Type.Optional(Type.Object({ right: Type.Enum(['valid', 'invalid']), ms: ms('until the answer, or the end'), answer: Type.Optional(DialbackAnswerSeen) }, closed)),
  ping: Type.Optional(Pong),
  software: Type.Optional(Software),
  transcript: Type.Array(TranscriptLine, { maxItems: 256 }),
}, closed)
export type DeepConnection = Static<typeof DeepConnection>

/** Where the listener of the probe's domain stands, and whether the world can find it. */
export const ListenerSeen = Type.Object({
  domain: name,
  places: Type.Array(place, { maxItems: 256, description: 'address:port that it listens on' }),
  /** `leads-here`: the records of the domain lead to one of the public addresses that the operator named, or to the places. `unknown`: the resolver could not say. */
  published: Type.Enum(['leads-here', 'elsewhere', 'nowhere', 'unknown']),
  /** address:port that the records lead to. */
  leadsTo: Type.Array(Type.String({ maxLength: 2400 }), { maxItems: 512 }),
  dns: Type.Array(DnsAnswer, { maxItems: 1024 }),
}, closed)
export type ListenerSeen = Static<typeof ListenerSeen>

/** Everything of one check that authenticated itself or asked about keys. */
export const Deep = Type.Object({
  depth: Type.Enum(DEPTHS.filter(depth => depth !== 'none')),
  /** The domain in whose name dialback was asked: the probe's own at depth `probe`, OURS otherwise. */
  as: name,
  /** Stopped at the early warning. */
  quick: Type.Boolean(),
  /** How long an answer was waited for before the early warning, and at most; 15 and 95 s except in tests. */
  waits: Type.Optional(Type.Object({ earlyMs: ms('to the early warning'), fullMs: ms('to the end') }, closed)),
  listener: Type.Optional(ListenerSeen),
  connections: Type.Array(DeepConnection, { maxItems: 512, description: 'In the order in which they were made' }),
  /** What reached our listener for the pair, in order. */
  callbacks: Type.Array(Callback, { maxItems: 512 }),
  /** Connections to our listener while the pair was under check that ended without a stream header: whose they were is not known. */
  strayConnections: Type.Optional(Type.Object({ count: Type.Integer({ minimum: 1 }), sources: Type.Array(place, { maxItems: 5 }), failure: Type.Optional(Failure) }, closed)),
  /** Endpoints that let us through and were not asked deeply, because of a bound. */
  endpointsLeftOut: Type.Optional(Type.Integer({ minimum: 1 })),
  /** How many more callbacks came than are kept. */
  callbacksLeftOut: Type.Integer({ minimum: 0 }),
}, closed)
export type Deep = Static<typeof Deep>
