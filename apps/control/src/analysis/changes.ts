/**
 * What an observation shows that people care about when it changes: records, addresses, certificate, features, software. Each as a plain value, or absent where
 * nothing was seen of it: a time-out changes no record.
 */
import { hash } from 'node:crypto'
import { leafOf } from '@dialtone/checks'
import type { ChangeView, EndpointObservation, Observation } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import type { Store } from '@dialtone/store'
import { iso } from './board.ts'
import type { Taken } from './taken.ts'

type Kind = Exclude<ChangeView['kind'], 'note' | 'gateway'>
type Facts = Partial<Record<Kind, unknown>>

/** As many values of a list as are kept; what is more is only counted. */
const MOST = 32

/** What this vantage sees otherwise than it last did, put on record. What it sees for the first time is no change. */
export function noteChanges (journal: Store['journal'], { record: { id, vantage, observation }, heard }: Taken): ChangeView[] {
  return (Object.entries(factsOf(observation)) as [Kind, unknown][]).flatMap(([kind, value]) => {
    const key = `${observation.domain} ${vantage} ${kind}`
    const [before, after] = [journal.fact(key), JSON.stringify(value)]
    if (before === after) return []
    journal.setFact(key, after)
    if (before === undefined) return []
    const change: ChangeView = { id: hash('sha256', `${key} ${id}`).slice(0, 24), at: iso(heard), domain: observation.domain, vantage, kind, what: WHAT[kind], before: JSON.parse(before) as unknown, after: value }
    journal.change(change)
    return [change]
  })
}

function factsOf (observation: Observation): Facts {
  const services = observation.dns.filter(({ purpose }) => purpose === 'xmpp-server' || purpose === 'xmpps-server')
  const hosts = observation.dns.filter(({ purpose }) => purpose === 'target' || purpose === 'fallback')
  const through = observation.endpoints.find(worked)
  const software = observation.deep?.connections.find(connection => connection.software !== undefined && connection.of === 'peer')?.software
  return {
    // All of them or nothing: half an answer is no change.
    ...(services.length > 0 && services.every(told) ? { records: bounded(services.flatMap(({ records }) => records.flatMap(r => r.type === 'SRV' ? [`${r.priority} ${r.weight} ${r.port} ${quoted(r.target, 253)}`] : []))) } : {}),
    ...(hosts.length > 0 && hosts.every(told) ? { addresses: bounded(hosts.flatMap(({ records }) => records.flatMap(r => r.type === 'A' || r.type === 'AAAA' ? [r.address] : []))) } : {}),
    ...(through === undefined ? {} : { ...certificateOf(through, observation), ...featuresOf(through) }),
    ...(software === undefined ? {} : { software: { name: quoted(software.name, 100), ...(software.version === undefined ? {} : { version: quoted(software.version, 100) }) } }),
  }
}

/** Of what kind it is, in words. */
const WHAT: Readonly<Record<Kind, string>> = { records: 'SRV records', addresses: 'addresses of the servers', certificate: 'certificate', features: 'stream features', software: 'software' }

function told ({ outcome }: Observation['dns'][number]): boolean {
  return outcome === 'answer' || outcome === 'nodata' || outcome === 'nxdomain'
}

function worked ({ source, steps }: EndpointObservation): boolean {
  return source !== 'port-probe' && steps.every(({ stage, outcome }) => stage === 'close' || outcome !== 'failed') && steps.some(({ stage, outcome }) => stage === 'features' && outcome === 'ok')
}

function certificateOf (endpoint: EndpointObservation, observation: Observation): Facts {
  const [sha256] = endpoint.chain?.sent ?? []
  if (sha256 === undefined) return {}
  const facts = leafOf(endpoint, observation)
  return { certificate: { sha256, ...(facts === undefined ? {} : { notBefore: time(facts.notBefore), notAfter: time(facts.notAfter) }) } }
}

function time (at: number): string {
  return Number.isFinite(at) && Math.abs(at) < 8.64e15 ? new Date(at).toISOString() : 'unreadable'
}

function featuresOf ({ features, featuresAgain }: EndpointObservation): Facts {
  const seen = featuresAgain ?? features
  if (seen === undefined) return {}
  const { starttls, mechanisms, dialback, dialbackErrors, bidi, streamManagement, other } = seen
  return { features: { starttls, mechanisms: bounded(mechanisms), dialback, dialbackErrors, bidi, streamManagement, other: bounded(other) } }
}

function bounded (values: readonly string[]): string[] {
  const all = [...new Set(values)].sort().map(value => quoted(value, 300))
  return all.length <= MOST ? all : [...all.slice(0, MOST), `and ${all.length - MOST} more`]
}
