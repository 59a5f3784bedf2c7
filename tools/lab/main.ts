// `lab`: brings the seed's network up in the background, breaks and heals things in it, tells what is so.
import { OperatorError } from '@dialtone/kernel'
import { COMMANDS, HELP, USAGE_ERROR } from './commands/index.ts'

process.exitCode = await main(process.argv.slice(2))

async function main ([name = '--help', ...args]: readonly string[]): Promise<number> {
  if (['--help', '-h', 'help'].includes(name)) {
    process.stdout.write(HELP)
    return 0
  }
  try {
    const command = COMMANDS[name]
    if (command === undefined) throw new OperatorError('usage', `there is no command '${name}'\n\n${HELP}`)
    return await command(args)
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    process.stderr.write(`lab: ${error.message}\n`)
    return error.code === 'usage' ? USAGE_ERROR : 1
  }
}
