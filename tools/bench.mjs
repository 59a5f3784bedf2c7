// `npm run bench -- NAME [--json]`: measures one thing against its peers. Installs what the measurement needs, as `npm test` does.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, enter } from './bootstrap.mjs'

const folder = join(ROOT, 'tools', 'bench')
const names = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isFile() && /^[a-z-]+\.ts$/.test(entry.name)).map(entry => entry.name.slice(0, -3)).sort()
const [name, ...args] = process.argv.slice(2)

if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run bench -- NAME [--json]\nNAME is one of: ${names.join(', ')}`)
  process.exitCode = 64
} else {
  await enter(`tools/bench/${name}.ts`, args)
}
