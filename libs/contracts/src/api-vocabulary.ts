/** What the control API says about itself and its words, so that a client needs no table of its own. */
import { Type, type Static } from 'typebox'
import { ROLES } from './api.ts'
import { DomainName, Name, Time, closed } from './resources/common.ts'
import { ACTORS, CAUSES, CONFIDENCES, HOPS, PROFILES, SIDES, STAGES, STATES } from './words.ts'

/** The closed sets, in their order, and who is asking. */
export const Meta = Type.Object({
  name: Type.String({ description: 'Of this installation' }), version: Type.String(), serverTime: Time, seq: Type.Integer(), apiVersion: Type.Literal('v1'),
  me: Type.Object({ name: Type.String(), role: Type.Enum([...ROLES]) }, closed),
  states: Type.Array(Type.Enum([...STATES])), causes: Type.Array(Type.Enum([...CAUSES])), sides: Type.Array(Type.Enum([...SIDES])), hops: Type.Array(Type.Enum([...HOPS])),
  actors: Type.Array(Type.Enum([...ACTORS])), stages: Type.Array(Type.Enum([...STAGES])), confidences: Type.Array(Type.Enum([...CONFIDENCES])), profiles: Type.Array(Type.Enum([...PROFILES])),
  kinds: Type.Array(Type.Object({ kind: Type.String(), path: Type.String() }, closed)),
  topics: Type.Array(Type.String({ description: 'Of /v1/events' })),
}, closed)
export type Meta = Static<typeof Meta>

/** A cause as people are told it. DOMAIN and OURS in the texts stand for the domain that is checked and the one in whose interest. */
export const CauseView = Type.Object({
  cause: Type.Enum([...CAUSES]), state: Type.Enum([...STATES]), side: Type.Enum([...SIDES]), hop: Type.Enum([...HOPS]), actor: Type.Enum([...ACTORS]),
  says: Type.String(), proof: Type.String(), remedy: Type.Array(Type.String()),
  lookAlikes: Type.Array(Type.Object({ cause: Type.Enum([...CAUSES]), how: Type.String() }, closed)),
  runbook: Type.Optional(Type.String({ description: 'Path of the control API' })),
}, closed)
export type CauseView = Static<typeof CauseView>
export const Causes = Type.Object({ causes: Type.Array(CauseView) }, closed)
export type Causes = Static<typeof Causes>

/** Something that ends by itself. `certificate`: the one that a domain shows; `exception`: a maintenance window or an accepted cause. */
export const EXPIRY_KINDS = ['certificate', 'exception'] as const
export const Expiry = Type.Object({ kind: Type.Enum([...EXPIRY_KINDS]), subject: Type.String(), domain: Type.Optional(DomainName), at: Time, effect: Type.String() }, closed)
export type Expiry = Static<typeof Expiry>
export const Expiries = Type.Object({ asOf: Time, seq: Type.Integer(), expiries: Type.Array(Expiry) }, closed)
export type Expiries = Static<typeof Expiries>

export const FOUND_KINDS = ['domain', 'pair', 'incident', 'resource', 'agent', 'cause'] as const
export const Found = Type.Object({ kind: Type.Enum([...FOUND_KINDS]), name: Type.String(), state: Type.Optional(Type.Enum([...STATES])), url: Type.String() }, closed)
export type Found = Static<typeof Found>
export const SearchResults = Type.Object({ asOf: Time, seq: Type.Integer(), found: Type.Array(Found) }, closed)
export type SearchResults = Static<typeof SearchResults>

/** A dialback listener of an agent, with what its domain is and who tests it. */
export const ListenerView = Type.Object({
  vantage: Name, agent: Name, domain: DomainName, places: Type.Array(Type.Object({ address: Type.String(), port: Type.Integer(), kind: Type.String() }, closed)),
  connections: Type.Integer(), asked: Type.Integer(), state: Type.Optional(Type.Enum([...STATES])), sentence: Type.Optional(Type.String()),
}, closed)
export type ListenerView = Static<typeof ListenerView>
export const Listeners = Type.Object({ asOf: Time, listeners: Type.Array(ListenerView) }, closed)
export type Listeners = Static<typeof Listeners>
