/**
 * The records of the responder for one list of foreign domains, as other resolvers read them (gateways.md §6.5): where the inside servers' resolver cannot be the gateway's own,
 * and peers are few and known. A resolver cannot be told "every domain": a wildcard stands on the left only.
 */
export const RESOLVERS = ['unbound', 'dnsmasq', 'bind'] as const
export type ResolverKind = (typeof RESOLVERS)[number]
export type ZoneFileOptions = { gateway: { name: string, addresses: readonly string[], port?: number, directPort?: number }, domains: readonly string[] }

const TTL = 60

/** Text that is right as it stands: `domains` and the gateway's name are canonical (A-labels, lower case). */
export function zoneFile (kind: ResolverKind, { gateway, domains }: ZoneFileOptions): string {
  const services = domains.flatMap(domain => [
    { name: `_xmpp-server._tcp.${domain}`, port: gateway.port ?? 5269 },
    { name: `_xmpps-server._tcp.${domain}`, port: gateway.directPort },
  ])
  return WRITERS[kind](services, gateway).join('\n') + '\n'
}

/** `port` undefined: decidedly not there, which SRV says with the target `.`. */
type Service = { name: string, port: number | undefined }
type Writer = (services: readonly Service[], gateway: ZoneFileOptions['gateway']) => string[]

const WRITERS: Readonly<Record<ResolverKind, Writer>> = {
  unbound: (services, { name: target, addresses }) => [
    '# For unbound.conf: include: "/etc/unbound/unbound.conf.d/THIS-FILE", then: unbound-control reload',
    'server:',
    ...services.flatMap(({ name, port }) => [
      `  local-zone: "${name}." static`,
      `  local-data: "${name}. ${TTL} IN SRV ${port === undefined ? '0 0 0 .' : `0 0 ${port} ${target}.`}"`,
    ]),
    `  local-zone: "${target}." static`,
    ...addresses.map(address => `  local-data: "${target}. ${TTL} IN ${typeOf(address)} ${address}"`),
  ],
  dnsmasq: (services, { name: target, addresses }) => [
    '# For /etc/dnsmasq.d/, then: systemctl restart dnsmasq',
    ...services.map(({ name, port }) => port === undefined ? `srv-host=${name}` : `srv-host=${name},${target},${port},0,0`),
    ...addresses.map(address => `host-record=${target},${address},${TTL}`),
  ],
  bind: (services, { name: target, addresses }) => [
    '; A response policy zone for BIND 9. In named.conf:',
    ';   options { response-policy { zone "xmpp.rpz"; } qname-wait-recurse no; };',
    ';   zone "xmpp.rpz" { type primary; file "/etc/bind/THIS-FILE"; allow-query { none; }; };',
    `$TTL ${TTL}`,
    '$ORIGIN xmpp.rpz.',
    '@ IN SOA localhost. hostmaster.localhost. 1 3600 600 86400 60',
    '@ IN NS localhost.',
    ...services.map(({ name, port }) => `${name} IN SRV ${port === undefined ? '0 0 0 .' : `0 0 ${port} ${target}.`}`),
    ...addresses.map(address => `${target} IN ${typeOf(address)} ${address}`),
  ],
}

function typeOf (address: string): 'A' | 'AAAA' {
  return address.includes(':') ? 'AAAA' : 'A'
}
