/**
 * How does a value become the bytes of a message, and when is a message not what its kind says? JSON, proved by its schema on both sides; above some
 * kilobytes gzip, which its first two bytes tell (JSON never begins with them), so that headers are not needed and any NATS client can read it.
 */
import { gunzipSync, gzipSync } from 'node:zlib'
import { OperatorError, quoted, type Meter } from '@dialtone/kernel'
import type { TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import type { Limits } from './limits.ts'
import { bodiesRefused } from './metrics.ts'

/** What is packed. An observation is not, though it would shrink to two fifths: packing and unpacking costs more than all else that the bus does with it. */
const PACK_ABOVE = 32 * 1024

export type Read = { value: unknown } | { reason: 'not-json' | 'shape' | 'too-large' | 'packing', says: string }

/** What the two sides share; `name` is the noun, verb or bucket, for the counter and the sentence. */
export type Bodies = {
  /** Throws `bad-body` naming the field, or `too-large` naming both sizes. */
  write: (name: string, schema: TSchema, value: unknown) => Buffer
  /** Never throws. What it refuses it has counted. */
  read: (name: string, schema: TSchema, bytes: Uint8Array) => Read
}

export function createBodies (meter: Meter, limits: Limits): Bodies {
  const refuse = (name: string, at: 'publish' | 'arrival', reason: string): void => meter.add(bodiesRefused, { noun: name, at, reason })
  return {
    write: (name, schema, value) => {
      const problem = problemOf(schema, value)
      if (problem !== undefined) {
        refuse(name, 'publish', 'shape')
        throw new OperatorError('bad-body', `not handed to the bus, because it is not what '${name}' says: ${problem}`)
      }
      const text = Buffer.from(JSON.stringify(value))
      const bytes = pack(text)
      if (bytes.length > limits.mostBodyBytes || text.length > limits.mostUnpackedBytes) {
        refuse(name, 'publish', 'too-large')
        throw new OperatorError('too-large', `a body of '${name}' has ${bytes.length} bytes (${text.length} before it was compressed), and the bus takes ${limits.mostBodyBytes} (${limits.mostUnpackedBytes}); make it smaller`)
      }
      return bytes
    },
    read: (name, schema, bytes) => {
      const read = readBody(schema, bytes, limits)
      if ('reason' in read) refuse(name, 'arrival', read.reason)
      return read
    },
  }
}

function readBody (schema: TSchema, bytes: Uint8Array, limits: Limits): Read {
  let text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      text = gunzipSync(text, { maxOutputLength: limits.mostUnpackedBytes })
    } catch (error) {
      const large = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
      return large ? { reason: 'too-large', says: `it unpacks to more than ${limits.mostUnpackedBytes} bytes` } : { reason: 'packing', says: 'it looks like gzip and cannot be unpacked' }
    }
  }
  let value: unknown
  try {
    value = JSON.parse(text.toString())
  } catch {
    return { reason: 'not-json', says: 'it is not JSON' }
  }
  const problem = problemOf(schema, value)
  return problem === undefined ? { value } : { reason: 'shape', says: problem }
}

function pack (text: Buffer): Buffer {
  return text.length <= PACK_ABOVE ? text : gzipSync(text)
}

const compiled = new WeakMap<TSchema, Validator>()

/** What is wrong, as one line that names the field. The compiled checker answers, the slow one explains. */
function problemOf (schema: TSchema, value: unknown): string | undefined {
  let checker = compiled.get(schema)
  if (checker === undefined) {
    checker = Compile<TSchema, Validator>(schema)
    compiled.set(schema, checker)
  }
  if (checker.Check(value)) return undefined
  const [problem] = checker.Errors(value)
  if (problem === undefined) return 'it does not have the shape'
  const where = problem.instancePath === '' ? 'the whole' : problem.instancePath
  return quoted(problem.keyword === 'boolean' ? `${where} is not known` : `${where} ${problem.message}`, 400)
}
