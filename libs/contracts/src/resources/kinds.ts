/**
 * What operators configure. A resource is a kind, a name and a spec; the control API adds a revision. A spec says what is wanted or expected and never
 * what is: that is observed. Everything that is not given has the default that its description names.
 */
import { Type, type Static } from 'typebox'
import { CAUSES, PROFILES } from '../words.ts'
import { Address, Cidr, DomainName, Endpoint, Name, Port, SecretRef, Text, Time, closed } from './common.ts'
import { GatewaySpec, PolicySpec, RouteSpec } from './gateway.ts'

/** A domain that we are responsible for. Named by the domain. */
export const DomainSpec = Type.Object({
  expectedAddresses: Type.Optional(Type.Array(Address, { maxItems: 64, uniqueItems: true, description: 'The public addresses of our service; empty: no expectation' })),
  internal: Type.Optional(Type.Array(Endpoint, { maxItems: 16, description: 'Where inside vantages find our service without DNS' })),
  hostedBy: Type.Optional(Type.Array(DomainName, { maxItems: 16, description: 'Peers whose provider may rightly answer for this domain' })),
  alsoClaimed: Type.Optional(Type.Array(DomainName, { maxItems: 16, description: 'Sub-domains that the claim question asks about too' })),
  profile: Type.Optional(Type.Enum([...PROFILES])),
  secret: Type.Optional(SecretRef),
  secretOf: Type.Optional(Type.Enum(['prosody', 'ejabberd', 'cups'], { description: 'How that server makes keys of it; default prosody' })),
  splitViewExpected: Type.Optional(Type.Boolean({ description: 'Inside and outside resolvers are meant to differ; default false' })),
  schedule: Type.Optional(Name),
  expiryWarningDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 365 })),
  slowStageMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 600_000 })),
  allowNets: Type.Optional(Type.Array(Cidr, { maxItems: 64, description: 'Blocks that are not public and may be connected to for this domain' })),
  note: Type.Optional(Text(1000)),
}, closed)
export type DomainSpec = Static<typeof DomainSpec>

/** A domain that ours federate with. Named by the domain. */
export const PeerSpec = Type.Object({
  ours: Type.Optional(Type.Array(DomainName, { maxItems: 64, uniqueItems: true, description: 'Which of our domains; default all of them' })),
  profile: Type.Optional(Type.Enum([...PROFILES])),
  schedule: Type.Optional(Name),
  deep: Type.Optional(Type.Enum(['shared', 'probe', 'none'], { description: 'The deepest check; default shared where the domain has a secret that the agent can read, else probe where the vantage has a probe domain' })),
  endpoints: Type.Optional(Type.Array(Endpoint, { maxItems: 16, description: 'Instead of what its records say' })),
  expiryWarningDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 365 })),
  slowStageMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 600_000 })),
  allowNets: Type.Optional(Type.Array(Cidr, { maxItems: 64 })),
  note: Type.Optional(Text(1000)),
}, closed)
export type PeerSpec = Static<typeof PeerSpec>

/** Where agents stand. Agents of one vantage share its work. */
export const VantageSpec = Type.Object({
  side: Type.Enum(['inside', 'outside'], { description: 'Inside: in the network of our servers, behind our firewall' }),
  network: Type.Optional(Name),
  desired: Type.Optional(Type.Enum(['running', 'paused'])),
  pausedAgents: Type.Optional(Type.Array(Name, { maxItems: 64, uniqueItems: true, description: 'Agents of it that do nothing while the others go on' })),
  quarantined: Type.Optional(Text(400, 'Why its testimony is set aside; absent: it is heard')),
  families: Type.Optional(Type.Array(Type.Enum([4, 6]), { minItems: 1, maxItems: 2, uniqueItems: true, description: 'Default: what the agent finds' })),
  sourceAddress: Type.Optional(Address),
  resolver: Type.Optional(Type.Object({ address: Address, port: Type.Optional(Port), trusted: Type.Optional(Type.Boolean()) }, closed)),
  sharesResolverWith: Type.Optional(Type.Array(DomainName, { maxItems: 64, description: 'Domains of ours whose server asks the same resolver' })),
  controlName: Type.Optional(DomainName),
  probeDomain: Type.Optional(Type.Object({
    domain: DomainName,
    secret: SecretRef,
    listen: Type.Array(Type.Object({ address: Address, port: Port, kind: Type.Optional(Type.Enum(['starttls', 'direct'])) }, closed), { minItems: 1, maxItems: 8 }),
    publicAddresses: Type.Optional(Type.Array(Address, { maxItems: 16 })),
    certificate: Type.Optional(SecretRef),
    key: Type.Optional(SecretRef),
  }, closed)),
  anchors: Type.Optional(Type.Object({ system: Type.Boolean(), given: Type.Array(SecretRef, { maxItems: 16 }) }, closed)),
  connectionsPerTargetPerHour: Type.Optional(Type.Integer({ minimum: 10, maximum: 100_000, description: 'Default 1200' })),
  allowNets: Type.Optional(Type.Array(Cidr, { maxItems: 64 })),
  timeoutsMs: Type.Optional(Type.Object({
    dns: Type.Optional(Type.Integer({ minimum: 50, maximum: 60_000 })), tcp: Type.Optional(Type.Integer({ minimum: 50, maximum: 120_000 })),
    stream: Type.Optional(Type.Integer({ minimum: 50, maximum: 120_000 })), tls: Type.Optional(Type.Integer({ minimum: 50, maximum: 120_000 })),
    close: Type.Optional(Type.Integer({ minimum: 50, maximum: 60_000 })), answer: Type.Optional(Type.Integer({ minimum: 500, maximum: 300_000 })),
  }, { ...closed, description: 'Of the stages; defaults outlast slow but working servers' })),
  fallbackPort: Type.Optional(Port),
  note: Type.Optional(Text(1000)),
}, closed)
export type VantageSpec = Static<typeof VantageSpec>

