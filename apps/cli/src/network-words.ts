// Network words on the command line, read by the adapter that will use them.
import { isIP } from 'node:net'
import { OperatorError } from '@dialtone/kernel'
import { systemResolver, toAscii, toHost, parseCidr } from '@dialtone/net'
import type { CheckRequest } from '@dialtone/ladder'

/** A domain as an operator writes it (U-labels, capitals, trailing dot) in A-label form. */
export function domainOf (text: string): string {
  try {
    return toAscii(text)
  } catch (error) {
    // Only a check is told where to connect.
    throw error instanceof OperatorError ? new OperatorError(error.code, error.message.replace(', and give the address with --endpoint', '')) : error
  }
}

/** The same for a command that takes `--endpoint`, and can say so. */
export function checkedDomainOf (text: string): string {
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
