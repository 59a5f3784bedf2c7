/** The whole API on one server: every route of control, in the order in which the documentation shows them. */
import type { Clock, Logger, Meter } from '@dialtone/kernel'
import { checkRoutes } from '../commands/check-routes.ts'
import type { Checks } from '../commands/checks.ts'
import { desiredRoutes } from '../commands/desired.ts'
import { fleetRoutes } from '../commands/fleet.ts'
import { gatewayActRoutes } from '../commands/gateway-acts.ts'
import { gatewayWantRoutes } from '../commands/gateway-wants.ts'
import { hookRoutes } from '../commands/hook-routes.ts'
import type { CommandNeeds } from '../commands/needs.ts'
import { noteRoutes } from '../commands/note.ts'
import type { Hub } from '../live/hub.ts'
import { eventRoutes } from '../live/routes.ts'
import { agentRoutes } from '../queries/agents.ts'
import { gatewayRoutes } from '../queries/gateways.ts'
import { historyRoutes } from '../queries/history.ts'
import type { QueryNeeds } from '../queries/needs.ts'
import { observationRoutes } from '../queries/observations.ts'
import { overviewRoutes } from '../queries/overview.ts'
import { searchRoutes } from '../queries/search.ts'
import { statusRoutes } from '../queries/status.ts'
import { vocabularyRoutes } from '../queries/vocabulary.ts'
import { runbookRoutes } from '../runbooks/routes.ts'
import type { ControlConfig } from './config.ts'
import { docs } from './docs.ts'
import { healthRoutes, type HealthNeeds } from './health.ts'
import { validity, type Tokens } from './seams.ts'
import { createServer, type App, type Server } from './server.ts'

export type ApiNeeds = {
  config: Pick<ControlConfig, 'limits' | 'tls' | 'proxies'>
  tokens: Tokens
  queries: QueryNeeds
  commands: CommandNeeds
  checks: Checks
  hub: Hub
  health: HealthNeeds
  meter: Meter
  logger: Logger
  clock: Clock
  /** Routes of the parts that look after resources, tokens and what else has routes of its own. */
  others: readonly ((app: App) => PromiseLike<unknown>)[]
}

/** Ready to listen, or to be asked by `inject`. */
export async function createApi ({ config, tokens, queries, commands, checks, hub, health, meter, logger, clock, others }: ApiNeeds): Promise<Server> {
  const server = await createServer({ config, tokens, meter, logger })
  const { app } = server
  await docs(app, queries.about)
  healthRoutes(app, health)
  runbookRoutes(app)
  vocabularyRoutes(app, queries)
  overviewRoutes(app, queries)
  statusRoutes(app, queries)
  historyRoutes(app, queries)
  observationRoutes(app, queries)
  agentRoutes(app, queries)
  gatewayRoutes(app, queries)
  searchRoutes(app, queries)
  eventRoutes(app, { hub, isValid: validity(tokens, clock.now) })
  checkRoutes(app, commands, checks)
  desiredRoutes(app, commands)
  fleetRoutes(app, commands)
  hookRoutes(app, commands)
  gatewayWantRoutes(app, commands)
  gatewayActRoutes(app, commands)
  noteRoutes(app, commands)
  for (const register of others) await register(app)
  await app.ready()
  return server
}
