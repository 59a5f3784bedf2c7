// A scenario for another domain than the one that it was written for, and with peers that conclude dialback, since a fleet asks for it.
import type { Script } from '../peer/steps.ts'
import { DOMAIN, type HostAddress, type Scenario } from '../scenario.ts'

/** What is acted, as `domain`. Where a script only waits for a goodbye, the peer does dialback first when it is asked to. */
export function enactedAs (domain: string, { records, hosts, resolver }: Pick<Scenario, 'records' | 'hosts' | 'resolver'>): Pick<Scenario, 'records' | 'hosts' | 'resolver'> {
  return renamed({
    records,
    hosts: hosts.map(({ name, addresses }) => ({ name, addresses: addresses.map(concluding) })),
    ...(resolver === undefined ? {} : { resolver }),
  }, domain)
}

function concluding (at: HostAddress): HostAddress {
  if (at === 'blackhole') return at
  const { family, ...scripts } = at
  return { ...(family === undefined ? {} : { family }), ...Object.fromEntries(Object.entries(scripts).map(([port, script]) => [port, withDialback(script)])) }
}

function withDialback (script: Script): Script {
  return script.at(-1)?.do === 'goodbye' ? [...script.slice(0, -1), { do: 'dialback', callbackTls: true }] : script
}

/** Scenarios are plain data: every string in them may name the domain. */
function renamed<T> (value: T, domain: string): T {
  const change = (part: unknown): unknown => {
    if (typeof part === 'string') return part.replaceAll(DOMAIN, domain)
    if (Array.isArray(part)) return part.map(change)
    if (typeof part === 'object' && part !== null) return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, change(inner)]))
    return part
  }
  return change(value) as T
}
