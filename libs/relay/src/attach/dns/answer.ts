/**
 * An answer of a resolver, of which the responder looks at the frame alone: whether it is one to this question, how long it may be kept, where its times to live stand. Its
 * records go on as they came.
 */
import { HEADER, RCODE, TYPE, UDP_MOST, type Query } from './wire.ts'

export type Answer = {
  bytes: Buffer
  rcode: number
  truncated: boolean
  /** Seconds that it may be kept; 0 where it may not. */
  ttl: number
  /** Where the time to live of each record stands. */
  ttls: readonly number[]
}

/** No answer is kept longer; what is not there, only for so long (RFC 2308 §5). */
const MOST_SECONDS = 3600
const MOST_NEGATIVE_SECONDS = 300
/** An answer has few records; what has more is not read on. */
const MOST_RECORDS = 4000
const [QR, AA, TC, RD, RA] = [0x8000, 0x0400, 0x0200, 0x0100, 0x0080]

/** The answer to `query`, which was asked under `id`; undefined where it is none. */
export function readAnswer (message: Buffer, query: Query, id: number): Answer | undefined {
  const { question } = query
  if (message.length < HEADER + question.length) return undefined
  const flags = message.readUInt16BE(2)
  if (message.readUInt16BE(0) !== id || (flags & QR) === 0 || ((flags >> 11) & 15) !== 0 || message.readUInt16BE(4) !== 1) return undefined
  if (!sameQuestion(message.subarray(HEADER, HEADER + question.length), question)) return undefined
  const ttls: number[] = []
  let [ttl, negative, rcode] = [MOST_SECONDS, undefined as number | undefined, flags & 15]
  const counts = [message.readUInt16BE(6), message.readUInt16BE(8), message.readUInt16BE(10)] as const
  let left = MOST_RECORDS
  let at = HEADER + question.length
  for (const [section, count] of counts.entries()) {
    for (let n = count; n > 0; n--) {
      const fixed = pastName(message, at)
      if (fixed === undefined || fixed + 10 > message.length || left-- === 0) return undefined
      const end = fixed + 10 + message.readUInt16BE(fixed + 8)
      if (end > message.length) return undefined
      const type = message.readUInt16BE(fixed)
      if (type === TYPE.OPT) {
        if (query.edns === undefined) return undefined
        rcode |= message.readUInt8(fixed + 4) << 4
        message.writeUInt16BE(UDP_MOST, fixed + 2)
      } else {
        ttls.push(fixed + 4)
        // The highest bit set means nothing (RFC 2181 §8).
        const seconds = message.readUInt32BE(fixed + 4) & 0x7FFFFFFF
        ttl = Math.min(ttl, seconds)
        if (section === 1 && type === TYPE.SOA && end - fixed >= 30) negative = Math.min(seconds, message.readUInt32BE(end - 4))
      }
      at = end
    }
  }
  if (rcode === RCODE.nxdomain || (rcode === RCODE.none && counts[0] === 0)) ttl = Math.min(ttl, negative ?? 0, MOST_NEGATIVE_SECONDS)
  else if (rcode !== RCODE.none) ttl = 0
  const truncated = (flags & TC) !== 0
  return { bytes: message, rcode, truncated, ttl: truncated ? 0 : ttl, ttls }
}

/** The answer for one client, `age` seconds after it came: with its id, the letters as it wrote them, and times to live that have run on. */
export function forClient ({ bytes, ttls }: Answer, query: Query, age: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt16BE(query.id, 0)
  // We are no authority for it, and recursion was done.
  copy.writeUInt16BE((copy.readUInt16BE(2) & ~(AA | RD)) | RA | (query.flags & RD), 2)
  copy.set(query.question, HEADER)
  for (const at of ttls) copy.writeUInt32BE(Math.max(0, (copy.readUInt32BE(at) & 0x7FFFFFFF) - age), at)
  return copy
}

/** Where a name ends that may be compressed. */
function pastName (message: Buffer, from: number): number | undefined {
  for (let at = from; at < message.length && at - from < 256;) {
    const length = message[at] as number
    if (length === 0) return at + 1
    if (length >= 0xC0) return at + 2
    if (length > 63) return undefined
    at += 1 + length
  }
  return undefined
}

/** But for the case of letters: not every resolver keeps it. */
function sameQuestion (a: Uint8Array, b: Uint8Array): boolean {
  const { length } = b
  for (let i = 0; i < length; i++) {
    if (a[i] === b[i]) continue
    // Type and class have no letters.
    if (i >= length - 4 || lower(a[i] as number) !== lower(b[i] as number)) return false
  }
  return a.length === length
}

function lower (byte: number): number {
  return byte >= 0x41 && byte <= 0x5A ? byte + 0x20 : byte
}
