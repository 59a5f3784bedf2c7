// Which address families can leave this machine.
import { BlockList, isIPv6 } from 'node:net'
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os'

/**
 * IPv4 always; IPv6 if an interface has an address that routes to the world, or if the operator allows an IPv6 block that
 * needs no such address. Endpoints of a family that is missing here are marked as not tested, never as dead.
 */
export function usableFamilies (allowNets: readonly string[], interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces()): (4 | 6)[] {
  const linkOnly = new BlockList()
  linkOnly.addSubnet('fe80::', 10, 'ipv6')
  linkOnly.addSubnet('fc00::', 7, 'ipv6') // unique local: leads to a site's own machines, to no peer
  linkOnly.addAddress('::1', 'ipv6')
  const routes = Object.values(interfaces).flat().some(entry => entry?.family === 'IPv6' && !linkOnly.check(entry.address, 'ipv6'))
  const allowed = allowNets.some(block => isIPv6(block.split('/')[0] ?? ''))
  return routes || allowed ? [4, 6] : [4]
}
