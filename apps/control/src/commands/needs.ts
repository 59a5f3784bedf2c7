import type { Bus, ConfigurationView, ExceptionSpec, GatewaySpec, LiveEvent, Readings, ScheduleSpec, Target, VantageSpec } from '@dialtone/contracts'
import type { Clock, Logger, Meter } from '@dialtone/kernel'
import type { FastifyRequest } from 'fastify'
import type { Audit } from '../audit/audit.ts'
import type { Gateways } from '../live/gateways.ts'
import type { Presence } from '../queries/needs.ts'

/** One resource as it is to be; `change` is given the spec of now (undefined: there is none) and may be asked again when somebody else wrote meanwhile. */
export type Edit =
  | { kind: 'Vantage', name: string, change: (spec: VantageSpec | undefined) => VantageSpec }
  | { kind: 'Schedule', name: string, change: (spec: ScheduleSpec | undefined) => ScheduleSpec }
  | { kind: 'Gateway', name: string, change: (spec: GatewaySpec | undefined) => GatewaySpec }
  | { kind: 'Exception', name: string, change: (spec: ExceptionSpec | undefined) => ExceptionSpec }

/** What commands need of the rest of control. */
export type CommandNeeds = {
  bus: Bus
  readings: Readings
  configuration: ConfigurationView
  presence: Presence
  gateways: Gateways
  clock: Clock
  meter: Meter
  logger: Logger
  /** Tells live readers. */
  tell: (event: LiveEvent) => void
  /** `ready` before anything is done: throws a 503 where it could not be put on record. `record` afterwards: never rejects. */
  audit: Audit
  /** Writes, audited, over the revision that `change` saw. Resolves to the new revision and whether anything is different. `dryRun`: says it and writes nothing. */
  edit: (request: FastifyRequest, edit: Edit, why: { action: string, reason?: string, ticket?: string, dryRun: boolean }) => Promise<{ revision: number, changed: boolean }>
  /** What vantages have to check about a domain, or about a pair. */
  targetsOf: (domain: string, peer?: string) => { vantage: string, target: Target }[]
  /** Confirmations of verdicts begin anew: of a domain, a pair, or all. Answers how many subjects that are. */
  reset: (filter: { domain?: string, peer?: string }) => number
  limits: { checks: number }
  /** A new id, not to be guessed. */
  id: () => string
}
