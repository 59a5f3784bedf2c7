/** What one gateway process is told when it starts. What it carries, for whom and by which rules comes from the bus, or from a file where there is none. */
import { Type, type Static } from 'typebox'
import { Address, Name, firstProblem } from '@dialtone/contracts/schemas'
import { OperatorError } from '@dialtone/kernel'

const closed = { additionalProperties: false }

export const GatewayConfig = Type.Object({
  gateway: Name,
  /** Keeps the last good configuration. For this gateway alone. */
  stateDirectory: Type.String({ minLength: 1, maxLength: 4096 }),
  /** Absent: nothing is served over HTTP. Loopback unless an address is given. */
  http: Type.Optional(Type.Object({ address: Type.Optional(Address), port: Type.Integer({ minimum: 0, maximum: 65_535 }) }, closed)),
  /** A `GatewayAssignment` as JSON: instead of the bus, or until it has one. */
  assignmentFile: Type.Optional(Type.String({ minLength: 1, maxLength: 4096 })),
}, closed)
export type GatewayConfig = Static<typeof GatewayConfig>

/** Throws an OperatorError that names the field. */
export function readConfig (value: unknown): GatewayConfig {
  const problem = firstProblem(GatewayConfig, value)
  if (problem !== undefined) throw new OperatorError('bad-configuration', `the configuration of the gateway cannot be used: ${problem.replace('schema is false', 'is not known: take it out')}`)
  return value as GatewayConfig
}
