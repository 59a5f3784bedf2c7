// Prosody 0.12 as a federation peer: S2S only, nothing stored, every element logged (mod_stanza_debug). Its names are checked by file, so it
// serves whatever certificate it is given.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { KeyPair } from './certificates.ts'
import { makeFolder, type Folder } from './folder.ts'
import { launch } from './launch.ts'
import type { Place } from './loopback.ts'
import { inside, listening, placesFor, type Places, type XmppOptions, type XmppServer } from './xmpp-server.ts'

export type ProsodyOptions = XmppOptions & {
  /** Refuse peers without a valid certificate (s2s_secure_auth). */
  secureAuth?: boolean
  /** From which it makes its dialback keys. Default a random one. */
  dialbackSecret?: string
  /** Modules beside or instead of the usual ones: '!dialback' leaves one out. */
  modules?: readonly string[]
  /** Lua fields for TLS beside certificate and key: 'protocol = "tlsv1_2"'. */
  ssl?: readonly string[]
  /** Logs warnings alone, not every element: for measurements. */
  quiet?: true
  /** Ask this resolver instead of the system's. Needs lua-unbound. */
  resolver?: Place
  /** Lines for OpenSSL itself: what LuaSec has no word for. */
  openssl?: readonly string[]
  /** What a host shows instead of `certificate`. */
  certificates?: Readonly<Record<string, KeyPair>>
  /** It serves its users and federates with nobody: nothing listens for servers, and it goes to none. */
  alone?: boolean
  /** Lua lines for each host. */
  hostLines?: readonly string[]
}

/** Starts it; ready when its ports accept connections. */
export async function startProsody (options: ProsodyOptions): Promise<XmppServer> {
  const places = await placesFor(options)
  const folder = makeFolder('prosody')
  const log = join(folder.path, 'prosody.log')
  mkdirSync(join(folder.path, 'data'))
  mkdirSync(join(folder.path, 'certificates'))
  for (const user of options.users ?? []) writeAccount(folder, options.hosts[0] ?? '', user)
  const file = folder.write('prosody.cfg.lua', configure(options, places, folder, log))
  const programs = [{ name: 'prosody', command: '/usr/bin/prosody', args: ['-F', '--config', file], listens: listening(places).filter(({ port }) => options.alone !== true || port !== places.port), env: openssl(options, folder), ...inside(options) }]
  return { ...await launch({ name: 'prosody', programs, logFiles: [log], folder, endBy: 'SIGKILL' }), ...places }
}

