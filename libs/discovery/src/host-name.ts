/**
 * What an SRV target, or the host of an override, is: a host name, or what it is instead (RFC 2782, RFC 1123 §2.1). DNS carries any octets, so a
 * target is hostile until it is known to be a name. Says nothing about whether the name has an address.
 */
import { addressBytes } from './address.ts'

/** `localhost` and `address` are names that can be asked for, and lead nowhere useful; the other two are no names at all. */
export type TargetProblem = 'address' | 'localhost' | 'unicode' | 'not-a-name'

/** A literal IPv4 or IPv6 address, without brackets. */
export function isAddress (host: string): boolean {
  return addressBytes(host) !== undefined
}

/** What is wrong with an SRV target, or undefined for a host name. The underscore is tolerated: it is wrong and in use. */
export function targetProblem (target: string): TargetProblem | undefined {
  if (isAddress(target)) return 'address'
  if (/[^\0-\x7F]/.test(target)) return 'unicode'
  if (target.length > 253 || !target.split('.').every(label => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label))) return 'not-a-name'
  return target === 'localhost' || target.endsWith('.localhost') || /^localhost\d*\.localdomain\d*$/.test(target) ? 'localhost' : undefined
}

/** Whether asking for the name can give anything: no question is sent for octets that are no host name. */
export function canBeAsked (target: string): boolean {
  const problem = targetProblem(target)
  return problem === undefined || problem === 'localhost' || (problem === 'address' && !target.includes(':'))
}
