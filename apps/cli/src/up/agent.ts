// The agent of one vantage, in this process.
import { rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Bus } from '@dialtone/contracts'
import { start, type Probe } from '@dialtone/probe'
import { createLogger, type LogLevel, type Telemetry } from '@dialtone/telemetry'

export type AgentOf = { vantage: string, bus: Bus, telemetry: Telemetry, level: LogLevel, dir: string }

/** Its state is below that of `up`; its metrics are exposed by control. */
export async function startAgent ({ vantage, bus, telemetry, level, dir }: AgentOf): Promise<Probe> {
  const stateDirectory = join(dir, 'agents', vantage)
  // What it had to do when it stopped: the bus is there, and has what it has to do now.
  await rm(join(stateDirectory, 'assignment.json'), { force: true })
  return await start({
    config: { agent: agentName(hostname()), vantage, stateDirectory }, bus, telemetry, logger: createLogger({ level, name: 'probe' }),
  })
}

/** A name of the contract's form, out of one of any. */
function agentName (host: string): string {
  const name = host.toLowerCase().split('.')[0]?.replaceAll(/[^a-z0-9-]+/g, '-').replaceAll(/^-+|-+$/g, '').slice(0, 63) ?? ''
  return name === '' ? 'agent' : name
}
