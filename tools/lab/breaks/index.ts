// Everything that the lab can break, by layer. Each is healed by what it gives.
import { FIREWALL_BREAKS } from './firewall.ts'
import { NAME_BREAKS } from './names.ts'
import { PATH_BREAKS } from './path.ts'
import { PEER_BREAKS } from './peers.ts'
import { SERVER_BREAKS } from './servers.ts'

export const BREAKS = [...FIREWALL_BREAKS, ...NAME_BREAKS, ...SERVER_BREAKS, ...PEER_BREAKS, ...PATH_BREAKS] as const
export type BreakName = (typeof BREAKS)[number]['name']
