/**
 * Records of a segment file: a mark, kind, number, length, checksum, bytes. What does not fit its checksum is not read: the last one of a process that died
 * while it wrote, or one that the disk has spoilt. Reading goes on at the next that is whole, which the mark finds; the numbers say how many are missing.
 */
import { constants, crc32, deflateRawSync, inflateRawSync } from 'node:zlib'

/** What was seen, the same compressed, or numbers of those in this segment that were delivered. */
export type RecordKind = 'body' | 'delivered' | 'packed'

const KINDS: readonly RecordKind[] = ['body', 'delivered', 'packed']
/** No text has these bytes. */
const MARK = Buffer.from([0xf5, 0xd1, 0xa1, 0xff])
const [KIND, NUMBER, LENGTH, SUM] = [4, 5, 9, 13]
export const HEAD_BYTES = 17
/** Of one body that was compressed; none that is written is near it. */
const MOST_UNPACKED = 64 * 2 ** 20

export function recordOf (kind: RecordKind, number: number, bytes: Buffer): Buffer {
  const record = Buffer.allocUnsafe(HEAD_BYTES + bytes.length)
  MARK.copy(record)
  record.writeUInt8(KINDS.indexOf(kind), KIND)
  record.writeUInt32LE(number, NUMBER)
  record.writeUInt32LE(bytes.length, LENGTH)
  bytes.copy(record, HEAD_BYTES)
  record.writeUInt32LE(sumOf(record), SUM)
  return record
}

/**
 * Every whole record, in order. `end`: behind the last of them. `cut`: how many bodies seem to have begun behind it, none of which is whole; whatever is
 * missing before it shows in the numbers.
 */
export function readRecords (file: Buffer, hear: (kind: RecordKind, number: number, offset: number, bytes: Buffer) => void): { end: number, cut: number } {
  let end = 0
  let cut = 0
  for (let at = 0; at >= 0 && at + HEAD_BYTES <= file.length;) {
    const kind = MARK.equals(file.subarray(at, at + MARK.length)) ? KINDS[file.readUInt8(at + KIND)] : undefined
    const next = at + HEAD_BYTES + file.readUInt32LE(at + LENGTH)
    if (kind !== undefined && next <= file.length && sumOf(file.subarray(at, next)) === file.readUInt32LE(at + SUM)) {
      hear(kind, file.readUInt32LE(at + NUMBER), at + HEAD_BYTES, file.subarray(at + HEAD_BYTES, next))
      at = end = next
      cut = 0
    } else {
      if (kind === 'body' || kind === 'packed') cut++
      at = file.indexOf(MARK, at + 1)
    }
  }
  return { end, cut }
}

export function pack (body: Buffer): Buffer {
  return deflateRawSync(body, { level: constants.Z_BEST_SPEED, windowBits: 13, memLevel: 5 })
}

/** Throws where it is nothing that was packed. */
export function unpack (bytes: Buffer): Buffer {
  return inflateRawSync(bytes, { maxOutputLength: MOST_UNPACKED })
}

/** Over all but the mark and the sum itself. */
function sumOf (record: Buffer): number {
  return crc32(record.subarray(HEAD_BYTES), crc32(record.subarray(KIND, SUM)))
}
