// By what strangers are counted.
import { BlockList, isIP } from 'node:net'
import { addressBytes } from '@dialtone/discovery'
import { parseCidr } from './address-guard.ts'

/** One host, however its address is written. */
export function hostOf (address: string): string {
  return addressBytes(address)?.join('.') ?? address
}

/** Who has one IPv6 address has a network of them (RFC 6177): all of a /64 are one. */
export function networkOf (address: string): string {
  const bytes = addressBytes(address)
  return bytes === undefined ? address : bytes.slice(0, bytes.length === 4 ? 4 : 8).join('.')
}

/** Whether an address is in one of these blocks (CIDR); IPv4 inside IPv6 is what it is. Built once for a list. Throws OperatorError where one is no block. */
export function withinNets (nets: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const net of nets) {
    const { address, prefix, family } = parseCidr(net)
    list.addSubnet(address, prefix, family)
  }
  return address => isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
