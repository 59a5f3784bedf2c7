// The command: which one, what stops it, which exit code.
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { OperatorError, quoted } from '@dialtone/kernel'
import { COMMANDS } from './commands.ts'
import { READER_GONE, exitOfError } from './exit-code.ts'
import { HELP } from './help.ts'
import { standardOut } from './out.ts'
import { stopSignals } from './stop-signals.ts'

// Beside the code, not in a folder that others can write to. Where it cannot be written, starting takes longer.
enableCompileCache(join(import.meta.dirname, '../../../.cache/compiled'))

const out = standardOut(process.env)
const stopping = new AbortController()
let stoppedBy: NodeJS.Signals | undefined
const heard = stopSignals(() => performance.now())
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    const what = heard()
    if (what === 'force') process.exit(name === 'SIGTERM' ? 143 : 130)
    if (what === 'ignore') return
    stoppedBy = name
    stopping.abort(new OperatorError('stopped', `stopped by ${name}; nothing was judged`))
  })
}

process.exitCode = await main(process.argv.slice(2))

async function main ([name = '--help', ...args]: readonly string[]): Promise<number> {
  try {
    if (name === '--help' || name === '-h' || name === 'help') return out.print(HELP)
    const load = COMMANDS[name]
    if (load === undefined) throw new OperatorError('usage', `there is no command '${quoted(name, 40)}'. See: dialtone --help`)
    return await (await load(args))(args, out, stopping.signal, process.env)
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    if (error.code === 'reader-gone') return READER_GONE
    // Where it is the progress that cannot be written, the exit code says it.
    if (error.code !== 'cannot-write' || !error.message.includes('progress')) out.progress(`dialtone: ${error.message}\n`)
    return error.code === 'stopped' ? stoppedBy === 'SIGTERM' ? 143 : 130 : exitOfError(error.code)
  }
}
