// What this machine is as a vantage: its name, and where it can listen.
import { hostname, networkInterfaces } from 'node:os'

/** The host's name, unless the operator gives another. */
export function vantageName (): string {
  return hostname().toLowerCase() || 'here'
}

/** Every address of this machine, IPv4 through it too; where there is no IPv6 at all, every IPv4 address. */
export function everyAddress (): string {
  return Object.values(networkInterfaces()).flat().some(entry => entry?.family === 'IPv6') ? '::' : '0.0.0.0'
}
