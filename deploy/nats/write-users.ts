// node deploy/nats/write-users.ts --folder DIR [--vantage NAME…] [--gateway NAME…] [--listen 127.0.0.1:4222] [--store-dir DIR]
// Writes the configuration of a NATS server and one nkey seed for each app. See README.md beside it.
import { parseArgs } from 'node:util'
import { writeNatsUsers } from '@dialtone/bus'

try {
  const { values } = parseArgs({ options: { folder: { type: 'string' }, vantage: { type: 'string', multiple: true }, gateway: { type: 'string', multiple: true }, listen: { type: 'string' }, 'store-dir': { type: 'string' } } })
  const { folder, vantage: vantages = [], gateway: gateways = [], listen, 'store-dir': storeDir } = values
  if (folder === undefined || vantages.length + gateways.length === 0) throw new Error('give --folder DIR and at least one --vantage NAME or --gateway NAME')
  for (const file of writeNatsUsers({ folder, vantages, gateways, ...(listen === undefined ? {} : { listen }), ...(storeDir === undefined ? {} : { storeDir }) })) console.log(file)
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
