/**
 * What a gateway's configuration says that can never work, or hardly means what it says (gateways.md 5.12), explained to who has to mend it. Pure. Control asks it before a
 * resource is taken, a gateway before it works by an assignment. What only the files behind references tell (strength of secrets, names in certificates) is told at load.
 */
import type { GatewayAssignment, LintFinding } from '@dialtone/contracts'
import { addressRules } from './addresses.ts'
import { policyRules } from './policies.ts'
import { responderRules } from './responders.ts'
import { routeRules } from './routes.ts'
import type { GatewaySubject, LintRule } from './subject.ts'
import { zoneRules } from './zones.ts'

const RULES: readonly LintRule[] = [addressRules, zoneRules, responderRules, policyRules, routeRules]

/** Findings on resources, with pointers into them. `now`: milliseconds since the epoch. */
export function * lintGateways (subject: GatewaySubject, now: number): Generator<LintFinding> {
  for (const rule of RULES) yield * rule(subject, now)
}

/** The same of one assignment, with pointers into it; where an error is, the gateway keeps what it has. */
export function lintAssignment ({ gateway, spec, policies, routes, domains, peers }: GatewayAssignment, now: number): { level: LintFinding['level'], code: string, pointer: string, says: string }[] {
  const named = <T>(record: Readonly<Record<string, T>>) => Object.entries(record).map(([name, each]) => ({ name, spec: each })).toSorted((a, b) => a.name < b.name ? -1 : 1)
  const subject: GatewaySubject = { gateways: [{ name: gateway, spec }], policies: named(policies), routes: named(routes), domains: named(domains), peers: named(peers), complete: false }
  return [...lintGateways(subject, now)].map(({ level, code, resource = '', pointer = '', says }) => ({ level, code, pointer: placeIn(resource, pointer), says }))
}

const PLACES: Readonly<Record<string, string>> = { Policy: 'policies', Route: 'routes', Domain: 'domains', Peer: 'peers' }

/** From a place in a resource to the one in the assignment that was made of it. */
function placeIn (resource: string, pointer: string): string {
  const [kind = '', name = ''] = resource.split('/')
  const place = PLACES[kind]
  return place === undefined ? pointer : `/${place}/${name}${pointer.replace(/^\/spec/, '')}`
}
