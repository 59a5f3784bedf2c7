// One configured gateway, in this process.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bus } from '@dialtone/contracts'
import { start } from '@dialtone/gateway'
import type { Stoppable } from '@dialtone/kernel'
import { createLogger, type LogLevel, type Telemetry } from '@dialtone/telemetry'

export type GatewayHere = { gateway: string, bus: Bus, telemetry: Telemetry, level: LogLevel, dir: string }

/** Who presses Ctrl-C waits no longer than this for what is still on its way. */
const DRAIN_MS = 3000
/** So long the first configuration may take to come and to be tried. */
const TRIED_MS = 5000

/** Its state is below that of `up`; its metrics are exposed by control. */
export async function startGatewayHere ({ gateway, bus, telemetry, level, dir }: GatewayHere): Promise<Stoppable & { readonly problem?: string | undefined }> {
  const stateDirectory = join(dir, 'gateways', gateway)
  // What it had to do when it stopped: the bus is there, and has what it has to do now.
  await rm(join(stateDirectory, 'assignment.json'), { force: true })
  const running = await start({ config: { gateway, stateDirectory }, bus, telemetry, logger: createLogger({ level, name: 'gateway' }) })
  let timer: NodeJS.Timeout | undefined
  await Promise.race([running.tried, new Promise<void>(resolve => { timer = setTimeout(resolve, TRIED_MS) })])
  clearTimeout(timer)
  return {
    get problem () { return running.problem },
    stop: () => running.stop(AbortSignal.timeout(DRAIN_MS)),
  }
}
