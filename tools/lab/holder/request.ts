// One question to the holder over its socket.
import { OperatorError } from '@dialtone/kernel'
import { existsSync, readFileSync } from 'node:fs'
import { request as ask } from 'node:http'
import { dirname, join } from 'node:path'
import { typed } from '../typed.ts'
import { FILES, type Refused } from './protocol.ts'

/** A heal that starts servers anew, or a stop, takes seconds. */
const PATIENCE_MS = 120_000

/** Throws an OperatorError with its words where the holder refuses, `not-up` where nobody is there, `cut` where it ended before it had answered. */
export async function request<T> (socketPath: string, method: 'GET' | 'POST', path: string, patienceMs = PATIENCE_MS): Promise<T> {
  const directory = dirname(socketPath)
  const { status, text } = await new Promise<{ status: number, text: string }>((resolve, reject) => {
    const asked = ask({ socketPath, method, path, timeout: patienceMs }, answer => {
      let said = ''
      answer.setEncoding('utf8').on('data', (part: string) => { said += part }).on('end', () => resolve({ status: answer.statusCode ?? 0, text: said })).on('error', reject)
    })
    asked.on('timeout', () => asked.destroy(silent(directory, patienceMs))).on('error', reject).end()
  }).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof OperatorError) throw error
    if (['ENOENT', 'ENOTDIR', 'ECONNREFUSED'].includes(error.code ?? '')) throw notUp(directory)
    if (['ECONNRESET', 'EPIPE'].includes(error.code ?? '')) throw new OperatorError('cut', `the lab went down meanwhile. To bring it up: ${typed('up', directory)}`)
    throw new OperatorError('no-answer', `the holder of the lab at ${socketPath}: ${error.message}`)
  })
  const body = JSON.parse(text) as T | Refused
  if (status !== 200) throw new OperatorError((body as Refused).code, (body as Refused).message)
  return body as T
}

export function notUp (directory: string): OperatorError {
  return new OperatorError('not-up', `the lab is not up. To bring it up: ${typed('up', directory)}`)
}

/** Of a holder that is stopped, or hangs. */
function silent (directory: string, ms: number): OperatorError {
  const file = join(directory, FILES.pid)
  const pid = existsSync(file) ? readFileSync(file, 'utf8').trim() : '?'
  return new OperatorError('no-answer', `the holder of the lab (process ${pid}) did not answer within ${ms / 1000} s. If it does not when asked again: kill -9 ${pid} ends it and removes the whole lab`)
}
