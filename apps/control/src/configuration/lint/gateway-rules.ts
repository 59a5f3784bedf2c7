/** Gateways, policies and routes: what the gateways themselves say of a configuration, before they are told of it (libs/routing). */
import { lintGateways } from '@dialtone/routing'
import type { Rule } from './rule.ts'

export const gatewayRules: Rule = (resources, { now }) => lintGateways({
  gateways: resources.all('Gateway'), policies: resources.all('Policy'), routes: resources.all('Route'), domains: resources.all('Domain'), peers: resources.all('Peer'), complete: true,
}, now)
