/**
 * How does a value become the bytes of a message, and when is a message not what its kind says? JSON, proved by its schema on both sides; above some
 * kilobytes gzip, which its first two bytes tell (JSON never begins with them), so that headers are not needed and any NATS client can read it.
 */
import { gunzipSync, gzipSync } from 'node:zlib'
import { OperatorError, quoted, type Meter } from '@dialtone/kernel'
import type { TSchema } from 'typebox'
import { checkerOf, dropUnknown, openOf } from './arrival.ts'
import type { Limits } from './limits.ts'
import { bodiesRefused } from './metrics.ts'

/** What is packed. An observation is not, though it would shrink to two fifths: packing and unpacking costs more than all else that the bus does with it. */
const PACK_ABOVE = 32 * 1024

/** `bytes`: that were unpacked and read for it. */
export type Read = { bytes: number } & ({ value: unknown } | { reason: 'not-json' | 'shape' | 'too-large' | 'packing', says: string })

/**
 * `keepsUnknown`: fields that the schema does not know stay in what is read, and may be written; otherwise they are taken out, and refused.
 * `lasting`: a document that is kept, which may be larger than what passes.
 */
export type Kind = { keepsUnknown?: boolean, lasting?: boolean }

/** What the two sides share; `name` is the noun, verb or bucket, for the counter and the sentence. */
export type Bodies = {
  /** Throws `bad-body` naming the field, or `too-large` naming both sizes. */
  write: (name: string, schema: TSchema, value: unknown, kind?: Kind) => Buffer
  /** Never throws. What it refuses it has counted. */
  read: (name: string, schema: TSchema, bytes: Uint8Array, kind?: Kind) => Read
}

export function createBodies (meter: Meter, limits: Limits): Bodies {
  const refuse = (name: string, at: 'publish' | 'arrival', reason: string): void => meter.add(bodiesRefused, { noun: name, at, reason })
  return {
    write: (name, schema, value, kind = {}) => {
      const most = mostOf(kind, limits)
      const problem = problemOf(kind.keepsUnknown === true ? openOf(schema) : schema, value)
      if (problem !== undefined) {
        refuse(name, 'publish', 'shape')
        throw new OperatorError('bad-body', `not handed to the bus, because it is not what '${name}' says: ${problem}`)
      }
      const text = Buffer.from(JSON.stringify(value))
      const bytes = pack(text)
      if (bytes.length > limits.mostBodyBytes || text.length > most) {
        refuse(name, 'publish', 'too-large')
        throw new OperatorError('too-large', `a body of '${name}' has ${bytes.length} bytes (${text.length} before it was compressed), and the bus takes ${limits.mostBodyBytes} (${most}); make it smaller`)
      }
      return bytes
    },
    read: (name, schema, bytes, kind = {}) => {
      const read = readBody(schema, bytes, kind, mostOf(kind, limits))
      if ('reason' in read) refuse(name, 'arrival', read.reason)
      return read
    },
  }
}

function readBody (schema: TSchema, bytes: Uint8Array, { keepsUnknown = false }: Kind, most: number): Read {
  let text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      text = gunzipSync(text, { maxOutputLength: most })
    } catch (error) {
      const large = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
      return large ? { bytes: most, reason: 'too-large', says: `it unpacks to more than ${most} bytes` } : { bytes: text.length, reason: 'packing', says: 'it looks like gzip and cannot be unpacked' }
    }
  }
  let value: unknown
  try {
    value = JSON.parse(text.toString())
  } catch {
    return { bytes: text.length, reason: 'not-json', says: 'it is not JSON' }
  }
  if (!checkerOf(schema).Check(value)) {
    // Rarely: another release wrote it, or it is malformed.
    const problem = problemOf(openOf(schema), value)
    if (problem !== undefined) return { bytes: text.length, reason: 'shape', says: problem }
    if (!keepsUnknown) dropUnknown(schema, value)
  }
  return { bytes: text.length, value }
}

function pack (text: Buffer): Buffer {
  return text.length <= PACK_ABOVE ? text : gzipSync(text)
}

function mostOf ({ lasting = false }: Kind, { mostUnpackedBytes, mostLastingBytes }: Limits): number {
  return lasting ? mostLastingBytes : mostUnpackedBytes
}

/** What is wrong, as one line that names the field. The compiled checker answers, the slow one explains. */
function problemOf (schema: TSchema, value: unknown): string | undefined {
  const checker = checkerOf(schema)
  if (checker.Check(value)) return undefined
  const [problem] = checker.Errors(value)
  if (problem === undefined) return 'it does not have the shape'
  const where = problem.instancePath === '' ? 'the whole' : problem.instancePath
  return quoted(problem.keyword === 'boolean' ? `${where} is not known` : `${where} ${problem.message}`, 400)
}
