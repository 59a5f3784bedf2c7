/**
 * The one bus of the fleet, as engines and apps see it: NATS between processes, embedded in one. Bodies are validated where they are published and
 * again where they arrive; one that does not have its shape is refused naming the field, counted, and never reaches a handler. Bodies only grow: a field that is not
 * known is refused where it is published, and left out where it arrives, because a newer release may have written it.
 */
import type { Signal } from '@dialtone/kernel'
import type { Static, TSchema } from 'typebox'

/** The durable histories. Limits of each are in `libs/bus`. */
export const STREAMS = ['observations', 'announcements', 'audit', 'facts'] as const
export type StreamName = (typeof STREAMS)[number]

/**
 * One kind of event. Its subject is `dialtone.v1.<noun>.` and the tokens of its key, each a single token of [A-Za-z0-9_-]; a domain is spread over
 * several by `domainTokens`. With a stream it is durable: published at least once, kept, replayable; without, it is fire and forget.
 */
export type EventType<S extends TSchema = TSchema> = { readonly noun: string, readonly stream?: StreamName, readonly schema: S }

/** One kind of command, a request with one answer: subject `dialtone.v1.command.<verb>.` and the tokens of whom it is for. */
export type CommandType<Q extends TSchema = TSchema, A extends TSchema = TSchema> = { readonly verb: string, readonly request: Q, readonly answer: A }

/**
 * One kind of document. `bucket`: [a-z0-9-]; `ttlSeconds`: every document in it is forgotten so long after it was last written, and is small. `keepsUnknown`: fields that the
 * schema does not know stay in what is read, and may be put: for a document that one release writes back which a newer one has written. `single`: the bucket has one key only,
 * and what is expected of it is proved by the last write of the whole bucket: for who creates it, with a time to live.
 */
export type DocumentType<S extends TSchema = TSchema> = { readonly bucket: string, readonly schema: S, readonly ttlSeconds?: number, readonly keepsUnknown?: boolean, readonly single?: boolean }

export type Delivery<B> = {
  readonly body: B
  /** Given by who published; the same for every repetition. */
  readonly id: string
  readonly key: readonly string[]
  /** Place in the stream, from 1, increasing; 0 for what is not durable. */
  readonly seq: number
  /** When the bus took it, ISO 8601. */
  readonly at: string
}

/**
 * Where reading begins: after a sequence number (0: the oldest kept), at a time, or with what comes from now on. `made`: of which stream the number is, as
 * `StreamAt` or `Extent` told it; when the stream was made anew since, it is read from its beginning.
 */
export type From = { afterSeq: number, made?: string } | { since: string } | 'now'

/**
 * Of which stream a batch is. `made`: its identity, an opaque text; the server or its disk may be lost, and the stream that is made then has another, and
 * its numbers begin at 1. Keep it beside the position, in one transaction, and give both back in `From`.
 * `reset`: true for the first batch of a stream that is not the one that the reader knew (by what it read before, or by its `From`): the position is worth nothing, and
 * what comes may have been read under another number; ids tell. Told until the handler has resolved.
 */
export type StreamAt = { made: string, reset: boolean }

/** The oldest and the newest sequence number that a stream keeps; both 0 when it is empty. `made`: as in `StreamAt`. */
export type Extent = { first: number, last: number, made: string }

/** How a command ended that nobody answered with a value. `refused`: who it was for said no, in one sentence; `malformed`: its answer has not the shape. */
export type Unanswered = { failed: 'no-responders' | 'timeout' | 'disconnected' | 'refused' | 'malformed', says: string }

export type Subscription = {
  /** Stops taking; resolves when the handlers that run are over. */
  stop: () => Promise<void>
  /** Of a durable history: up to where it has been handed over and taken, what was malformed or not for the reader included. Undefined: nothing yet. */
  place?: () => { made: string, seq: number } | undefined
}

export type Bus = {
  /**
   * Hands one event over; resolves when a durable one is stored. Repeating it with the same id is harmless within the stream's window and recognisable by id
   * after. Rejects with an OperatorError: `bad-body` (names the field), `too-large`, `bus-unreachable` (not stored, try later), `not-allowed`.
   */
  publish: <S extends TSchema>(type: EventType<S>, key: readonly string[], body: Static<S>, options: { id: string, signal?: Signal }) => Promise<void>
  /** What is published from now on. `key`: leading tokens that must be equal. A slow handler loses the oldest, which is counted. */
  subscribe: <S extends TSchema>(type: EventType<S>, key: readonly string[], handler: (delivery: Delivery<Static<S>>) => void) => Promise<Subscription>
  /**
   * A durable history, in order, from a place that the reader keeps: at least once. The next batch is read when the handler has resolved; when it rejects, the same
   * batch comes again after a pause. Survives loss of the connection. What was dropped by limits before it was read is told as a gap; a stream that was made anew is
   * told as a reset.
   */
  consume: <S extends TSchema>(type: EventType<S>, from: From, handler: (batch: readonly Delivery<Static<S>>[], gap: number, stream: StreamAt) => Promise<void>, options?: { most?: number }) => Promise<Subscription>
  extent: (stream: StreamName) => Promise<Extent>
  /** Asks; one of those that serve the same target answers. */
  request: <Q extends TSchema, A extends TSchema>(type: CommandType<Q, A>, to: readonly string[], body: Static<Q>, options: { timeoutMs: number, signal?: Signal }) => Promise<{ answer: Static<A> } | Unanswered>
  /** Answers. `shared`: those that serve the same target take turns. An OperatorError of the handler is the refusal. */
  serve: <Q extends TSchema, A extends TSchema>(type: CommandType<Q, A>, to: readonly string[], handler: (body: Static<Q>) => Promise<Static<A>>, options?: { shared?: boolean }) => Promise<Subscription>
  /** The documents of one bucket. `create`: makes the bucket where it is missing (who may only read leaves that to others). */
  documents: <S extends TSchema>(type: DocumentType<S>, options: { create: boolean }) => Promise<Documents<Static<S>>>
  /** Whether the bus can be reached at this moment. */
  readonly connected: boolean
  /** Told at every change of it. */
  onConnection: (hear: (connected: boolean) => void) => () => void
  /** Delivers what was handed over, then closes. */
  stop: () => Promise<void>
}

/** `revision`: of the bucket; increases with every write. */
export type Document<D> = { key: string, document: D, revision: number }

export type Documents<D> = {
  get: (key: string) => Promise<Document<D> | undefined>
  /** All, sorted by key. */
  list: () => Promise<Document<D>[]>
  /** Writes. `expect`: only over this revision (0: only where there is none); otherwise rejects with an OperatorError `conflict`. Resolves to the new revision. */
  put: (key: string, document: D, options?: { expect?: number }) => Promise<number>
  remove: (key: string, options?: { expect?: number }) => Promise<void>
  /** First everything that is there, then `hear({ on: 'ready' })`, then each change. A document past its time to live is told as removed. After a lost connection, what changed meanwhile. */
  watch: (hear: (change: DocumentChange<D>) => void) => Promise<Subscription>
}

export type DocumentChange<D> = { on: 'put', key: string, document: D, revision: number } | { on: 'removed', key: string } | { on: 'ready' }

/** The labels of a domain as tokens of a subject, last first, so that wildcards work. A-labels only. */
export function domainTokens (domain: string): string[] {
  return domain.split('.').toReversed()
}
