/**
 * What answers at the address of control before control can: that the process lives, that it is not ready and why, and 503 to all else. So whoever looks
 * after the process sees one that waits for its bus, and not one that hangs.
 */
import { NO_LOGGER, NO_METER, OperatorError, type Stoppable } from '@dialtone/kernel'
import type { ControlConfig } from './config.ts'
import { healthRoutes, type HealthNeeds } from './health.ts'
import { refusal } from './problem.ts'
import { createServer, type App } from './server.ts'

/** `port`: where it listens, also where the configuration says 0. `stop` frees it. */
export type Waiting = Stoppable & { port: number }

/** `reached`: whether the bus is. Throws an OperatorError where the address or the certificate cannot be used. */
export async function answerMeanwhile ({ config, reached, exposition }: { config: ControlConfig, reached: () => boolean, exposition: HealthNeeds['exposition'] }): Promise<Waiting> {
  const busy = () => reached()
    ? refusal('starting', 'Send it again in a moment: control starts, and reads what is there.', { retryAfterSeconds: 2 })
    : refusal('bus-unreachable', 'Control starts when it reaches the bus, which is away: start the bus, or see in the log of control why it is not reached.', { retryAfterSeconds: 5 })
  const { app } = await createServer({
    config, meter: NO_METER, logger: NO_LOGGER,
    tokens: {
      authenticate: async request => { if (request.is404 || request.routeOptions.config.role !== 'anyone') throw busy() },
      tokens: () => [],
    },
  })
  healthRoutes(app, {
    exposition,
    readiness: () => [
      { name: 'bus', ok: reached(), needed: true, says: reached() ? 'reached' : 'away: control starts when it is reached' },
      { name: 'start', ok: false, needed: true, says: 'control has not started yet' },
    ],
  })
  await listen(app, config)
  const address = app.server.address()
  let stopping: Promise<void> | undefined
  return {
    port: typeof address === 'object' && address !== null ? address.port : config.listen.port,
    stop: () => stopping ??= (async () => {
      const closing = app.close()
      app.server.closeAllConnections()
      await closing
    })(),
  }
}

/** Listens where the configuration says; answers the URL. Throws an OperatorError where that cannot be. */
export async function listen (app: Pick<App, 'listen'>, { listen: { address, port } }: ControlConfig): Promise<string> {
  try {
    return await app.listen({ host: address, port })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') throw new OperatorError('cannot-listen', `Port ${port} of ${address} is taken: stop what listens there, or give control another listen.port.`)
    if (code === 'EADDRNOTAVAIL' || code === 'EACCES') throw new OperatorError('cannot-listen', `Control cannot listen on ${address} port ${port} (${code}): give it another listen.address or listen.port.`)
    throw error
  }
}
