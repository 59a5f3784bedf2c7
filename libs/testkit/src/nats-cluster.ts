// Three NATS servers that are one, each on a loopback address of its own, with the files that `deploy/nats/write-users.ts` writes: whoever starts it writes them.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { makeFolder } from './folder.ts'
import { freePort, loopbackAddress } from './loopback.ts'
import { startNatsServer, type NatsServer } from './nats-server.ts'

/** As the writer takes it: where routes come in, where apps do, where it tells how it is, where its files are. */
export type NodePlace = { name: string, host: string, port: number, listen: string, monitor: string, storeDir: string }

export type NatsCluster = {
  folder: string
  nodes: readonly NatsServer[]
  /** For the apps: all of them, with commas. */
  urls: string
  /** Resolves when so many of the nodes have found each other and a leader. */
  settled: (nodes?: number) => Promise<void>
  /** The node that leads a stream of the account; undefined while none does. */
  leaderOf: (stream: string) => Promise<number | undefined>
  stop: () => Promise<void>
}

/** `write`: writes a configuration for each place, in this order, and returns their paths. */
export async function startNatsCluster (write: (places: readonly NodePlace[], folder: string) => readonly string[], { scheme = 'nats' }: { scheme?: 'nats' | 'tls' } = {}): Promise<NatsCluster> {
  const folder = makeFolder('nats-cluster')
  const places = await Promise.all(['nats-1', 'nats-2', 'nats-3'].map(async (name): Promise<NodePlace & { client: number }> => {
    const host = loopbackAddress()
    const [client, port, monitor] = await threePorts(host)
    return { name, host, port, listen: `${host}:${client}`, monitor: `${host}:${monitor}`, storeDir: join(folder.path, name), client }
  }))
  const files = write(places, folder.path)
  const nodes: NatsServer[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map(node => node.stop()))
    folder.remove()
  }
  const told = async (at: number, path: string): Promise<Record<string, unknown> | undefined> => await fetch(`http://${places[at]?.monitor}${path}`).then(async response => await response.json() as Record<string, unknown>, () => undefined)
  const cluster: NatsCluster = {
    folder: folder.path, nodes, stop,
    urls: places.map(({ listen }) => `${scheme}://${listen}`).join(','),
    settled: async (wanted = nodes.length) => {
      for (const until = performance.now() + SETTLED_MS; performance.now() < until; await pause(50)) {
        const health = await Promise.all(nodes.map(async ({ pid }, at) => pid === 0 ? undefined : await told(at, '/healthz')))
        const led = await Promise.all(nodes.map(async ({ pid }, at) => pid === 0 ? undefined : await told(at, '/jsz')))
        const well = health.filter((one, at) => one?.['status'] === 'ok' && typeof (led[at]?.['meta_cluster'] as { leader?: string } | undefined)?.leader === 'string').length
        if (well >= wanted) return
      }
      throw new Error(`the cluster does not settle; the ends of the logs:\n${nodes.map(node => node.logs().split('\n').slice(-8).join('\n')).join('\n\n')}`)
    },
    leaderOf: async stream => {
      for (const at of nodes.keys()) {
        const jsz = await told(at, '/jsz?accounts=true&streams=true') as { account_details?: { stream_detail?: { name: string, cluster?: { leader?: string } }[] }[] } | undefined
        const leader = jsz?.account_details?.flatMap(({ stream_detail: details = [] }) => details).find(({ name }) => name === stream)?.cluster?.leader
        if (leader !== undefined) return places.findIndex(({ name }) => name === leader)
      }
      return undefined
    },
  }
  try {
    for (const [at, { host, client }] of places.entries()) nodes.push(await startNatsServer({ address: host, port: client, file: files[at] ?? '' }))
    await cluster.settled()
    return cluster
  } catch (error) {
    await stop()
    throw error
  }
}

const SETTLED_MS = 60_000

/** Different ones. */
async function threePorts (address: string): Promise<[number, number, number]> {
  const found = new Set<number>()
  while (found.size < 3) found.add(await freePort(address))
  return [...found] as [number, number, number]
}

export type NodeCertificates = { authority: string, of: (name: string) => { certificate: string, key: string } }

/** An authority, and a certificate for each name, good for servers and for clients, as docs/operating/bus.md makes them. `hosts`: addresses or names. */
export function writeNodeCertificates (folder: string, names: Readonly<Record<string, readonly string[]>>): NodeCertificates {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...key, '-days', '30', '-subj', '/CN=bus authority', '-keyout', 'ca.key', '-out', 'ca.crt')
  for (const [name, hosts] of Object.entries(names)) {
    const alternatives = hosts.map(host => /^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`).join(',')
    openssl('req', '-x509', ...key, '-days', '30', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-subj', `/CN=${name}`, '-addext', `subjectAltName=${alternatives || `DNS:${name}`}`,
      '-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=serverAuth,clientAuth', '-keyout', `${name}.key`, '-out', `${name}.crt`)
  }
  return { authority: join(folder, 'ca.crt'), of: name => ({ certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }) }
}
