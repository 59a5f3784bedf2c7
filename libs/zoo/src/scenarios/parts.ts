// What most scenarios are made of.
import { HOST, type HostAddress, type Scenario, type ScenarioRecord } from '../scenario.ts'

/** SRV for the usual host, and one address of it. */
export function oneEndpoint (at: HostAddress): Pick<Scenario, 'records' | 'hosts'> {
  return { records: [USUAL_SRV], hosts: [{ name: HOST, addresses: [at] }] }
}

/** Two SRV targets of different priority, one address each. */
export function twoEndpoints (first: HostAddress, second: HostAddress): Pick<Scenario, 'records' | 'hosts'> {
  return {
    records: [USUAL_SRV, { type: 'SRV', service: 'xmpp-server', target: SECOND_HOST, priority: 10 }],
    hosts: [{ name: HOST, addresses: [first] }, { name: SECOND_HOST, addresses: [second] }],
  }
}

export const SECOND_HOST = 'xmpp2.partner.example'
export const USUAL_SRV: ScenarioRecord = { type: 'SRV', service: 'xmpp-server', target: HOST }

export const RESOLVER_ONLY = { none: 'what is wrong is in the DNS or the network; no XMPP server takes part' }
export const NOT_WITH_THESE = { none: 'none of the three servers breaks the protocol like this, whatever its configuration' }
