// dialtone backup: a copy of what a control remembers, while it runs. Beside its file; nothing is asked of its API.
import { OperatorError } from '@dialtone/kernel'
import { BACKUP_HELP } from '../help.ts'
import { COMMON, formatOf, parse } from '../options.ts'
import { shown } from '../files.ts'
import type { Out } from '../out.ts'

const OPTIONS = { ...COMMON, store: { type: 'string' }, to: { type: 'string' } } as const

export async function runBackup (args: readonly string[], out: Out): Promise<number> {
  const { values, positionals } = parse('backup', OPTIONS, args)
  if (values.help === true) return out.print(BACKUP_HELP)
  const { store, to } = values
  if (store === undefined || to === undefined || positionals.length > 0) throw new OperatorError('usage', 'backup takes --store FILE and --to FILE. See: dialtone backup --help')
  const { backupStore } = await import('@dialtone/control')
  const { bytes, seen } = backupStore({ from: store, to })
  return out.print(formatOf(values) === 'json' ? `${JSON.stringify({ to, bytes, observations: seen })}\n` : `${shown(to)}: ${bytes} bytes, ${seen} observations are known in it\n`)
}
