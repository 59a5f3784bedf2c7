/**
 * Certificates, DNS messages and transcripts, each kept once by what it is (half of the SHA-256 of the content, never a digest that somebody claims). Compressed where that
 * pays. Counted by how many observations hold them, and gone with the last.
 */
import { hash as digestOf } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { whole, type Sql } from './sql.ts'

/** Certificates come again and again, so the newest are found without asking the database. */
const KNOWN = 4096
/** Certificates do not become smaller, and what is short is not worth the time. */
const WORTH_PACKING = 4096

export type Blobs = {
  /** The number of the content, one more holder counted. */
  hold: (content: string) => number
  get: (n: number) => string
  /** One holder less. */
  release: (n: number) => void
  /** What was rolled back is not known. */
  forget: () => void
  /** How many there are, by increments. */
  count: number
}

/** `count`: as it was when the file was closed. */
export function createBlobs (sql: Sql, count: number): Blobs {
  const known = new Map<string, number>()
  const blobs: Blobs = {
    count,
    hold: content => {
      const hash = digestOf('sha256', content, 'buffer').subarray(0, 16)
      const name = hash.toString('latin1')
      const cached = known.get(name)
      if (cached !== undefined && sql.run('UPDATE blobs SET refs = refs + 1 WHERE n = ?', cached) === 1) return cached
      const bytes = Buffer.from(content)
      const [packed, body] = pack(bytes)
      const row = sql.get('INSERT INTO blobs (hash, refs, packed, body) VALUES (?, 1, ?, ?) ON CONFLICT (hash) DO UPDATE SET refs = refs + 1 RETURNING n, refs', hash, packed, body)
      const n = Number(row?.['n'])
      if (row?.['refs'] === 1) blobs.count++
      if (known.size >= KNOWN) known.clear()
      known.set(name, n)
      return n
    },
    get: n => {
      const row = sql.get('SELECT packed, body FROM blobs WHERE n = ?', n)
      if (row === undefined) throw new Error(`blob ${n} is not there`)
      return unpack(Number(row['packed']), row['body'] as Uint8Array)
    },
    release: n => {
      sql.run('UPDATE blobs SET refs = refs - 1 WHERE n = ?', n)
      blobs.count -= sql.run('DELETE FROM blobs WHERE n = ? AND refs <= 0', n)
    },
    forget: () => known.clear(),
  }
  return blobs
}

/** 1 and deflated (RFC 1951), or 0 and as it is. */
export function pack (bytes: Buffer): [packed: 0 | 1, body: Buffer] {
  if (bytes.length < WORTH_PACKING) return [0, bytes]
  const small = deflateRawSync(bytes, { level: 1, chunkSize: CHUNK })
  return small.length < bytes.length ? [1, small] : [0, bytes]
}

/** Of the buffers of zlib: what is kept here is of a few kilobytes, and its usual sixteen would be collected late. */
const CHUNK = 4096
/** The most that one text may become: an observation fits many times. */
const MOST_BYTES = 64 << 20

export function unpack (packed: number, body: Uint8Array): string {
  return (packed === 1 ? whole(() => inflateRawSync(body, { maxOutputLength: MOST_BYTES, chunkSize: CHUNK })) : Buffer.from(body.buffer, body.byteOffset, body.byteLength)).toString('utf8')
}