function configure (options: ProsodyOptions, places: Places, folder: Folder, log: string): string {
  const { hosts, tls, certificate, secureAuth = false, dialbackSecret, modules = [], ssl = [], trusts, hostLines = [], patience, component, resolver, quiet, users, alsoAt = [], certificates = {}, alone = false } = options
  const loaded = ['dialback', 'disco', 'ping', 'saslauth', ...(quiet === true ? [] : ['stanza_debug']), ...(tls === 'off' ? [] : ['tls']), ...(users === undefined ? [] : ['roster']), ...modules.filter(name => !name.startsWith('!'))]
    .filter(name => !modules.includes(`!${name}`))
  const encryption = [...ssl, ...(trusts === undefined ? [] : [`cafile = ${lua(folder.write('authorities.pem', trusts))}`])]
  const lines = [
    'run_as_root = true',
    `data_path = ${lua(join(folder.path, 'data'))}`,
    `certificates = ${lua(join(folder.path, 'certificates'))}`,
    `modules_enabled = { ${loaded.map(lua).join(', ')} }`,
    `modules_disabled = { ${[...(users === undefined ? ['c2s'] : []), ...(alone ? ['s2s'] : []), 'offline'].map(lua).join(', ')} }`,
    ...(users === undefined ? [] : [`c2s_interfaces = { ${lua(places.address)} }`, `c2s_ports = { ${places.clientPort} }`, 'c2s_require_encryption = false', 'allow_unencrypted_plain_auth = true']),
    `interfaces = { ${[places.address, ...alsoAt].map(lua).join(', ')} }`,
    `s2s_ports = { ${places.port} }`,
    `s2s_direct_tls_ports = { ${places.directTlsPort ?? ''} }`,
    `s2s_require_encryption = ${String(tls === 'required')}`,
    `s2s_secure_auth = ${String(secureAuth)}`,
    'authentication = "internal_plain"',
    'storage = { accounts = "internal" }',
    'default_storage = "memory"',
    `log = { { levels = { min = ${lua(quiet === true ? 'warn' : 'debug')} }, to = "file", filename = ${lua(log)} } }`,
    ...(dialbackSecret === undefined ? [] : [`dialback_secret = ${lua(dialbackSecret)}`]),
    ...(patience === undefined ? [] : [`s2s_timeout = ${patience}`, `network_settings = { connect_timeout = ${patience} }`]),
    resolver === undefined
      // Where it resolves with libunbound (package lua-unbound), which knows by itself that names under `test` do not exist, and remembers; also
      // how slow a resolver was, or for five seconds that it failed, whatever the longest time to live.
      ? 'unbound = { resolvconf = true, hoststxt = false, options = { ["local-zone:"] = "test. transparent", ["cache-max-ttl:"] = "1", ["cache-max-negative-ttl:"] = "1", ["infra-host-ttl:"] = "1", ["infra-cache-max-rtt:"] = "1000", ["infra-keep-probing:"] = "yes", ["msg-cache-size:"] = "0" } }'
      : `unbound = { resolvconf = false, hoststxt = false, forward = ${lua(`${resolver.address}@${resolver.port}`)}, options = { ["do-not-query-localhost:"] = "no" } }`,
    // For direct TLS, which knows no host before the handshake.
    ...(encryption.length === 0 ? [] : [`ssl = { ${encryption.join(', ')} }`]),
  ]
  // The host's own setting is for STARTTLS; a direct TLS port finds the files by their names.
  const shown = (host: string): string[] => {
    const pair = certificates[host] ?? certificate
    if (pair === undefined) return []
    const chain = folder.write(`certificates/${host}.crt`, pair.chain)
    const key = folder.write(`certificates/${host}.key`, pair.key)
    return [`ssl = { ${[`certificate = ${lua(chain)}`, `key = ${lua(key)}`, ...encryption].join(', ')} }`]
  }
  for (const host of hosts) lines.push(`VirtualHost ${lua(host)}`, ...hostLines, ...shown(host))
  if (component !== undefined) {
    lines.push(`Component ${lua(component.name)}`, `component_secret = ${lua(component.secret)}`, 'validate_from_addresses = false', ...shown(component.name))
    lines.unshift(`component_interfaces = { ${lua(places.address)} }`, `component_ports = { ${String(places.componentPort)} }`)
  }
  return lines.join('\n') + '\n'
}

/** As its storage 'internal' keeps an account: characters beyond letters and digits are escaped in names of directories. */
function writeAccount (folder: Folder, host: string, user: string): void {
  const directory = `data/${host.replaceAll(/[^a-z0-9]/g, character => `%${character.charCodeAt(0).toString(16)}`)}/accounts`
  mkdirSync(join(folder.path, directory), { recursive: true })
  folder.write(`${directory}/${user}.dat`, `return { ["password"] = ${lua(user)} }\n`)
}

function openssl ({ openssl = [] }: ProsodyOptions, folder: Folder): Record<string, string> {
  if (openssl.length === 0) return {}
  return { OPENSSL_CONF: folder.write('openssl.cnf', ['openssl_conf = all', '[all]', 'ssl_conf = tls', '[tls]', 'system_default = lines', '[lines]', ...openssl].join('\n') + '\n') }
}

function lua (text: string): string {
  return JSON.stringify(text)
}
