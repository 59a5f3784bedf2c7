// What goes wrong at the firewall: the translation of the seed's port, the way out, the way back in.
import { AT, NOBODY, PUBLIC, RESOLVERS } from '../world/places.ts'
import { defineBreak, type Doing } from './define.ts'

const translated = (...rules: readonly string[]): Doing => ({ firewall, by }) => firewall.parts.pat.lay(by, rules)
const toAgent = `ip daddr ${PUBLIC.agent} tcp dport 5269 dnat ip to ${AT.inside}:5269`
const ours = (to: string): Doing => translated(`ip daddr ${PUBLIC.ours} tcp dport 5269 dnat ip to ${to}:5269`, toAgent)
/** Of the inside network; what the gateway sends goes on. */
const outbound = (verdict: string): Doing => ({ firewall, by }) => firewall.parts.federation.lay(by, [`ip saddr 10.10.0.0/16 counter name deny-out-5269 ${verdict}`, 'counter name pass-out-5269 accept'])

export const FIREWALL_BREAKS = [
  defineBreak('pat', 'the translation of port 5269 is gone: the firewall drops what comes for our public address', translated(toAgent)),
  defineBreak('pat-wrongip', 'port 5269 is translated to an inside address that nobody has', ours(NOBODY.inside)),
  defineBreak('pat-closed', 'port 5269 is translated to an inside host where nothing listens', ours(RESOLVERS.inside)),
  defineBreak('pat-wronghost', 'port 5269 is translated to another XMPP server inside, which does not serve our domain', ours(AT.edge),
    ({ firewall, by }) => firewall.parts.path.lay(by, [`ip daddr ${AT.edge} ct status dnat accept`])),
  defineBreak('secrets', 'port 5269 is translated to a second node of our server, which has another dialback secret', ({ servers, by }) => servers.differences.second.lay(by, {}), ours(AT.second)),
  defineBreak('outbound', 'the firewall drops what the inside sends to port 5269', outbound('drop')),
  defineBreak('outbound-reject', 'the firewall refuses what the inside sends to port 5269', outbound('reject with tcp reset')),
  defineBreak('hairpin', 'the firewall refuses, where it dropped before, what the inside sends to our own public address; nobody else notices', ({ firewall, by }) => firewall.parts.hairpin.lay(by, ['reject with tcp reset'])),
] as const
