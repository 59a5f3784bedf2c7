/**
 * Records of a segment file: kind, length, checksum, bytes. A record that was being written when the process died is torn: it does not fit its checksum,
 * and neither it nor what follows it is read.
 */
import { crc32 } from 'node:zlib'

/** What was seen, or that it was delivered: the number of its record in this segment. */
export type RecordKind = 'body' | 'delivered'

const KINDS: readonly RecordKind[] = ['body', 'delivered']
export const HEAD_BYTES = 9

export function recordOf (kind: RecordKind, bytes: Buffer): Buffer {
  const record = Buffer.allocUnsafe(HEAD_BYTES + bytes.length)
  record.writeUInt8(KINDS.indexOf(kind), 0)
  record.writeUInt32LE(bytes.length, 1)
  record.writeUInt32LE(crc32(bytes, KINDS.indexOf(kind)), 5)
  bytes.copy(record, HEAD_BYTES)
  return record
}

/** Every whole record from the start; `end`: where the first torn one begins, or the file ends. */
export function readRecords (file: Buffer, hear: (kind: RecordKind, offset: number, bytes: Buffer) => void): { end: number } {
  let at = 0
  while (at + HEAD_BYTES <= file.length) {
    const kind = KINDS[file.readUInt8(at)]
    const length = file.readUInt32LE(at + 1)
    const end = at + HEAD_BYTES + length
    if (kind === undefined || end > file.length) break
    const bytes = file.subarray(at + HEAD_BYTES, end)
    if (crc32(bytes, KINDS.indexOf(kind)) !== file.readUInt32LE(at + 5)) break
    hear(kind, at + HEAD_BYTES, bytes)
    at = end
  }
  return { end: at }
}
