// ejabberd 23.01 as a federation peer, without ejabberdctl, epmd or another user: one Erlang VM whose database lies in the test's folder. It
// has a node name, which nobody can connect to, only where it is given a cookie: a VM without a name has none. It logs every element.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder, type Folder } from './folder.ts'
import { launch } from './launch.ts'
import { inside, listening, placesFor, type Places, type XmppOptions, type XmppServer } from './xmpp-server.ts'

export type EjabberdOptions = XmppOptions & {
  /** Default true. Without it, a peer can authenticate by certificate only. */
  dialback?: boolean
  /** Its Erlang cookie, without quotes: it makes its dialback keys from the SHA-1 of it. Default none, and a random secret. */
  cookie?: string
  /** Domains that its access rule denies. */
  denies?: readonly string[]
  /** Logs warnings alone, not every element: for measurements. */
  quiet?: true
}

/** Starts it; ready when its ports accept connections, after a second or two. */
export async function startEjabberd (options: EjabberdOptions): Promise<XmppServer> {
  const places = await placesFor(options)
  const folder = makeFolder('ejabberd')
  for (const name of ['db', 'log']) mkdirSync(join(folder.path, name))
  const log = join(folder.path, 'log', 'ejabberd.log')
  const file = folder.write('ejabberd.yml', configure(options, places, folder))
  const programs = [{
    name: 'ejabberd',
    command: '/usr/bin/erl',
    // No busy waiting of idle schedulers: tests share the processors with it.
    args: ['-noinput', ...named(options.cookie), '+sbwt', 'none', '-mnesia', 'dir', JSON.stringify(join(folder.path, 'db')), '-s', 'ejabberd'],
    listens: listening(places),
    ...inside(options),
    env: {
      EJABBERD_CONFIG_PATH: file,
      EJABBERD_LOG_PATH: log,
      ERL_CRASH_DUMP: '/dev/null',
      ERL_LIBS: `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
    },
  }]
  return { ...await launch({ name: 'ejabberd', programs, logFiles: [log], folder, endBy: 'SIGKILL', timeoutMs: 40_000 }), ...places }
}

function named (cookie: string | undefined): string[] {
  return cookie === undefined ? [] : ['-name', 'ejabberd@127.0.0.1', '-setcookie', cookie, '-start_epmd', 'false', '-dist_listen', 'false']
}

function configure ({ hosts, tls, certificate, dialback = true, denies = [], trusts, patience, component, quiet, users, alsoAt = [] }: EjabberdOptions, places: Places, folder: Folder): string {
  const { address, port, directTlsPort, componentPort, clientPort } = places
  const pem = certificate === undefined ? [] : [folder.write('certificate.pem', certificate.chain + certificate.key)]
  const listeners = (at: number, secured: boolean) => [address, ...alsoAt].map(ip => ({ port: at, ip, module: 'ejabberd_s2s_in', ...(secured ? { tls: true } : {}) }))
  // JSON is YAML.
  return JSON.stringify({
    hosts,
    loglevel: quiet === true ? 'warning' : 'debug',
    log_rotate_count: 0,
    certfiles: pem,
    acme: { auto: false },
    // Whoever logs in is let in by any password: these servers are the test's alone.
    auth_method: ['anonymous'],
    anonymous_protocol: 'login_anon',
    s2s_use_starttls: tls === 'off' ? false : tls,
    ...(trusts === undefined ? {} : { ca_file: folder.write('roots.pem', trusts) }),
    ...(patience === undefined ? {} : { outgoing_s2s_timeout: patience, negotiation_timeout: 2 * patience }),
    // A bounced domain is asked again at once, not after up to five minutes.
    s2s_max_retry_delay: 1,
    acl: { denied: { server: denies } },
    access_rules: { federation: [{ deny: 'denied' }, { allow: 'all' }] },
    s2s_access: 'federation',
    listen: [
      ...listeners(port, false),
      ...(directTlsPort === undefined ? [] : listeners(directTlsPort, true)),
      ...(users === undefined ? [] : [{ port: clientPort, ip: address, module: 'ejabberd_c2s' }]),
      ...(component === undefined ? [] : [{ port: componentPort, ip: address, module: 'ejabberd_service', check_from: false, hosts: { [component.name]: { password: component.secret } } }]),
    ],
    modules: { mod_ping: {}, ...(users === undefined ? {} : { mod_roster: {} }), ...(dialback ? { mod_s2s_dialback: {} } : {}) },
  }, undefined, 2)
}
