/**
 * Where the parts of the engine meet. Listeners take streams in and prove pairs (`Inbound`); dialing brings a stream out to an authenticated pair (`Dial`) or an answer from
 * an authoritative server (`Verify`); the core between them (`Intake`) takes stanzas of proven pairs, decides, queues, writes and answers for each. All read the same `World`,
 * which is replaced whole when the configuration changes.
 */
import type {
  Endpoint, Failure, GatewayAssignment, GatewayEvent, GatewayPresence, PairFacts, Refusal, RouteExplanation, RouteStep, SecretRef, StreamCondition, StreamView, ZoneSpec,
} from '@dialtone/contracts'
import type { GatewayAct, GatewayQueues, GatewayStreams } from '@dialtone/contracts/schemas'
import type { Clock, Logger, Meter, Random } from '@dialtone/kernel'
import type { Resolver } from '@dialtone/net'
import type { Decision, Direction, LegRules, Sides } from '@dialtone/routing'
import type { DialbackAnswer, ElementFrame, HeaderFrame, Keys, Pair } from '@dialtone/stream'
import type { Static } from 'typebox'
import type { Trace } from './trace/trace.ts'

export type KeyPair = { certificate: string, key: string }
/** A private authority, and what it makes: for a canonical domain, the same pair until it is renewed; undefined once the authority has ended. `ends` in milliseconds since the epoch. */
export type Mint = { readonly authority: KeyPair, readonly ends: number, certificateFor: (domain: string) => KeyPair | undefined }

/** A zone with what its references hold. */
export type Zone = {
  readonly name: string
  readonly side: 'external' | 'internal'
  readonly spec: ZoneSpec
  /** Its dialback keys; no two zones have the same (row D5, I8). */
  readonly keys: Keys
  /** Tells gateways that share the secret from those that do not; salted. */
  readonly secretPrint: string
  /** Whether the secret was made for this process alone, because the configuration names none. */
  readonly secretMade: boolean
  /** The certificate to present as `domain`: whose names fit; undefined when none does. Of an internal zone then its first one, since inside servers know us by dialback (gateways.md 6.2 b). The same object while its files are the same. */
  certificateFor: (domain: string) => KeyPair | undefined
  readonly certificates: readonly KeyPair[]
  /** Makes certificates of foreign domains for `certificateFor` (gateways.md 6.2 a); undefined where the zone has no authority of its own. */
  readonly mint?: Mint
  /** What a component of the zone proves itself with; the reference stands in its `components`. */
  componentSecret: (reference: SecretRef) => string
  readonly anchors: { readonly system: boolean, readonly given: readonly string[] }
  readonly resolver: Resolver
  /** Private blocks that may be connected to. */
  readonly allowNets: readonly string[]
  /** What the legs of an internal zone demand; those of the external zone are in the decisions. */
  readonly leg: LegRules
}

/** One configuration, whole and proved. Never changed, only replaced. */
export type World = {
  readonly revision: number
  readonly assignment: GatewayAssignment
  readonly zones: ReadonlyMap<string, Zone>
  readonly external: Zone | undefined
  /** The internal zone whose server has this domain; undefined for a foreign one. */
  zoneOf: (domain: string) => Zone | undefined
  decide: (sides: Sides, direction: Direction) => Decision
  /** Trust anchors for a peer: those of its policy, or of the external zone. */
  anchorsFor: (decision: Decision) => Zone['anchors']
  /** Instead of records: the hops to the server of a domain, and which resource says so. `internal` for our own, which have no other way: no hops where nothing says where its server is. */
  wayTo: (domain: string) => { hops: readonly Endpoint[], by: 'route' | 'internal' | 'peer', name: string } | undefined
  /** Blocks that may be connected to for this domain, beside the zone's: those of its resource, and the addresses that its hops name. */
  allowNetsFor: (domain: string) => readonly string[]
  /** When the certificate that is shown as it to the outside ends, milliseconds since the epoch, by inside domain. */
  readonly certificateEnds: ReadonlyMap<string, number>
}

