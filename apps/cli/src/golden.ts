// What a scenario is expected to show, without what differs from run to run: times, ports, ids, keys.
import type { Report } from '@dialtone/contracts'

/** Fields whose value is a time, a length or an id of this run alone. */
const RUN_ONLY = new Set(['ms', 'atMs', 'sentAtMs', 'startedAtMs', 'waitedMs', 'streamId', 'strangeId', 'startedAt', 'received', 'id', 'ttl', 'negativeTtl'])
const RESOLVER = /\b127(?:\.\d+){3}:\d+\b/g

/**
 * The part of a report that is the same in every run on every machine: outcomes, sentences, records, headers, features, failures.
 * Certificates and DNS messages appear as `certificate-1`, `message-1`… in the order of their first use.
 */
export function goldenOf (report: Report): unknown {
  const names = new Map<string, string>()
  const ports = new Map<string, string>()
  const { observation, ...rest } = report
  const { certificates: _certificates, messages: _messages, ...seen } = observation
  const dns = [...seen.dns].sort((a, b) => key(a) < key(b) ? -1 : 1)
  return stable({ ...rest, observation: { ...seen, dns } }, text => masked(text, names, ports))
}

function key ({ purpose, name, type }: { purpose: string, name: string, type: string }): string {
  return [purpose, name, type].join(' ')
}

function stable (value: unknown, mask: (text: string) => string): unknown {
  if (typeof value === 'string') return mask(value)
  if (Array.isArray(value)) return value.map(entry => stable(entry, mask))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).flatMap(([name, entry]) =>
    RUN_ONLY.has(name) && !(name === 'id' && typeof entry === 'string' && entry.includes('/')) ? [] :
      name === 'port' || name === 'fallbackPort' ? [[name, entry === 0 ? 0 : mask(`:${String(entry)}`)]] :
        name === 'message' ? [] : [[name, stable(entry, mask)]]))
}

function masked (text: string, names: Map<string, string>, ports: Map<string, string>): string {
  return text
    .replace(/\b[0-9a-f]{64}\b/g, digest => named(names, digest, 'certificate'))
    .replace(RESOLVER, address => address.replace(/:\d+$/, port => named(ports, port, ':port')))
    .replace(/:(\d{4,5})\b/g, port => named(ports, port, ':port'))
    .replace(/\b_(\d{4,5})(?=\._tcp)/g, (_, port: string) => `_${named(ports, `:${port}`, ':port').slice(1)}`)
    .replace(/(\bport|-p) (\d{4,5})\b/g, (_, word: string, port: string) => `${word} ${named(ports, `:${port}`, ':port').slice(1)}`)
    .replace(/\b\d+ bytes\b/g, '… bytes')
    .replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'random')
    .replace(/\bid='[^']*'/g, "id='…'")
    .replace(/\b[a-z0-9]{12,}\.invalid\b/g, 'random.invalid')
    .replace(/\b\d+(?:\.\d+)? (?:ms|s)\b/g, '… ms')
    .replace(/\b20\d\d-\d\d-\d\d(?:T[\d:.]+Z)?\b/g, 'DATE')
}

function named (known: Map<string, string>, value: string, kind: string): string {
  const name = known.get(value) ?? `${kind}-${known.size + 1}`
  known.set(value, name)
  return name
}
