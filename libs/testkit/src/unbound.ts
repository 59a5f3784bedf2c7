// Unbound: a validating resolver as an operator has one, which knows the zones of a test and nothing else. It sets AD for what it has
// validated and answers SERVFAIL with an extended error for what it could not.
import { makeFolder } from './folder.ts'
import { launch, type RunningServer } from './launch.ts'
import { freePort, loopbackAddress, type Place } from './loopback.ts'

export type UnboundOptions = {
  /** Where each zone is served. */
  stubs: readonly (Place & { zone: string })[]
  /** DS or DNSKEY records. A zone below none of them is insecure, as most are. */
  anchors?: readonly string[]
  /** Records that it answers by itself, whatever is published; of these zones it knows nothing else. */
  own?: Readonly<Record<string, readonly string[]>>
  address?: string
  port?: number
  /** The network namespace that it runs in; whoever is there may ask. */
  namespace?: string
}

/** Starts it; ready when it answers TCP. Its caches are short, so that a changed zone is seen. */
export async function startUnbound ({ stubs, anchors = [], own = {}, address = loopbackAddress(), port, namespace }: UnboundOptions): Promise<RunningServer & Place> {
  const at = { address, port: port ?? await freePort(address) }
  const folder = makeFolder('unbound')
  const file = folder.write('unbound.conf', `server:
  interface: ${at.address}@${at.port}
  access-control: ${namespace === undefined ? '127.0.0.0/8' : '0.0.0.0/0'} allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "${folder.path}"
  pidfile: ""
  use-syslog: no
  log-queries: yes
  val-log-level: 2
  num-threads: 1
  do-ip6: no
  do-not-query-localhost: no
  qname-minimisation: no
  cache-max-ttl: 1
  cache-max-negative-ttl: 1
  infra-host-ttl: 2
  infra-keep-probing: yes
  module-config: "validator iterator"
  ede: yes
${unshadowed(stubs).map(zone => `  local-zone: "${zone}" nodefault\n`).join('')}${anchors.map(anchor => `  trust-anchor: "${anchor}"\n`).join('')}${Object.entries(own).map(([zone, records]) => `  local-zone: "${zone}" static\n${records.map(record => `  local-data: "${record}"\n`).join('')}`).join('')}remote-control:
  control-enable: no
${stubs.map(({ zone, address, port }) => `stub-zone:\n  name: "${zone}"\n  stub-addr: ${address}@${port}\n`).join('')}`)
  const programs = [{ name: 'unbound', command: '/usr/sbin/unbound', args: ['-d', '-c', file], listens: [at], ...(namespace === undefined ? {} : { namespace }) }]
  return { ...await launch({ name: 'unbound', programs, folder }), ...at }
}

/** Names that Unbound would otherwise answer by itself (RFC 6761). */
function unshadowed (stubs: UnboundOptions['stubs']): string[] {
  return ['test.', 'invalid.'].filter(special => stubs.some(({ zone }) => `${zone}.`.endsWith(special)))
}