/** What every part is given. */
export type Surroundings = {
  /** The configuration at this moment. */
  world: () => World
  clock: Clock
  random: Random
  meter: Meter
  logger: Logger
  /** Tells people who watch; bounded by whoever takes it. */
  tell: (event: Omit<GatewayEvent, 'gateway' | 'at'>) => void
  /** Whoever says something on a stream looks whether somebody wants to know. */
  tracing?: Trace
}

/** Who hands stanzas in: an inbound stream, a component, or a bidirectional outbound stream. */
export type Source = {
  readonly id: string
  readonly zone: string
  /** `xml:lang` of its header, which its stanzas inherit (RFC 6120 §4.7.4). */
  readonly lang: string | undefined
  readonly header: HeaderFrame
  /** Back-pressure: reading stops until `resume` was called as often as `pause`. */
  pause: () => void
  resume: () => void
  /** Ends the stream with this condition: the pair may not go on (rate, policy, size). */
  close: (condition: StreamCondition, text: string) => void
}

/** One proven pair of one source: its stanzas, in order. Kept by the source for as long as the pair is authorised. */
export type Lane = {
  /** The canonical domains as bytes, for `ElementFrame.pairIs`. */
  readonly from: Uint8Array
  readonly to: Uint8Array
  /** Takes one stanza, for which the core answers from here on: exactly one outcome. The frame is valid until it returns. Never throws. */
  accept: (frame: ElementFrame) => void
  /** The pair or its stream is gone. */
  end: () => void
}

/** The core, as sources see it. */
export type Intake = {
  /** `pair.from` is authenticated on the source for stanzas to `pair.to`. */
  lane: (source: Source, pair: Pair) => Lane
  /**
   * Takes a stanza of a sender who may speak on the source, to somebody else than here, and answers for it as for any other: it ends, and its sender is told why. `as`: to whom that
   * sender may speak there. The frame is valid until it returns. Never throws.
   */
  refuse: (source: Source, as: Pair | undefined, pair: Pair, frame: ElementFrame, reason: Refusal) => void
  /** A stream that its peer has opened takes stanzas of `out.pair`, too (XEP-0288), until it ends. */
  offer: (zone: string, out: OutStream) => void
  /** A whole read of a source was handed in: what it gave is sent, one write for each stream. */
  settled: () => void
}

/** What is wanted of a stream that is opened. `pair.from` is whom we speak as. */
export type DialRequest = {
  zone: Zone
  pair: Pair
  leg: LegRules
  hops?: readonly Endpoint[]
  allowNets: readonly string[]
  /** For our header. */
  lang?: string
  /** Step by step, for the operator; bounded by the attempt. */
  step: (step: Omit<RouteStep, 'at' | 'ms'>) => void
  signal: AbortSignal
}
/** The leaf that a peer showed, whether or not it proved anything. `key`: SHA-256 of its SubjectPublicKeyInfo, in hex; `notAfter`: milliseconds since the epoch; `pinned`: the leg has pins, of which it `matches` one. */
export type CertificateSeen = { key: string, issuer: string, notAfter: number, pinned: boolean, matches: boolean }
/** Why there is no stream. `temporary`: another attempt may end otherwise without anybody changing anything. */
export type DialFailure = { reason: Refusal, says: string, temporary: boolean, failure?: Failure, answer?: DialbackAnswer, condition?: string, text?: string, /** Of a peer that was refused for it. */ certificate?: CertificateSeen }
/** Which component a pair waits for: the server of ours, which comes by itself, or the one that we are for the domain of the peer. */
export type AwaitedComponent = 'server' | 'peer'
/** How a stream to the server of ours that was wanted is got: dialed, come by itself, or not at all. */
export type WayInside = { stream: OutStream } | { failed: Pick<DialFailure, 'reason' | 'condition'> }
/** Resolves after at most 60 seconds with an authenticated stream, or why there is none. Never rejects. */
export type Dial = (request: DialRequest) => Promise<{ stream: OutStream } | { failed: DialFailure }>

/** Asks the authoritative server of `question.from` whether it made this key (XEP-0220 §2.2.1); on a stream of its own. Never rejects; what fails is an error answer. */
export type Verify = (request: { zone: Zone, question: { from: string, to: string, id: string, key: string }, leg: LegRules, hops?: readonly Endpoint[], allowNets: readonly string[], signal: AbortSignal }) => Promise<DialbackAnswer>

