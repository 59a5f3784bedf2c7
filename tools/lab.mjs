// `npm run lab -- COMMAND`, or `node tools/lab.mjs COMMAND`: the seed's network with real servers. Installs what it needs before it is brought up, as `npm test` does.
import { enter, stop } from './bootstrap.mjs'
import { installPackages } from './debian.mjs'

const args = process.argv.slice(2)
const starts = ['up', 'matrix'].includes(args[0]) && !['--help', '-h', '--list'].some(option => args.includes(option))
try {
  if (starts) await installPackages()
  await enter('tools/lab/main.ts', args)
} catch (error) {
  stop(error)
}
