// What our own gateways know of the server behind them: whoever connects to a gateway is answered, whether there is somebody to hand anything to or not.
import type { Fault } from '../faults.ts'
import { alive } from './compare.ts'
import type { Sides } from './own-rules.ts'
import type { Ruling } from './ruling.ts'
import { testifying } from './testimony.ts'

/** Gateways that wanted a stream to the server of a domain lately: those that got none, with the word for why, and those that have one. `forPeer`: it is known of what this one sends alone. */
export type InsideWays = { failing: readonly { gateway: string, reason: string, forPeer?: string }[], working: readonly string[] }

/** What comes for the domain does not get from a gateway of ours to its server. Degraded while another gateway gets through. */
export function serverBehind ({ failing, working }: InsideWays, { internal }: Sides): Ruling | undefined {
  if (failing.length === 0) return undefined
  const within = testifying(internal).filter(({ view, observation }) => view === 'works' || alive(observation))
  const [peer, ...peers] = new Set(failing.map(({ forPeer }) => forPeer))
  const state = working.length > 0 || (peer !== undefined && peers.length === 0) ? 'degraded' : 'down'
  const what = `our gateway gets no stream to the server behind it${state === 'degraded' && peer !== undefined ? ` for what ${peer} sends` : ''}`
  return {
    cause: 'service.down', agree: [], relevant: [], primary: [], state, confidence: within.length > 0 ? 'likely' : 'proved',
    says: within.length > 0 ? `${what}, which answers inside vantages` : what,
    proof: [
      ...failing.map(({ gateway, reason, forPeer }): Fault => ({ cause: 'service.down', text: `no stream to the server behind it${forPeer === undefined ? '' : ` for what ${forPeer} sends`}: ${reason}`, vantage: `gateway ${gateway}`, side: 'ours', hop: 'gateway', actor: 'gateway-operator' })),
      ...working.map((gateway): Fault => ({ cause: 'unknown', text: 'it has a stream to the server behind it', vantage: `gateway ${gateway}` })),
      ...within.map(({ standpoint: { vantage } }): Fault => ({ cause: 'unknown', text: 'the service answers inside', vantage })),
    ],
    remedy: [
      'From the host of the gateway, to the internal address of DOMAIN: nc -vz -w 2 ADDRESS 5269. Refused: start the server. No answer: a firewall between the two, or an address of the gateway that it does not expect.',
      'It connects: the log of the server for the same second; dialtone describe gateway NAME says why the stream ends.',
      'It is mended with the next stanza that gets through. To send one: dialtone run DOMAIN.',
    ],
  }
}

export const NO_WAYS: InsideWays = { failing: [], working: [] }
