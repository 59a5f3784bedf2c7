/** One file of the spool: bodies in the order in which they came, and which of them are delivered. */
import { closeSync, fdatasync, fstatSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs'
import { createPlaces } from './places.ts'
import { HEAD_BYTES, pack, readRecords, recordOf, unpack } from './record.ts'

export type Segment = {
  readonly bytes: number
  /** Bodies that are not delivered. */
  readonly waiting: number
  /** Appends, `packed`: compressed; returns the number of the body. Throws what the file system throws (no space is left, for example). */
  append: (body: Buffer, packed: boolean) => number
  /** Takes note of it; on disk it is with the next append or sync. */
  delivered: (number: number) => void
  /** Numbers of those that wait, oldest first, from `from` on. */
  pending: (from: number, most: number) => number[]
  read: (number: number) => Buffer
  /** What is written is on the disk when it resolves. */
  sync: () => Promise<void>
  close: () => void
  /** Closes, and deletes the file. */
  drop: () => void
}

/**
 * Opens or makes it. What is not whole is skipped. `torn`: the last record was cut; `lost`: so many others that wait cannot be read, which is told once: it
 * is noted with what was delivered.
 */
export function openSegment (path: string): { segment: Segment, torn: boolean, lost: number } {
  const fd = openSync(path, 'a+', 0o600)
  const places = createPlaces()
  let bytes = fstatSync(fd).size
  let waiting = 0
  let firstWaiting = 0
  let dirty = false
  let notes: number[] = []
  let torn = false
  let lost = 0
  if (bytes > 0) {
    const delivered: number[] = []
    const most = bytes / HEAD_BYTES
    const { end, cut } = readRecords(readFileSync(path), (kind, number, offset, held) => {
      if (kind === 'delivered') for (let at = 0; at + 4 <= held.length; at += 4) delivered.push(held.readUInt32LE(at))
      else if (number < most) places.put(number, { offset, length: held.length, packed: kind === 'packed' })
    })
    for (const number of delivered) places.deliver(number)
    for (let number = 0; number < places.count; number++) {
      const state = places.state(number)
      if (state === 'waiting') waiting++
      if (state !== 'missing') continue
      places.deliver(number)
      notes.push(number)
    }
    torn = end < bytes
    lost = notes.length + Math.max(0, cut - 1)
  }
  function mark (number: number): boolean {
    if (places.state(number) !== 'waiting') return false
    places.deliver(number)
    return true
  }
  function write (buffer: Buffer): void {
    for (let at = 0; at < buffer.length;) at += writeSync(fd, buffer, at)
    bytes += buffer.length
    dirty = true
  }
  /** What was delivered since the last of these. */
  function takeNotes (): Buffer[] {
    if (notes.length === 0) return []
    const held = Buffer.allocUnsafe(4 * notes.length)
    for (const [at, number] of notes.entries()) held.writeUInt32LE(number, 4 * at)
    notes = []
    return [recordOf('delivered', 0, held)]
  }
  function writeNotes (): void {
    for (const record of takeNotes()) write(record)
  }
  const segment: Segment = {
    get bytes () { return bytes },
    get waiting () { return waiting },
    append: (body, packed) => {
      const before = takeNotes()
      const offset = before.reduce((sum, { length }) => sum + length, bytes) + HEAD_BYTES
      const held = packed ? pack(body) : body
      const number = places.count
      write(Buffer.concat([...before, recordOf(packed ? 'packed' : 'body', number, held)]))
      waiting++
      places.put(number, { offset, length: held.length, packed })
      return number
    },
    delivered: number => {
      if (!mark(number)) return
      waiting--
      notes.push(number)
    },
    pending: (from, most) => {
      while (places.state(firstWaiting) === 'delivered') firstWaiting++
      const found: number[] = []
      for (let at = Math.max(from, firstWaiting); at < places.count && found.length < most; at++) if (places.state(at) === 'waiting') found.push(at)
      return found
    },
    read: number => {
      const place = places.at(number)
      if (place === undefined) throw new TypeError(`the segment has no body ${number}`)
      const held = Buffer.allocUnsafe(place.length)
      for (let at = 0; at < held.length;) {
        const count = readSync(fd, held, at, held.length - at, place.offset + at)
        if (count === 0) throw new TypeError('the segment is shorter than it was')
        at += count
      }
      return place.packed ? unpack(held) : held
    },
    sync: () => {
      writeNotes()
      if (!dirty) return Promise.resolve()
      dirty = false
      return new Promise((resolve, reject) => { fdatasync(fd, error => { if (error === null) resolve(); else reject(error) }) })
    },
    close: () => {
      writeNotes()
      closeSync(fd)
    },
    drop: () => {
      closeSync(fd)
      rmSync(path, { force: true })
    },
  }
  return { segment, torn, lost }
}
