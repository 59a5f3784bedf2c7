// Command line in, typed options out. Every mistake is an OperatorError that names the option and says what to write instead.
import { parseArgs } from 'node:util'
import { isIP } from 'node:net'
import { PROFILES, type Profile } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import type { Override } from '@dialtone/ladder'

type OptionTable = Record<string, { type: 'string' | 'boolean', multiple?: boolean, short?: string }>

/** What every command understands. */
export const COMMON = { help: { type: 'boolean', short: 'h' }, json: { type: 'boolean' }, format: { type: 'string' } } as const satisfies OptionTable

/** Parses strictly: an unknown option, a missing value or a stray dash is a usage error that names it and the command's help. */
export function parse<const Options extends OptionTable> (command: string, options: Options, args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new OperatorError('usage', `${firstSentence(message)}. See: dialtone ${command} --help`)
  }
}

/** `--format text|json`, or `--json` for short. */
export function formatOf (values: { format?: string | undefined, json?: boolean | undefined }): 'text' | 'json' {
  if (values.json === true) return 'json'
  if (values.format === undefined || values.format === 'text') return 'text'
  if (values.format === 'json') return 'json'
  throw new OperatorError('usage', `--format is 'text' or 'json', not ${name(values.format)}`)
}

/** `IP`, `IP:PORT` or `[IPv6]:PORT`; the port is 53 unless given. */
export function resolverOf (text: string): { address: string, port: number } {
  if (isIP(text) !== 0) return { address: text, port: 53 }
  if (!/:\d+$/.test(text)) throw notAnAddress(text)
  const { host, port } = hostAndPort('--resolver', text)
  if (isIP(host) === 0) throw notAnAddress(host)
  return { address: host, port }
}

/** `HOST:PORT`, or `direct:HOST:PORT` for a port that speaks TLS from the first byte (XEP-0368). */
export function overrideOf (text: string): Override {
  const direct = text.startsWith('direct:')
  const { host, port } = hostAndPort('--endpoint', direct ? text.slice('direct:'.length) : text)
  return { host: host.toLowerCase(), port, kind: direct ? 'direct' : 'starttls' }
}

/** One of the profiles that `checks` has data for. */
export function profileOf (text: string): Profile {
  const profile = PROFILES.find(known => known === text)
  if (profile === undefined) throw new OperatorError('usage', `--profile ${name(text)} is not known: one of ${PROFILES.join(', ')}`)
  return profile
}

/** An IPv4 or IPv6 address. */
export function addressOf (option: string, text: string): string {
  if (isIP(text) === 0) throw new OperatorError('usage', `${option} takes an IP address, not ${name(text)}`)
  return text.toLowerCase()
}

/** A whole number of at least `min`. */
export function countOf (option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) throw new OperatorError('usage', `${option} takes a whole number from ${min} to ${max}, not ${name(text)}`)
  return value
}

function hostAndPort (option: string, text: string): { host: string, port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host === undefined || (bracketed !== undefined && isIP(bracketed) !== 6)) throw new OperatorError('usage', `${option} ${name(text)} is no HOST:PORT; write an IPv6 address in brackets: [2001:db8::1]:5269`)
  if (port < 1 || port > 65535) throw new OperatorError('usage', `${option} ${name(text)}: a port is a number from 1 to 65535`)
  return { host, port }
}

function notAnAddress (text: string): OperatorError {
  return new OperatorError('usage', `--resolver takes an IP address, not ${name(text)}: write IP or IP:PORT, an IPv6 address with a port in brackets`)
}

function name (text: string): string {
  return `'${quoted(text, 80)}'`
}

function firstSentence (text: string): string {
  return quoted(text.split(/\. |\.$/)[0] ?? text, 200)
}
