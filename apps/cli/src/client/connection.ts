// Which control API a command asks, and with which token: options first, then the environment, then what `dialtone up` left on this machine.
import { join } from 'node:path'
import { OperatorError, quoted } from '@dialtone/kernel'
import { read } from '../files.ts'
import { knownState, runningIn, tokenIn } from '../state-dir.ts'

/** Options of every command that asks a control API. */
export const CONNECTION = { server: { type: 'string' }, token: { type: 'string' }, 'token-file': { type: 'string' } } as const

export type ConnectionValues = { [K in keyof typeof CONNECTION]?: string | undefined }

/** `base` ends without a slash. `from`: where the URL was found, and `tokenFrom` the token, for sentences. */
export type Connection = { base: string, from: string, token?: string, tokenFrom: string }

const MOST_TOKEN_BYTES = 4096

/** Rejects with an OperatorError `no-server` where nothing names one, `usage` where what names it is no URL. */
export async function connectionOf (values: ConnectionValues, environment: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<Connection> {
  const dir = knownState(environment)
  const running = runningIn(dir)
  const [url, from] = values.server !== undefined ? [values.server, '--server'] as const
    : (environment['DIALTONE_SERVER'] ?? '') !== '' ? [environment['DIALTONE_SERVER'] ?? '', 'DIALTONE_SERVER'] as const
    : [running?.url, join(dir, 'server.json')] as const
  if (url === undefined) throw new OperatorError('no-server', `no control API is known here: start one with 'npm start' or 'dialtone up', or name it by --server URL or DIALTONE_SERVER`)
  const base = baseOf(url, from)
  // A token that was left for one server is not shown to another.
  const left = running !== undefined && baseOf(running.url, dir) === base
  const token = values.token ?? (values['token-file'] === undefined ? undefined : tokenOf(await read('--token-file', values['token-file'], { signal, most: { bytes: MOST_TOKEN_BYTES, instead: 'name a file that holds a token alone' } })))
  const shown = (text: string, tokenFrom: string): Connection => ({ base, from, token: wellFormed(text, tokenFrom), tokenFrom })
  if (token !== undefined) return shown(token, values.token === undefined ? '--token-file' : '--token')
  const given = environment['DIALTONE_TOKEN'] ?? ''
  if (given !== '') return shown(given, 'DIALTONE_TOKEN')
  const kept = left ? tokenIn(dir) : undefined
  return kept === undefined ? { base, from, tokenFrom: 'none' } : shown(kept, join(dir, 'token'))
}

function baseOf (text: string, from: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '') throw new OperatorError('usage', `${from} '${quoted(text, 120)}' is no URL of a control API: write http://HOST:PORT or https://HOST`)
  return url.href.replace(/\/+$/, '').replace(/\/v1$/, '')
}

/** As a header may carry it (RFC 6750). It is a secret: what is wrong with it is said without it. */
function wellFormed (token: string, from: string): string {
  if (!/^[\w.~+/-]+=*$/.test(token)) throw new OperatorError('usage', `the token from ${from} is no token: it is one word of letters, digits and -._~+/, without spaces and line breaks`)
  return token
}

function tokenOf (text: string): string {
  const token = text.trim()
  if (token === '' || /\s/.test(token)) throw new OperatorError('usage', '--token-file must hold one token and nothing else')
  return token
}
