// The fleet of the benchmark: one domain of ours, many peers, one vantage inside and two outside.
import { createHash } from 'node:crypto'
import type { ConfigurationView, Kind, Lease, Observation, ObservationRecorded, Resource } from '@dialtone/contracts'
import { DOMAIN } from '@dialtone/zoo'

export const OURS = 'ours.example'
export const VANTAGES = ['inside', 'north', 'south'] as const
export type Vantage = (typeof VANTAGES)[number]

export function peerName (n: number): string {
  return `peer${n}.bench.example`
}

/** The observation of a template as one of this peer, from this vantage: with names, certificates, ids and DNS messages of its own. */
export function observationOf (template: string, peer: string, vantage: Vantage, startedAt: string, nonce: string): ObservationRecorded {
  const own = createHash('sha256').update(peer).digest('hex')
  const text = template.replaceAll(DOMAIN, peer)
    // Digests of certificates: the same from every vantage. Their last bytes are of the signature, which nobody checks here.
    .replaceAll(/"([0-9a-f]{64})"(?=:\{"der")/g, (_, digest: string) => `"${mixed(digest, own)}"`)
    .replaceAll(/"(?:sent|path)":\[[^\]]*\]/g, list => list.replaceAll(/[0-9a-f]{64}/g, digest => mixed(digest, own)))
    .replaceAll(/("der":"[A-Za-z0-9+/]+)[A-Za-z0-9+/]{8}(={0,2}")/g, (_, start: string, end: string) => `${start}${own.slice(0, 8)}${end}`)
    .replaceAll(/id='[^']*'/g, `id='${nonce}'`)
  const observation = JSON.parse(text) as Observation
  const messages = Object.fromEntries(Object.entries(observation.messages).map(([name, message]) => [name, `${Buffer.from(nonce).toString('base64').slice(0, 4)}${message.slice(4)}`]))
  const inside = vantage === 'inside'
  return {
    v: 1, id: `${vantage}-${nonce}`, agent: `${vantage}-1`, vantage, target: inside ? `peer:${peer}:${OURS}` : `control:${peer}`, job: inside ? 'peer' : 'control', ...(inside ? { ours: OURS } : {}),
    observation: { ...observation, vantage, startedAt, messages, asked: { ...observation.asked, ...(inside ? { as: OURS } : {}) } },
  }
}

function mixed (digest: string, own: string): string {
  return own.slice(0, 32) + digest.slice(32)
}

export function configurationOf (peers: number): ConfigurationView {
  const about = { revision: 1, updatedAt: '2026-01-01T00:00:00Z', updatedBy: 'bench' }
  const resources: { [K in Kind]?: Map<string, Resource> } = {
    Domain: new Map([[OURS, { kind: 'Domain', name: OURS, spec: {}, ...about }]]),
    Vantage: new Map(VANTAGES.map(name => [name, { kind: 'Vantage', name, spec: { side: name === 'inside' ? 'inside' : 'outside' }, ...about }])),
    Peer: new Map(Array.from({ length: peers }, (_, n) => [peerName(n), { kind: 'Peer', name: peerName(n), spec: {}, ...about }])),
  }
  return {
    revision: 1,
    all: kind => [...resources[kind]?.values() ?? []] as never,
    get: (kind, name) => resources[kind]?.get(name) as never,
    onChange: () => () => undefined,
  }
}

export const NO_LEASE: Lease = { held: false, token: 0, onChange: () => () => undefined }
