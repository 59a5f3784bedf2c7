import type { Bus } from '@dialtone/contracts'
import { refusal } from '../http/problem.ts'

/** Throws the Refusal of a command that needs agents while the bus is away. */
export function reachable (bus: Pick<Bus, 'connected'>): void {
  if (!bus.connected) throw refusal('bus-unreachable', 'Agents cannot be asked while the bus is away; try again when /readyz says that it is back.', { retryAfterSeconds: 5 })
}
