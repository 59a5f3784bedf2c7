// Knot DNS: authoritative for the zones of a test, signed where asked. It answers nothing else (REFUSED), so it is the server behind a
// resolver, and the resolver of a test only where that is the point.
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from './folder.ts'
import { launch, type RunningServer } from './launch.ts'
import { freePort, loopbackAddress, type Place } from './loopback.ts'

export type Zone = {
  /** 'partner.example', or '.' */
  name: string
  /** Lines of a zone file, names relative to the zone: '_xmpp-server._tcp SRV 0 5 5269 xmpp'. SOA and NS are added. */
  records: readonly string[]
  /** Signed with a key of its own (ECDSA P-256). */
  signed?: boolean
}

export type Knot = RunningServer & Place & {
  zones: readonly string[]
  /** The DS records of the signed zones, as a resolver takes them for trust anchors. */
  anchors: readonly string[]
  /** Publishes other records for one of its zones; resolves when they are served. Not for signed ones. */
  publish: (zone: string, records: readonly string[]) => Promise<void>
}

/** Seconds; short, because a test changes its mind. */
const TTL = 5

/** Starts it; ready when it answers TCP, and with signed zones when their keys are there. `keys`: a folder that holds them, for the next one, too. Default new ones. */
export async function startKnot ({ zones, keys, address = loopbackAddress(), port, namespace }: { zones: readonly Zone[], keys?: string, address?: string, port?: number, namespace?: string }): Promise<Knot> {
  const at = { address, port: port ?? await freePort(address) }
  const folder = makeFolder('knot')
  for (const name of ['run', 'db', 'db/keys']) mkdirSync(join(folder.path, name))
  const entries = zones.map(({ name, records, signed = false }, index) => {
    folder.write(`${index}.zone`, zoneFile(name, records))
    return `  - domain: ${name}\n    file: ${index}.zone\n${signed ? '    dnssec-signing: on\n    dnssec-policy: test\n' : ''}`
  })
  const file = folder.write('knot.conf', `server:
  listen: [ ${at.address}@${at.port} ]
  rundir: ${join(folder.path, 'run')}
  user: root:root
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stdout
    any: info
database:
  storage: ${join(folder.path, 'db')}
  kasp-db: ${keys ?? 'keys'}
policy:
  - id: test
    algorithm: ecdsap256sha256
    single-type-signing: on
    cds-cdnskey-publish: none
template:
  - id: default
    storage: ${folder.path}
    zonefile-sync: -1
    journal-content: none
zone:
${entries.join('')}`)
  const server = await launch({ name: 'knot', programs: [{ name: 'knotd', command: '/usr/sbin/knotd', args: ['-c', file], listens: [at], ...(namespace === undefined ? {} : { namespace }) }], folder })
  const anchors: string[] = []
  for (const zone of zones.filter(({ signed }) => signed)) {
    await server.logged(new RegExp(`\\[${zone.name.replaceAll('.', '\\.')}\\.\\] DNSSEC, successfully signed`))
    anchors.push(...delegationOf(file, zone.name))
  }
  let serial = 1
  const publish = async (zone: string, records: readonly string[]): Promise<void> => {
    const index = zones.findIndex(({ name }) => name === zone)
    if (index < 0) throw new Error(`no zone is called '${zone}'`)
    serial++
    folder.write(`${index}.zone`, zoneFile(zone, records, serial))
    for (const pid of server.pids) process.kill(pid, 'SIGHUP')
    await server.logged(new RegExp(`\\[${zone.replaceAll('.', '\\.')}\\.?\\] loaded, serial (\\d+|none) -> ${serial}\\b`))
  }
  return { ...server, ...at, zones: zones.map(({ name }) => name), anchors, publish }
}

function zoneFile (name: string, records: readonly string[], serial = 1): string {
  const origin = name.endsWith('.') ? name : `${name}.`
  return [`$ORIGIN ${origin}`, `$TTL ${TTL}`, `@ SOA ns hostmaster ${serial} 3600 600 86400 ${TTL}`, '@ NS ns', 'ns A 127.0.0.1', ...records].join('\n') + '\n'
}

function delegationOf (config: string, zone: string): string[] {
  const { status, stdout, stderr } = spawnSync('/usr/sbin/keymgr', ['-c', config, zone, 'ds'], { encoding: 'utf8', timeout: 5000 })
  const lines = stdout.split('\n').filter(line => line.includes(' DS ') && line.split(' ').includes('2'))
  if (status !== 0 || lines.length === 0) throw new Error(`keymgr gave no DS record for ${zone}: ${stderr}`)
  return lines.map(line => line.trim())
}
