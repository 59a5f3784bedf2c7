/** What one agent is told when it starts. Everything else comes from the bus. */
import { Type, type Static } from 'typebox'
import { Address, Name, SecretRef, firstProblem } from '@dialtone/contracts/schemas'
import { OperatorError } from '@dialtone/kernel'

const closed = { additionalProperties: false }

export const ProbeConfig = Type.Object({
  agent: Name,
  vantage: Name,
  /** What must outlive a restart: the assignment, the schedule, what is not delivered. For this agent alone. */
  stateDirectory: Type.String({ minLength: 1, maxLength: 4096 }),
  /** Absent: nothing is served over HTTP. Loopback unless an address is given. */
  http: Type.Optional(Type.Object({ address: Type.Optional(Address), port: Type.Integer({ minimum: 0, maximum: 65_535 }) }, closed)),
  /** Lets its bearer probe any domain through /probe. */
  token: Type.Optional(SecretRef),
  hooksFile: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
  limits: Type.Optional(Type.Object({
    parallel: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Checks at once; default 64' })),
    spoolMegabytes: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Default 4096' })),
    spoolObservations: Type.Optional(Type.Integer({ minimum: 100, maximum: 10_000_000, description: 'Default 1000000' })),
  }, closed)),
}, closed)
export type ProbeConfig = Static<typeof ProbeConfig>

/** The spool holds an hour of ten thousand targets that are checked each minute: 600,000 observations of 6 kB before they are compressed. */
export const PROBE_DEFAULTS = { parallel: 64, spoolMegabytes: 4096, spoolObservations: 1_000_000 } as const

/** Throws an OperatorError that names the field. */
export function readConfig (value: unknown): ProbeConfig {
  const problem = firstProblem(ProbeConfig, value)
  if (problem !== undefined) throw new OperatorError('bad-configuration', `the configuration of the agent cannot be used: ${problem.replace('schema is false', 'is not known: take it out')}`)
  return value as ProbeConfig
}