/** How often, and when a state counts as changed. The one called `default` is used where none is named. */
export const ScheduleSpec = Type.Object({
  lightEverySeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400, description: 'Default 60' })),
  deepEverySeconds: Type.Optional(Type.Integer({ minimum: 5, maximum: 604_800, description: 'Default 1800' })),
  failingEverySeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400, description: 'Light checks while it fails or is not confirmed; default 20' })),
  confirmations: Type.Optional(Type.Integer({ minimum: 1, maximum: 10, description: 'Equal answers in a row before an incident is confirmed or over; default 3' })),
  jitter: Type.Optional(Type.Number({ minimum: 0, maximum: 0.5, description: 'Share of the interval; default 0.1' })),
  retryWindowSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: 3600, description: 'A peer that refused OURS is not asked again in its name for so long; default 300' })),
  remindEverySeconds: Type.Optional(Type.Integer({ minimum: 60, maximum: 604_800, description: 'Of an incident that goes on; default 43200' })),
  desired: Type.Optional(Type.Enum(['running', 'paused'])),
}, closed)
export type ScheduleSpec = Static<typeof ScheduleSpec>

/**
 * For a time: `maintenance` keeps quiet about every cause of its subject, or sets the testimony of its vantage aside; `accept` keeps quiet about the causes that
 * it lists. All end by themselves.
 */
export const ExceptionSpec = Type.Object({
  effect: Type.Enum(['maintenance', 'accept']),
  domain: Type.Optional(DomainName),
  peer: Type.Optional(DomainName),
  vantage: Type.Optional(Name),
  causes: Type.Optional(Type.Array(Type.Enum([...CAUSES]), { minItems: 1, maxItems: CAUSES.length, uniqueItems: true })),
  from: Type.Optional(Time),
  until: Time,
  reason: Text(400),
  ticket: Type.Optional(Text(100)),
}, closed)
export type ExceptionSpec = Static<typeof ExceptionSpec>

/** The federation service on a host where an agent stands. What a hook runs is in a file on that host; here is only which hooks may be asked for. */
export const ManagedServerSpec = Type.Object({
  vantage: Name,
  agent: Type.Optional(Name),
  domains: Type.Array(DomainName, { minItems: 1, maxItems: 64 }),
  hooks: Type.Array(Type.Enum(['status', 'start', 'stop', 'reload']), { minItems: 1, maxItems: 4, uniqueItems: true }),
  note: Type.Optional(Text(1000)),
}, closed)
export type ManagedServerSpec = Static<typeof ManagedServerSpec>

/** Every kind: its plural in paths, the schema of its spec, and how its resources are named. */
export const KINDS = {
  Domain: { path: 'domains', spec: DomainSpec, name: DomainName },
  Peer: { path: 'peers', spec: PeerSpec, name: DomainName },
  Vantage: { path: 'vantages', spec: VantageSpec, name: Name },
  Schedule: { path: 'schedules', spec: ScheduleSpec, name: Name },
  Exception: { path: 'exceptions', spec: ExceptionSpec, name: Name },
  ManagedServer: { path: 'managed-servers', spec: ManagedServerSpec, name: Name },
  Gateway: { path: 'gateways', spec: GatewaySpec, name: Name },
  Policy: { path: 'policies', spec: PolicySpec, name: Name },
  Route: { path: 'routes', spec: RouteSpec, name: Name },
} as const

export type Specs = {
  Domain: DomainSpec, Peer: PeerSpec, Vantage: VantageSpec, Schedule: ScheduleSpec, Exception: ExceptionSpec, ManagedServer: ManagedServerSpec,
  Gateway: GatewaySpec, Policy: PolicySpec, Route: RouteSpec,
}
export type Kind = keyof Specs

/** `revision`: that of the whole configuration when this resource last changed. */
export type Resource<K extends Kind = Kind> = { [L in K]: { kind: L, name: string, spec: Specs[L], revision: number, updatedAt: string, updatedBy: string } }[K]

const kept = <K extends Kind>(kind: K) => Type.Object({
  kind: Type.Literal(kind), name: KINDS[kind].name, spec: KINDS[kind].spec, revision: Type.Integer({ minimum: 1 }), updatedAt: Time, updatedBy: Type.String(),
}, closed)
/** A resource as it is kept and served. */
export const AnyResource = Type.Union([
  kept('Domain'), kept('Peer'), kept('Vantage'), kept('Schedule'), kept('Exception'), kept('ManagedServer'), kept('Gateway'), kept('Policy'), kept('Route'),
])

/** The whole configuration: one document, so that a change of many resources is one write, with one revision. */
export const Configuration = Type.Object({ v: Type.Literal(1), resources: Type.Array(AnyResource) }, closed)
export type Configuration = { v: 1, resources: Resource[] }
/** Where control keeps it, under `CONFIGURATION_KEY`. What a newer release wrote beside what is known here is kept when it is written back. */
export const ConfigurationDocument = { bucket: 'configuration', schema: Configuration, keepsUnknown: true } as const
export const CONFIGURATION_KEY = 'fleet'
