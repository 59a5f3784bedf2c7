/**
 * dialtone health: whether a process says that it is well. For container health checks and for people, so that an image needs no other program for it.
 * Asks once; what was answered is printed.
 */
import { get as getClear, type IncomingMessage, type RequestOptions } from 'node:http'
import { get as getTls } from 'node:https'
import { OperatorError, quoted } from '@dialtone/kernel'
import type { Environment } from '../client/command.ts'
import { HEALTH_HELP } from '../help.ts'
import { COMMON, parse } from '../options.ts'
import type { Out } from '../out.ts'

const [WELL, NOT_WELL] = [0, 1]
const TIMEOUT_MS = 5000
const MOST_TOLD = 2000

/** Resolves to 0 where it answers 200, to 1 where it answers anything else or nothing within five seconds. */
export async function runHealth (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('health', { help: COMMON.help }, args)
  if (values.help === true) return out.print(HEALTH_HELP)
  const given = positionals[0] ?? environment['DIALTONE_HEALTH'] ?? ''
  if (positionals.length > 1 || !URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol)) throw new OperatorError('usage', 'health takes one URL, as http://127.0.0.1:9115/readyz; or DIALTONE_HEALTH holds it. See: dialtone health --help')
  const answer = await asked(new URL(given), AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)])).catch((error: unknown) => `no answer: ${error instanceof Error && error.name === 'TimeoutError' ? `none within ${TIMEOUT_MS / 1000} s` : error instanceof Error && 'code' in error ? String(error.code) : String(error)}`)
  signal.throwIfAborted()
  if (typeof answer !== 'string' && answer.status === 200) {
    out.print(`${quoted(answer.text.trim(), MOST_TOLD)}\n`)
    return WELL
  }
  out.print(typeof answer === 'string' ? `${answer}\n` : `${answer.status}: ${quoted(answer.text.trim(), MOST_TOLD)}\n`)
  return NOT_WELL
}

async function asked (url: URL, signal: AbortSignal): Promise<{ status: number, text: string }> {
  // A process that asks itself knows whom it asks, and its certificate is for the name that others use.
  const onThisHost = /^(127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/.test(url.hostname)
  const options: RequestOptions & { rejectUnauthorized: boolean } = { signal, agent: false, rejectUnauthorized: !onThisHost }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = url.protocol === 'https:' ? getTls(url, options, resolve) : getClear(url, options, resolve)
    request.once('error', error => { reject(signal.aborted && signal.reason instanceof Error ? signal.reason : error) })
  })
  let text = ''
  for await (const piece of response.setEncoding('utf8')) if (text.length < MOST_TOLD) text += String(piece)
  return { status: response.statusCode ?? 0, text }
}
