// What every command of the lab takes.
import { OperatorError } from '@dialtone/kernel'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { FILES } from '../holder/protocol.ts'
import { DEFAULT_STATE } from '../typed.ts'

export type Options = {
  directory: string
  socket: string
  json: boolean
  withFleets: boolean
  names: readonly string[]
}

/** Linux has room for 107 bytes in the name of a socket. */
const MAX_SOCKET = 107

/** `names`: how many the command takes, at least and at most. Throws what is wrong, as an OperatorError. */
export function optionsOf (args: readonly string[], { names: [least, most] }: { names: readonly [number, number] }): Options {
  const { values, positionals } = parsed(args)
  if (positionals.length < least || positionals.length > most) throw new OperatorError('usage', positionals.length < least ? 'the command needs a name; see --help' : `'${positionals[most]}' is one argument too many; see --help`)
  const directory = resolve(values.state ?? DEFAULT_STATE)
  const socket = join(directory, FILES.socket)
  if (Buffer.byteLength(socket) > MAX_SOCKET) throw new OperatorError('usage', `--state ${directory} is too long for a socket in it: ${MAX_SOCKET - FILES.socket.length - 1} bytes at most`)
  return { directory, socket, json: values.json === true, withFleets: values['no-fleet'] !== true, names: positionals }
}

function parsed (args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { 'state': { type: 'string' }, 'json': { type: 'boolean' }, 'no-fleet': { type: 'boolean' } } })
  } catch (error) {
    throw new OperatorError('usage', error instanceof Error ? error.message : String(error))
  }
}
