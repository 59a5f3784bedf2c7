// What a dialback listener tells of its connections: one event, one JSON line.
import { Type, type Static } from 'typebox'
import { DialbackAnswerSeen, PairSeen } from './deep.ts'
import { Failure } from './failure.ts'
import { CALLBACK_ANSWERS, ENDPOINT_KINDS } from './words.ts'

const closed = { additionalProperties: false }
const common = {
  at: Type.String({ format: 'date-time' }),
  connection: Type.Integer({ minimum: 1, description: 'Numbers the connections of one listener' }),
  source: Type.String({ description: 'address:port of the other side' }),
}

/** Domains are canonical; whatever else a peer sent is quoted and cut. Keys are never told. */
export const ListenerEvent = Type.Union([
  Type.Object({ on: Type.Literal('connected'), ...common, kind: Type.Enum([...ENDPOINT_KINDS]) }, closed),
  Type.Object({ on: Type.Literal('header'), ...common, from: Type.Optional(Type.String()), to: Type.Optional(Type.String()) }, closed),
  Type.Object({ on: Type.Literal('secured'), ...common, protocol: Type.String() }, closed),
  /** db:verify: somebody asked whether a key is ours. `underCheck`: for a pair and stream of a check that runs now. */
  Type.Object({ on: Type.Literal('asked'), ...common, pair: PairSeen, answered: Type.Enum([...CALLBACK_ANSWERS]), underCheck: Type.Boolean() }, closed),
  /** More wrong keys from one address than are told one by one: somebody may be trying to pass for us. `count` in the last minute. */
  Type.Object({ on: Type.Literal('wrong-keys'), ...common, count: Type.Integer() }, closed),
  /** db:result: the peer wants to be authenticated. Not under check: refused, and nobody was asked. */
  Type.Object({ on: Type.Literal('key'), ...common, pair: PairSeen, underCheck: Type.Boolean() }, closed),
  Type.Object({ on: Type.Literal('judged'), ...common, pair: PairSeen, answer: DialbackAnswerSeen }, closed),
  Type.Object({ on: Type.Literal('authenticated'), ...common, pair: PairSeen, by: Type.Enum(['external', 'dialback']) }, closed),
  Type.Object({ on: Type.Literal('pong'), ...common, pair: PairSeen }, closed),
  /** `because` is absent after a clean close. `leftOut`: what strangers did on it more often than is told one by one. */
  Type.Object({ on: Type.Literal('closed'), ...common, because: Type.Optional(Failure), leftOut: Type.Optional(Type.Integer({ minimum: 1 })) }, closed),
  /** Closed before a byte was read. `count`: so many in the last minute, no longer told one by one. */
  Type.Object({
    on: Type.Literal('turned-away'), at: Type.String({ format: 'date-time' }), source: Type.String(), why: Type.Enum(['too-many-connections', 'too-many-from-this-address']), count: Type.Optional(Type.Integer({ minimum: 1 })),
  }, closed),
])
export type ListenerEvent = Static<typeof ListenerEvent>
