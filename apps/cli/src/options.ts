// Command line in, typed options out. Every mistake is an OperatorError that names the option and says what to write instead.
import { parseArgs } from 'node:util'
import { isIP } from 'node:net'
import { DEPTHS, PROFILES, type Depth, type Profile } from '@dialtone/contracts'
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

/** What a table of options reads from a command line. */
export type Values<Options extends OptionTable> = ReturnType<typeof parse<Options>>['values']

/** `--format text|json`, or `--json` for short. */
export function formatOf (values: Printed): 'text' | 'json' {
  return formatAmong(values, ['text', 'json'])
}

/** `--format`, one of what the command can print, or `--json` for short; the first is the default. */
export function formatAmong<const Format extends string> (values: Printed, known: readonly [Format, ...Format[]]): Format {
  if (values.json === true && values.format !== undefined && values.format !== 'json') throw new OperatorError('usage', `--json and --format ${name(values.format)} exclude each other: give one of them`)
  const wanted = values.json === true ? 'json' : values.format ?? known[0]
  const format = known.find(each => each === wanted)
  if (format === undefined) throw new OperatorError('usage', `--format is ${known.map(each => `'${each}'`).join(', ').replace(/, (?=[^,]*$)/, ' or ')}, not ${name(wanted)}`)
  return format
}

type Printed = { format?: string | undefined, json?: boolean | undefined }

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

/** How deep dialback is asked. */
export function depthOf (text: string): Depth {
  const depth = DEPTHS.find(known => known === text)
  if (depth === undefined) throw new OperatorError('usage', `--depth ${name(text)} is not known: one of ${DEPTHS.join(', ')}`)
  return depth
}

/** `[ADDRESS:]PORT` of a listener; without an address: every address of this machine. Port 0: one that the system chooses. */
export function placeOf (option: string, text: string): { address?: string, port: number } {
  if (/^\d+$/.test(text)) return { port: portOf(option, text, Number(text), 0) }
  const { host, port } = hostAndPort(option, text, 0)
  if (isIP(host) === 0) throw new OperatorError('usage', `${option} takes an address of this machine, not the name ${name(host)}: write PORT or ADDRESS:PORT`)
  return { address: host, port }
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

function hostAndPort (option: string, text: string, min = 1): { host: string, port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host === undefined || (bracketed !== undefined && isIP(bracketed) !== 6)) throw new OperatorError('usage', `${option} ${name(text)} is no HOST:PORT; write an IPv6 address in brackets: [2001:db8::1]:5269`)
  return { host, port: portOf(option, text, port, min) }
}

function portOf (option: string, text: string, port: number, min: number): number {
  if (!(port >= min && port <= 65535)) throw new OperatorError('usage', `${option} ${name(text)}: a port is a number from ${min} to 65535`)
  return port
}

function notAnAddress (text: string): OperatorError {
  return new OperatorError('usage', `--resolver takes an IP address, not ${name(text)}: write IP or IP:PORT, an IPv6 address with a port in brackets`)
}

function name (text: string): string {
  return `'${quoted(text, 80)}'`
}

function firstSentence (text: string): string {
  return quoted(text.split(/\.\s|\.$/)[0] ?? text, 200)
}
