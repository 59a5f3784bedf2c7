/** The zone of a scenario, once its hosts have addresses and its ports have numbers. */
import { certificateFor } from './certificates/certificates.ts'
import type { ZoneRecord } from './dns/zone.ts'
import type { Scenario, ScenarioRecord } from './scenario.ts'
import type { RunningPeers } from './start-peers.ts'

const SERVICES = { 'xmpp-server': '_xmpp-server', 'xmpps-server': '_xmpps-server', jabber: '_jabber' } as const

/** Records as written, the addresses of the hosts, and an SOA where the domain has anything at all. */
export async function zoneRecords ({ records, hosts }: Pick<Scenario, 'records' | 'hosts'>, domain: string, peers: RunningPeers): Promise<ZoneRecord[]> {
  const addresses = peers.hosts.flatMap(({ name, addresses }) => addresses.map(({ address, family }): ZoneRecord => ({ name, type: family === 4 ? 'A' : 'AAAA', address })))
  const written = await Promise.all(records.map(record => toZoneRecord(record, domain, peers)))
  const exists = records.length + hosts.length > 0
  return [...(exists ? [{ name: domain, type: 'SOA', serial: 1 } as const] : []), ...written, ...addresses]
}

async function toZoneRecord (record: ScenarioRecord, domain: string, peers: RunningPeers): Promise<ZoneRecord> {
  switch (record.type) {
    case 'SRV': {
      const { service, port = 'usual', priority = 0, weight = 5 } = record
      const host = typeof record.target === 'string' ? record.target : record.target.addressOf
      const target = typeof record.target === 'string' ? host : peers.hosts.find(({ name }) => name === host)?.addresses[0]?.address ?? ''
      return { name: `${SERVICES[service]}._tcp.${domain}`, type: 'SRV', priority, weight, target, port: target === '.' ? 0 : peers.portOf(host, port) }
    }
    case 'TLSA': {
      const { spkiSha256 } = await certificateFor(record.certificate)
      return { name: `_${peers.portOf(record.host, record.port)}._tcp.${record.host}`, type: 'TLSA', usage: 3, selector: 1, matching: 1, data: spkiSha256 }
    }
    default: return record
  }
}
