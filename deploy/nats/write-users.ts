// node deploy/nats/write-users.ts --folder DIR [--vantage NAME…] [--gateway NAME…] [--listen 127.0.0.1:4222] [--store-dir DIR]
// Writes the configuration of a NATS server and one nkey seed for each app. See README.md beside it.
import { parseArgs } from 'node:util'
import { writeNatsUsers } from '@dialtone/bus'

const HELP = `node deploy/nats/write-users.ts --folder DIR [--vantage NAME ...] [--gateway NAME ...]

  --folder DIR      where nats-server.conf and the seeds are written; seeds that are there are kept
  --vantage NAME    a user for the agents of this vantage; again for each
  --gateway NAME    a user for this gateway, as its resource is called; again for each
  --listen PLACE    where the server listens: 127.0.0.1:4222 unless given
  --store-dir DIR   where JetStream keeps its files: /var/lib/nats/jetstream unless given
  --help

Name all of them each time, then restart the server. See README.md beside this file.
`

try {
  const { values } = parseArgs({ options: { folder: { type: 'string' }, vantage: { type: 'string', multiple: true }, gateway: { type: 'string', multiple: true }, listen: { type: 'string' }, 'store-dir': { type: 'string' }, help: { type: 'boolean', short: 'h' } } })
  const { folder, vantage: vantages = [], gateway: gateways = [], listen, 'store-dir': storeDir } = values
  if (values.help === true) {
    process.stdout.write(HELP)
    process.exit(0)
  }
  if (folder === undefined || vantages.length + gateways.length === 0) throw new Error('give --folder DIR and at least one --vantage NAME or --gateway NAME')
  for (const file of writeNatsUsers({ folder, vantages, gateways, ...(listen === undefined ? {} : { listen }), ...(storeDir === undefined ? {} : { storeDir }) })) console.log(file)
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
