/** Which blocks that are not public may be connected to, because they were configured. */
import { isIP } from 'node:net'
import { guarded } from '@dialtone/net'
import type { Endpoint } from '@dialtone/contracts'

/** What was configured may be connected to, although it is private: exactly that, and the blocks that the operator named. */
export function nets ({ allowNets = [] }: { allowNets?: string[] }, addresses: readonly string[]): string[] {
  const wild = new Set(['0.0.0.0', '::'])
  return [...new Set([...allowNets, ...addresses.filter(address => !wild.has(address) && guarded(address, allowNets) !== undefined).map(address => `${address}/${isIP(address) === 6 ? 128 : 32}`)])]
}

/** The addresses among the hosts of endpoints; of a name, what may be connected to is decided when it is looked up. */
export function hosts (endpoints: readonly Endpoint[]): string[] {
  return endpoints.map(({ host }) => host).filter(host => isIP(host) !== 0)
}
