// `npm run lab -- COMMAND`, or `node tools/lab.mjs COMMAND`: the seed's network with real servers. Installs what it needs before it is brought up, as `npm test` does.
import { enter, stop } from './bootstrap.mjs'
import { installPackages } from './debian.mjs'

const args = process.argv.slice(2)
const starts = ['up', 'matrix'].includes(args[0]) && !['--help', '-h', '--list'].some(each => args.includes(each))
try {
  if (starts) await installPackages('the lab needs Debian 12')
  await enter('tools/lab/main.ts', args)
} catch (error) {
  stop(error)
}
