import { isIP } from 'node:net'
import { OperatorError } from '@dialtone/kernel'
import { toHost } from '@dialtone/net'

/** Why a string that looks like a domain is none, or undefined. */
export function notADomain (text: string): string | undefined {
  if (isIP(text) !== 0) return 'is an address, and a domain belongs here'
  try {
    const ascii = toHost(text)
    return ascii === text ? undefined : `must be written as '${ascii}'`
  } catch (error) {
    if (error instanceof OperatorError) return `is no domain: ${error.message.split(': ').slice(1).join(': ')}`
    throw error
  }
}
