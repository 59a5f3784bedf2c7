// A scenario for another domain than the one that it was written for, with peers that conclude what a fleet asks of them: EXTERNAL and dialback.
import type { Script } from '../peer/steps.ts'
import { DOMAIN, type HostAddress, type Scenario } from '../scenario.ts'

/** What is acted, as `domain`. Where a script only waits for a goodbye, the peer does dialback first when it is asked to, and takes the certificate that it asks for. */
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
  return { ...(family === undefined ? {} : { family }), ...Object.fromEntries(Object.entries(scripts).map(([port, script]) => [port, authenticating(script)])) }
}

function authenticating (script: Script): Script {
  if (script.at(-1)?.do !== 'goodbye') return script
  const secured = script.findIndex(step => step.do === 'tls')
  return [
    ...script.slice(0, -1).map((step, at) => step.do === 'features' && step.dialback !== undefined && secured >= 0 && at > secured ? { ...step, external: true as const } : step),
    { do: 'dialback', callbackTls: true },
  ]
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
