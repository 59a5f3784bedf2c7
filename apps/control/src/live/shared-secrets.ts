/**
 * Gateways that are to answer callbacks for each other have the same dialback secret (XEP-0220 §2.4; gateways.md 5.9): their zones have one name, and the resources name the secret
 * by one reference. Whether what is behind that reference on each host is the same is told by the fingerprints of their presence.
 */
import type { GatewayPresence, Resource } from '@dialtone/contracts'

export type Known = { gateway: string, wanted: Resource<'Gateway'> | undefined, presence: GatewayPresence | undefined }
/** One zone, and the gateways whose secret for it is another. */
export type Differing = { zone: string, reference: string, gateways: string[] }

/** By gateway, where there is any. */
export function differingSecrets (all: Iterable<Known>): ReadonlyMap<string, Differing[]> {
  const shared = new Map<string, { gateway: string, zone: string, reference: string, print: string }[]>()
  for (const { gateway, wanted, presence } of all) {
    for (const zone of wanted?.spec.zones ?? []) {
      const reference = zone.secret ?? wanted?.spec.secret
      const print = presence?.secrets[zone.name]
      if (reference === undefined || print === undefined) continue
      const key = `${zone.name} ${reference}`
      const those = shared.get(key) ?? []
      shared.set(key, those)
      those.push({ gateway, zone: zone.name, reference, print })
    }
  }
  const differing = new Map<string, Differing[]>()
  for (const those of shared.values()) {
    if (new Set(those.map(({ print }) => print)).size < 2) continue
    for (const { gateway, zone, reference, print } of those) {
      const gateways = those.filter(other => other.print !== print).map(other => other.gateway).toSorted()
      differing.set(gateway, [...differing.get(gateway) ?? [], { zone, reference, gateways }])
    }
  }
  return differing
}

/** For an operator. */
export function differingSays ({ zone, reference, gateways }: Differing): string {
  return `the secret of its zone ${zone} is another than that of ${gateways.slice(0, 5).join(', ')}, though all take it from ${reference}: none of them can answer for a key that the other made; put the same file on each host, and reload`
}
