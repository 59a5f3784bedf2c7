/**
 * The log of an app: one JSON line per finished thing, on stderr. Fields are data of ours: what is no plain value is written by its kind, errors by code and
 * sentence, and a field that is named like a secret is never written.
 */
import type { Logger } from '@dialtone/kernel'
import { pino, type DestinationStream, stdTimeFunctions } from 'pino'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export type LoggerOptions = {
  level: LogLevel
  /** Who writes: `probe`, `control`. */
  name: string
  /** Default stderr, written at once. */
  destination?: DestinationStream
}

/** A field may be so deep, a text so long, a list so long. */
const DEEPEST = 4
const LONGEST = 4000
const MOST = 100
/** What a line has anyway; JSON would have the key twice. */
const RESERVED = new Set(['level', 'time', 'name', 'msg'])
const SECRET = /secret|password|passphrase|token|authorization|cookie|private|credential/i

export function createLogger ({ level, name, destination = pino.destination({ dest: 2, sync: true }) }: LoggerOptions): Logger {
  const log = pino({ level, base: { name }, timestamp: stdTimeFunctions.isoTime, formatters: { level: label => ({ level: label }) } }, destination)
  const write = (at: Exclude<LogLevel, 'silent'>) => (fields: Readonly<Record<string, unknown>>, sentence: string): void => {
    if (log.isLevelEnabled(at)) log[at](record(fields, 0), text(sentence))
  }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

function record (fields: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(fields).slice(0, MOST)
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined).map(([key, value]) => [RESERVED.has(key) && depth === 0 ? `${key}_` : key, SECRET.test(key) ? '(not logged)' : plain(value, depth + 1)]))
}

function plain (value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string': return text(value)
    case 'number': case 'boolean': return value
    case 'bigint': return String(value)
    case 'object': break
    default: return `(${typeof value})`
  }
  if (value === null) return null
  if (value instanceof Error) return { code: 'code' in value ? text(String(value.code)) : value.name, says: text(value.message) }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '(no date)' : value.toISOString()
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`
  if (depth >= DEEPEST) return '(deeper)'
  if (Array.isArray(value)) return value.slice(0, MOST).map(each => plain(each, depth + 1))
  return record(value, depth)
}

function text (value: string): string {
  return value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value
}
