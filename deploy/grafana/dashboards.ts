// All dashboards, in the order in which people need them.
import { AGENTS_AND_BUS } from './agents.ts'
import type { DashboardSpec } from './dashboard.ts'
import { FLEET } from './fleet.ts'
import { GATEWAY } from './gateway.ts'
import { PAIR_BOARD } from './pair.ts'

/** By the name of the file. */
export const DASHBOARDS: Readonly<Record<string, DashboardSpec>> = { fleet: FLEET, pair: PAIR_BOARD, gateway: GATEWAY, agents: AGENTS_AND_BUS }
