// By what strangers are counted.
import { addressBytes } from '@dialtone/discovery'

/** One host, however its address is written. */
export function hostOf (address: string): string {
  return addressBytes(address)?.join('.') ?? address
}

/** Who has one IPv6 address has a network of them (RFC 6177): all of a /64 are one. */
export function networkOf (address: string): string {
  const bytes = addressBytes(address)
  return bytes === undefined ? address : bytes.slice(0, bytes.length === 4 ? 4 : 8).join('.')
}
