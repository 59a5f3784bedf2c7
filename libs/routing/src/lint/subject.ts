/** What the linter looks at: gateways with the policies, routes and places of domains that they work by. Pure data, in the shapes of the resources. */
import type { Endpoint, GatewaySpec, LintFinding, PolicySpec, RouteSpec, ZoneSpec } from '@dialtone/contracts'

export type Named<T> = { readonly name: string, readonly spec: T }

export type GatewaySubject = {
  readonly gateways: readonly Named<GatewaySpec>[]
  readonly policies: readonly Named<PolicySpec>[]
  readonly routes: readonly Named<RouteSpec>[]
  /** Domains of ours and where their servers are. */
  readonly domains: readonly Named<{ internal?: readonly Endpoint[], allowNets?: readonly string[] }>[]
  readonly peers: readonly Named<{ endpoints?: readonly Endpoint[], allowNets?: readonly string[] }>[]
  /** Whether `gateways` are all that there are: then a name that is not among them leads nowhere. A gateway knows of itself alone. */
  readonly complete: boolean
}

/** Findings of one family; `now` in milliseconds since the epoch. */
export type LintRule = (subject: GatewaySubject, now: number) => Iterable<LintFinding>

export function finding (level: LintFinding['level'], code: string, resource: string, pointer: string, says: string): LintFinding {
  return { level, code, resource, pointer, says: `${resource}: ${says}` }
}

/** The gateways that a policy or route is for. */
export function gatewaysOf ({ gateways: all }: GatewaySubject, { gateways }: { gateways?: readonly string[] }): readonly Named<GatewaySpec>[] {
  return gateways === undefined ? all : all.filter(({ name }) => gateways.includes(name))
}

export function zonesOf ({ zones = [] }: GatewaySpec): readonly ZoneSpec[] {
  return zones
}

/** The patterns that make domains inside ones, with the places where they are written. */
export function insidePatterns (spec: GatewaySpec): { pattern: string, zone: string, pointer: string }[] {
  return zonesOf(spec).flatMap(({ side, name, domains = [], components }, at) => side === 'external'
    ? []
    : [
        ...domains.map((pattern, i) => ({ pattern, zone: name, pointer: `/spec/zones/${at}/domains/${i}` })),
        ...Object.keys(components?.accept?.domains ?? {}).map(pattern => ({ pattern, zone: name, pointer: `/spec/zones/${at}/components/accept/domains/${pattern}` })),
      ])
}
