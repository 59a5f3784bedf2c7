// The agent of one vantage, in this process.
import { join } from 'node:path'
import type { Bus } from '@dialtone/contracts'
import type { Stoppable } from '@dialtone/kernel'
import { type LogLevel, type Telemetry } from '@dialtone/telemetry'

export type AgentOf = { vantage: string, bus: Bus, telemetry: Telemetry, level: LogLevel, dir: string, signal: AbortSignal }

export async function startAgent ({ vantage, dir }: AgentOf): Promise<Stoppable> {
  void join(dir, 'agents', vantage)
  return { stop: async () => undefined }
}
