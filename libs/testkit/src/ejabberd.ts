// ejabberd 23.01 as a federation peer, without ejabberdctl, epmd, cookie or another user: one Erlang VM with no node name, whose database lies
// in the test's folder. It logs every element.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder, type Folder } from './folder.ts'
import { launch } from './launch.ts'
import { listening, placesFor, type XmppOptions, type XmppServer } from './xmpp-server.ts'

export type EjabberdOptions = XmppOptions & {
  /** Default true. Without it, a peer can authenticate by certificate only. */
  dialback?: boolean
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
    args: ['-noinput', '+sbwt', 'none', '-mnesia', 'dir', JSON.stringify(join(folder.path, 'db')), '-s', 'ejabberd'],
    listens: listening(places),
    env: {
      EJABBERD_CONFIG_PATH: file,
      EJABBERD_LOG_PATH: log,
      ERL_CRASH_DUMP: '/dev/null',
      ERL_LIBS: `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
    },
  }]
  return { ...await launch({ name: 'ejabberd', programs, logFiles: [log], folder, endBy: 'SIGKILL', timeoutMs: 40_000 }), ...places }
}

function configure ({ hosts, tls, certificate, dialback = true }: EjabberdOptions, { address, port, directTlsPort }: Awaited<ReturnType<typeof placesFor>>, folder: Folder): string {
  const pem = certificate === undefined ? [] : [folder.write('certificate.pem', certificate.chain + certificate.key)]
  const listener = (at: number, secured: boolean) => ({ port: at, ip: address, module: 'ejabberd_s2s_in', ...(secured ? { tls: true } : {}) })
  // JSON is YAML.
  return JSON.stringify({
    hosts,
    loglevel: 'debug',
    log_rotate_count: 0,
    certfiles: pem,
    acme: { auto: false },
    auth_method: ['anonymous'],
    s2s_use_starttls: tls === 'off' ? false : tls,
    listen: [listener(port, false), ...(directTlsPort === undefined ? [] : [listener(directTlsPort, true)])],
    modules: dialback ? { mod_s2s_dialback: {} } : {},
  }, undefined, 2)
}
