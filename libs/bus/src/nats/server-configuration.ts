/** The configuration of the NATS server itself: where it listens, its TLS, its neighbours, its disk. Who may do what there is in permissions.ts. */
import { isIP } from 'node:net'
import { OperatorError, quoted } from '@dialtone/kernel'
import { LIMITS } from '../limits.ts'

export type NatsTls = {
  /** PEM files, as the server finds them. In a cluster each node has its own under the same paths, good for servers and for clients. */
  certificate: string
  key: string
  /** Who signs certificates of clients, and of nodes. */
  authority?: string
  /** Clients show a certificate, too. */
  verifyClients?: boolean
}

/** `host`, `port`: where the other nodes reach it. The rest: of this node alone, instead of what is said for all. */
export type NatsNode = { name: string, host: string, port: number, listen?: string, monitor?: string, storeDir?: string }

export type ServerOptions = {
  listen?: string | undefined
  storeDir?: string | undefined
  tls?: NatsTls | undefined
  /** Where it tells how it is, over HTTP and to anybody: on loopback, or where a firewall stands before it. */
  monitor?: string | undefined
}

export type Storage = { fileBytes: number, memoryBytes: number }

export const DEFAULT_LISTEN = '127.0.0.1:4222'
export const DEFAULT_STORE = '/var/lib/nats/jetstream'
/** Buckets that control keeps for the whole fleet: access, assigned, configuration, gateways, lease, presence. */
const FLEET_BUCKETS = 6
/** Of vantages and gateways that once were; nobody removes them. */
const SPARE_BUCKETS = 16
const MEMORY_BYTES = 256 * 1024 * 1024
const PLACE = /^(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}$/
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** What JetStream has to have room for on each server: all that the streams and buckets of a fleet may hold. */
export function storageFor (vantages: number, gateways: number): Storage {
  const streams = Object.values(LIMITS.streams).reduce((sum, { maxBytes }) => sum + maxBytes, 0)
  return { fileBytes: streams + (FLEET_BUCKETS + SPARE_BUCKETS + vantages + gateways) * LIMITS.bucketBytes, memoryBytes: MEMORY_BYTES }
}

/** What one server's file begins with. `node`: which of `nodes` it is; they know each other by `secret`. Throws `bad-listen`, `bad-node` or `bus-tls`. */
export function serverText (options: ServerOptions, storage: Storage, cluster?: { node: NatsNode, nodes: readonly NatsNode[], secret: string }): string {
  const { node } = cluster ?? {}
  const listen = proved(node?.listen ?? options.listen ?? (node === undefined ? DEFAULT_LISTEN : `${bound(node.host)}:4222`))
  const monitor = node?.monitor ?? options.monitor
  const { tls } = options
  return [
    `listen: ${text(listen)}`,
    ...(monitor === undefined ? [] : [`http: ${text(proved(monitor))}`]),
    `jetstream { store_dir: ${text(node?.storeDir ?? options.storeDir ?? DEFAULT_STORE)}, max_file_store: ${storage.fileBytes}, max_memory_store: ${storage.memoryBytes} }`,
    '# Of what the bus sends nothing is larger.',
    'max_payload: 1MB',
    ...(tls === undefined ? [] : [tlsText(tls, tls.verifyClients === true)]),
    ...(cluster === undefined ? [] : clusterText(cluster, tls)),
  ].join('\n')
}

/** What the file of a server that is alone is called. */
export const SINGLE = 'nats-server'

/** Throws `bad-node`: a cluster is of 3 or 5 nodes with different names and places. */
export function proveNodes (nodes: readonly NatsNode[]): void {
  if (nodes.length !== 3 && nodes.length !== 5) throw new OperatorError('bad-node', `a cluster has 3 nodes, or 5, and not ${nodes.length}: of an even number half may be lost no more than of one less`)
  for (const { name, host, port } of nodes) {
    if (!NAME.test(name)) throw new OperatorError('bad-node', `no node is called '${quoted(name)}': a name is 1 to 63 of a-z, 0-9 and '-'`)
    if (name === SINGLE) throw new OperatorError('bad-node', `a node cannot be called '${SINGLE}', as the file of a server that is alone: call it ${SINGLE}-1`)
    if (!PLACE.test(`${host}:${port}`) || !isPort(String(port))) throw new OperatorError('bad-node', `'${quoted(host)}:${port}' is no place of a node; give one like 192.0.2.1:6222`)
  }
  for (const theirs of [nodes.map(({ name }) => name), nodes.map(({ host, port }) => `${host}:${port}`)]) {
    const twice = theirs.find((one, at) => theirs.indexOf(one) !== at)
    if (twice !== undefined) throw new OperatorError('bad-node', `two nodes of the cluster are '${twice}'`)
  }
}

/** Whether somebody else's host may reach it there. */
export function isBeyondLoopback (listen: string): boolean {
  return !/^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d+$/.test(listen)
}

function clusterText ({ node, nodes, secret }: { node: NatsNode, nodes: readonly NatsNode[], secret: string }, tls: NatsTls | undefined): string[] {
  if (tls !== undefined && tls.authority === undefined) throw new OperatorError('bus-tls', 'the nodes of a cluster prove themselves to each other by their certificates: name the authority that signed them, too')
  const others = nodes.filter(({ name }) => name !== node.name)
  return [
    `server_name: ${text(node.name)}`,
    '# SIGUSR2 has the clients go to the other nodes before this one stops.',
    'lame_duck_duration: "30s"',
    'lame_duck_grace_period: "3s"',
    `cluster {
  name: "dialtone"
  listen: ${text(proved(`${bound(node.host)}:${node.port}`))}
  # Apps are told all nodes, by the names that their certificates have.
  no_advertise: true
  authorization { user: "node", password: ${text(secret)}, timeout: 10 }
${tls === undefined ? '' : `${tlsText(tls, true).replaceAll(/^/gm, '  ')}\n`}  routes: [
    ${others.map(({ host, port }) => text(`nats://node:${secret}@${host}:${port}`)).join('\n    ')}
  ]
}`,
  ]
}

function tlsText ({ certificate, key, authority }: NatsTls, verify: boolean): string {
  if (verify && authority === undefined) throw new OperatorError('bus-tls', 'to verify certificates of clients, name the authority that signed them')
  return `tls {
  cert_file: ${text(certificate)}
  key_file: ${text(key)}
${authority === undefined ? '' : `  ca_file: ${text(authority)}\n`}${verify ? '  verify: true\n' : ''}  timeout: 10
}`
}

/** An address is listened on; behind a name may stand anything, so that all are: by 0.0.0.0 the server listens on IPv6 as well. */
function bound (host: string): string {
  return isIP(host.replaceAll(/^\[|\]$/g, '')) === 0 ? '0.0.0.0' : host
}

function proved (place: string): string {
  if (!PLACE.test(place) || !isPort(place.slice(place.lastIndexOf(':') + 1))) throw new OperatorError('bad-listen', `'${quoted(place)}' is no address and port to listen on; give one like 127.0.0.1:4222`)
  return place
}

function isPort (text: string): boolean {
  return Number(text) >= 1 && Number(text) <= 65_535
}

function text (of: string): string {
  return JSON.stringify(of)
}
