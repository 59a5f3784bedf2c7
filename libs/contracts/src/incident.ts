import { Type, type Static } from 'typebox'
import { DomainName, Time, closed } from './resources/common.ts'
import { CAUSES, SIDES, STATES } from './words.ts'

/** What a verdict is about: a domain of ours, a peer, or a pair in one direction. */
export const Subject = Type.Object({ domain: DomainName, peer: Type.Optional(DomainName), direction: Type.Optional(Type.Enum(['out', 'in'])) }, closed)
export type Subject = Static<typeof Subject>

/** `open`: seen, not confirmed. `confirmed`: announced. `recovering`: well again, not confirmed. `resolved`: over. */
export const INCIDENT_STATES = ['open', 'confirmed', 'recovering', 'resolved'] as const
export const INCIDENT_EVENTS = ['opened', 'confirmed', 'cause-changed', 'reminded', 'recovered', 'resolved', 'withdrawn'] as const

/** One fault from its first sign to its end. Flapping is one incident; equal causes of sides ours and path on several pairs are one. */
export const Incident = Type.Object({
  id: Type.String({ maxLength: 64 }),
  state: Type.Enum([...INCIDENT_STATES]),
  cause: Type.Enum([...CAUSES]),
  side: Type.Enum([...SIDES]),
  worst: Type.Enum([...STATES]),
  sentence: Type.String(),
  domain: DomainName,
  subjects: Type.Array(Subject),
  /** How many it has, where not all of them are listed. */
  subjectsInAll: Type.Optional(Type.Integer({ minimum: 0 })),
  openedAt: Time,
  confirmedAt: Type.Optional(Time),
  /** Its first good answer of those it has had since: until then the fault lasted. Gone when it comes back. */
  wellSince: Type.Optional(Time),
  /** When that was confirmed. */
  recoveredAt: Type.Optional(Time),
  resolvedAt: Type.Optional(Time),
  remindedAt: Type.Optional(Time),
  /** How often it seemed over and came back. */
  flaps: Type.Integer({ minimum: 0 }),
  /** Each cause that it had, oldest first. */
  causes: Type.Array(Type.Object({ cause: Type.Enum([...CAUSES]), since: Time }, closed)),
  /** An exception keeps quiet about it: its name. */
  quietBecause: Type.Optional(Type.String()),
  runbook: Type.Optional(Type.String({ description: 'Path of the control API' })),
}, closed)
export type Incident = Static<typeof Incident>

/** What became of an incident. Announced once, by the holder of the lease; the id makes a repetition harmless. */
export const Announcement = Type.Object({
  v: Type.Literal(1),
  id: Type.String({ maxLength: 100 }),
  at: Time,
  on: Type.Enum([...INCIDENT_EVENTS]),
  incident: Incident,
}, closed)
export type Announcement = Static<typeof Announcement>

/** Durable; key (…domainTokens(domain)). */
export const AnnouncementEvent = { noun: 'announcement', stream: 'announcements', schema: Announcement } as const