/** An authenticated way out. Bytes are collected, and leave with `flush`, in one write. */
export type OutStream = {
  readonly id: string
  readonly pair: Pair
  /** `bidi`: of a stream that its peer has opened (XEP-0288); it is judged by those who took it in. */
  readonly by: 'external' | 'dialback' | 'component' | 'bidi'
  /** Absent without TLS. */
  readonly certificate?: CertificateSeen | undefined
  /** Of our header: stanzas with the same inherited language go as they are. */
  readonly lang: string | undefined
  /** The peer takes no larger stanza (XEP-0478). */
  readonly maxBytes: number | undefined
  /** Adds a stanza. `lasting`: the bytes stay as they are until the turn ends; else they are copied at once. */
  write: (data: Uint8Array, start: number, end: number, lasting: boolean) => void
  flush: () => void
  /** Bytes that the peer has not taken; the caller stops at 1 MiB and goes on when `drained` is called. */
  readonly unsent: number
  drained: (() => void) | undefined
  /** Takes stanzas. A stream may have ended before anybody could be told. */
  readonly open: boolean
  /** It takes nothing any more: what is written from now on would be lost. Called when that begins, which may be long before `ended`. */
  ending: (() => void) | undefined
  /** XEP-0198: stanzas that the peer has acknowledged since the beginning; undefined where it is not used. */
  readonly acknowledged: number | undefined
  acked: (() => void) | undefined
  /** How it ended: `clean` with both footers. Resolves once, never rejects. */
  readonly ended: Promise<{ clean: boolean, because?: Failure }>
  /** Ends it: what was written leaves, a stream error if there is a condition, the footer, the peer's footer or five seconds. */
  close: (condition?: StreamCondition, text?: string) => void
  /** Ends it at once, whatever has not left: `ended` resolves without a word to the peer. */
  abort: () => void
  view: () => StreamView
}

/** Which streams a command is about; what is absent does not matter. `ours` and `peer` as in policies. */
export type Selection = { zone?: string, ours?: string, peer?: string, stream?: string }

/** What is wrong with a configuration, and where: a JSON pointer into the assignment. A gateway takes all of it or keeps the last good one. */
export type ConfigurationProblem = { pointer: string, says: string }

/** The engine as its process sees it. */
export type Relay = {
  /** Replaces the configuration, live: streams that still comply go on, listeners that stay stay open. Resolves with what is wrong, and then nothing has changed. */
  configure: (assignment: GatewayAssignment) => Promise<readonly ConfigurationProblem[]>
  presence: () => Pick<GatewayPresence, 'state' | 'healthy' | 'findings' | 'revision' | 'listeners' | 'streams' | 'stanzas' | 'queued' | 'drains' | 'secrets' | 'certificates'>
  /** Commands. Reject with an OperatorError where there is nothing of the kind. */
  act: (request: Static<typeof GatewayAct.request>) => Promise<Static<typeof GatewayAct.answer>>
  streams: (request: Static<typeof GatewayStreams.request>) => Static<typeof GatewayStreams.answer>
  queues: (request: Static<typeof GatewayQueues.request>) => Static<typeof GatewayQueues.answer>
  explain: (pair: { from: string, to: string }) => Promise<RouteExplanation>
  /** Drains within `drainSeconds` of the configuration unless `at` aborts before, then closes everything. Every stanza has its outcome when it resolves. */
  stop: (at?: AbortSignal) => Promise<void>
}
/** What the engine is given by its process. `facts`: told of a pair when something about it has changed. `readSecret` rejects with an OperatorError that says why. */
export type RelayOptions = {
  gateway: string
  readSecret: (reference: SecretRef) => Promise<Buffer>
  facts: (facts: PairFacts) => void
  tell: (event: Omit<GatewayEvent, 'gateway' | 'at'>) => void
  /** Salt for the fingerprints of secrets, the same for all that compare them. */
  salt: string
  clock: Clock
  random: Random
  meter: Meter
  logger: Logger
}
