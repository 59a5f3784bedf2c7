// node deploy/nats/write-users.ts --folder DIR [--vantage NAME…] [--gateway NAME…] [--node NAME=HOST:PORT…] …
// Writes the configuration of a NATS server, or of each of a cluster, and one nkey seed for each app. See README.md beside it.
import { parseArgs } from 'node:util'
import { isBeyondLoopback, outdatedIn, writeNatsUsers, type NatsNode, type NatsTls } from '@dialtone/bus'

const HELP = `node deploy/nats/write-users.ts --folder DIR [--vantage NAME ...] [--gateway NAME ...]

  --folder DIR      where the configuration and the seeds are written; seeds that
                    are there are kept
  --vantage NAME    a user for the agents of this vantage; again for each
  --gateway NAME    a user for this gateway, as its resource is called; again
                    for each
  --remove          vantages and gateways that have a seed there and are not
                    named are to go: their user, and the seed. Without, nothing
                    is written where one is not named
  --listen PLACE    where the server listens: 127.0.0.1:4222 unless given
  --store-dir DIR   where JetStream keeps its files: /var/lib/nats/jetstream
                    unless given
  --monitor PLACE   where it tells over HTTP how it is (/healthz, /varz), as
                    127.0.0.1:8222; it asks nobody who they are

TLS: the paths as the server finds them
  --tls-cert FILE   its certificate and the chain, PEM; with --tls-key
  --tls-key FILE
  --tls-ca FILE     who signs the certificates of clients, and of other nodes
  --tls-verify      clients have to show one, too

A cluster: NAME.conf is written for each node, instead of nats-server.conf
  --node NAME=HOST:PORT  its name, and where the other nodes reach it; again for
                    each: 3, or 5. Unless --listen is given, it listens for apps
                    on port 4222 of HOST where that is an address, of all
                    addresses where it is a name
  --help

Name all of them each time, then restart the server. See README.md beside this file.
`

const [TEXT, TEXTS, FLAG] = [{ type: 'string' }, { type: 'string', multiple: true }, { type: 'boolean' }] as const

try {
  const { values } = parseArgs({
    options: {
      'folder': TEXT, 'vantage': TEXTS, 'gateway': TEXTS, 'listen': TEXT, 'store-dir': TEXT, 'monitor': TEXT, 'tls-cert': TEXT, 'tls-key': TEXT, 'tls-ca': TEXT, 'tls-verify': FLAG, 'node': TEXTS, 'remove': FLAG, 'help': { type: 'boolean', short: 'h' },
    },
  })
  const { folder, vantage: vantages = [], gateway: gateways = [], listen, 'store-dir': storeDir, monitor } = values
  if (values.help === true) {
    process.stdout.write(HELP)
    process.exit(0)
  }
  if (folder === undefined || vantages.length + gateways.length === 0) throw new Error('give --folder DIR and at least one --vantage NAME or --gateway NAME')
  const [tls, nodes] = [tlsOf(values['tls-cert'], values['tls-key'], values['tls-ca'], values['tls-verify'] === true), values.node?.map(nodeOf)]
  const written = writeNatsUsers({ folder, vantages, gateways, listen, storeDir, monitor, tls, remove: values.remove === true, ...(nodes === undefined ? {} : { nodes }) })
  for (const file of written) console.log(file)
  for (const file of outdatedIn(folder, written)) console.error(`${file} is of before, and was not written again: remove it once no server is started with it`)
  const open = [listen ?? '127.0.0.1:4222', ...(nodes ?? []).map(({ host, port }) => `${host}:${port}`)].some(isBeyondLoopback)
  if (open && tls === undefined) console.error('without --tls-cert and --tls-key everything goes over the network in the clear: only for a network that is yours alone')
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}

function tlsOf (certificate: string | undefined, key: string | undefined, authority: string | undefined, verifyClients: boolean): NatsTls | undefined {
  if (certificate === undefined && key === undefined && authority === undefined && !verifyClients) return undefined
  if (certificate === undefined || key === undefined) throw new Error('TLS takes --tls-cert and --tls-key')
  return { certificate, key, verifyClients, ...(authority === undefined ? {} : { authority }) }
}

function nodeOf (text: string): NatsNode {
  const [, name, host, port] = /^([^=]+)=(.+):(\d{1,5})$/.exec(text) ?? []
  if (name === undefined || host === undefined || port === undefined) throw new Error(`'${text}' is no node: write NAME=HOST:PORT, as nats-1=192.0.2.1:6222`)
  return { name, host, port: Number(port) }
}
