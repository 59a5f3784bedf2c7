// A listener in a process of its own, told from outside to say what it uses. Its events go where a log would.
import { openSync, writeSync } from 'node:fs'
import { startListener } from '@dialtone/ladder'
import { DIGEST } from '@dialtone/net'
import { keysOf } from '@dialtone/stream'
import { certificateOf } from '@dialtone/testkit'

const [domain = '', secret = '', address = ''] = process.argv.slice(2)
const { chain, key } = await certificateOf('good', domain)
const log = openSync('/dev/null', 'w')
const { places } = await startListener({
  domain, keys: keysOf(secret, DIGEST), places: [{ address, port: 0, kind: 'starttls' }], certificate: { certificate: chain, key }, anchors: { system: false, given: [] },
  // Everything comes from one address here.
  limits: { connections: 10_000, connectionsPerAddress: 10_000, accepts: 1e9, questions: 1e9 }, tell: event => writeSync(log, `${JSON.stringify(event)}\n`),
})
process.send?.({ port: places[0]?.port ?? 0 })
process.on('disconnect', () => process.exit())
