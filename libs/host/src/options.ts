/** The command line of an app that is a process of its own: what cannot be read is its caller's mistake, an OperatorError `usage` in one sentence. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { OperatorError } from '@dialtone/kernel'

/** Nothing but these options, each with what it takes. */
export function optionsOf<O extends ParseArgsOptionsConfig> (args: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw new OperatorError('usage', `${error instanceof Error ? error.message.split('\n')[0] ?? '' : ''}; see --help`)
  }
}

export function required (value: string | undefined, option: string): string {
  if (value === undefined || value === '') throw new OperatorError('usage', `--${option} is missing; see --help`)
  return value
}

/** PORT, ADDRESS:PORT or [ADDRESS]:PORT. */
export function placeOf (text: string, option: string): { address?: string, port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]:|([0-9.]+):)?(\d{1,5})$/.exec(text)
  if (match === null) throw new OperatorError('usage', `--${option} takes PORT, ADDRESS:PORT or [ADDRESS]:PORT`)
  const address = match[1] ?? match[2]
  return { port: Number(match[3]), ...(address === undefined ? {} : { address }) }
}

export function oneOf<T extends string> (text: string, known: readonly T[], option: string): T {
  const found = known.find(each => each === text)
  if (found === undefined) throw new OperatorError('usage', `--${option} is one of ${known.join(', ')}`)
  return found
}
