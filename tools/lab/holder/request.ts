// One question to the holder over its socket.
import { OperatorError } from '@dialtone/kernel'
import { request as ask } from 'node:http'
import type { Refused } from './protocol.ts'

/** A heal that starts servers anew, or a stop, takes seconds. */
const PATIENCE_MS = 120_000

/** Throws an OperatorError with its words where the holder refuses, `not-up` where nobody is there. */
export async function request<T> (socketPath: string, method: 'GET' | 'POST', path: string): Promise<T> {
  const { status, text } = await new Promise<{ status: number, text: string }>((resolve, reject) => {
    const asked = ask({ socketPath, method, path, timeout: PATIENCE_MS }, answer => {
      let said = ''
      answer.setEncoding('utf8').on('data', (part: string) => { said += part }).on('end', () => resolve({ status: answer.statusCode ?? 0, text: said })).on('error', reject)
    })
    asked.on('timeout', () => asked.destroy(new Error(`it did not answer within ${PATIENCE_MS} ms`))).on('error', reject).end()
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') throw new OperatorError('not-up', 'the lab is not up. To bring it up: npm run lab -- up')
    throw new OperatorError('no-answer', `the holder of the lab at ${socketPath}: ${error.message}`)
  })
  const body = JSON.parse(text) as T | Refused
  if (status !== 200) throw new OperatorError((body as Refused).code, (body as Refused).message)
  return body as T
}
