// Network words on the command line, read by the adapter that will use them.
import { isIP } from 'node:net'
import { systemResolver, toAscii, toHost, parseCidr } from '@dialtone/net'
import type { CheckRequest } from '@dialtone/ladder'

/** A domain as an operator writes it (U-labels, capitals, trailing dot) in A-label form. */
export function domainOf (text: string): string {
  return toAscii(text)
}

/** A host as an operator writes it: an address, or a name in A-label form. */
export function hostOf (text: string): string {
  return isIP(text) === 0 ? toHost(text) : text.toLowerCase()
}

/** A CIDR block, kept as text; refused here if it is none. */
export function parseAllowNet (text: string): string {
  parseCidr(text)
  return text
}

/** The resolver to ask. Its AD bit is believed only if the path to it is this host's own (RFC 4035 §4.9.3). */
export function resolverHere (given: { address: string, port: number } | undefined): CheckRequest['resolver'] {
  const resolver = given ?? systemResolver()
  return { ...resolver, trusted: resolver.address.startsWith('127.') || resolver.address === '::1' }
}
