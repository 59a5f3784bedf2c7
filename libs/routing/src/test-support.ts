/** Assignments written as what is different from a gateway 'gw' with an external zone and nothing else. */
import type { GatewayAssignment, PolicySpec, ZoneSpec } from '@dialtone/contracts'

export const OUTSIDE: ZoneSpec = { name: 'outside', side: 'external', listen: [{ address: '192.0.2.10', port: 5269 }] }

export function inside (...domains: string[]): ZoneSpec {
  return { name: 'inside', side: 'internal', listen: [{ address: '10.0.0.10', port: 5269 }], domains }
}

export function assignment (more: Partial<GatewayAssignment> = {}): GatewayAssignment {
  return { v: 1, revision: 1, gateway: 'gw', spec: { desired: 'running', zones: [OUTSIDE] }, policies: {}, routes: {}, domains: {}, peers: {}, ...more }
}

export function policy (ours: string, peer: string, more: Partial<PolicySpec> = {}): PolicySpec {
  return { ours, peer, action: 'allow', ...more }
}
