/** One file of the spool: bodies in the order in which they came, and which of them are delivered. */
import { closeSync, fdatasync, fstatSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs'
import { HEAD_BYTES, readRecords, recordOf } from './record.ts'

type Body = { offset: number, length: number, delivered: boolean }

export type Segment = {
  readonly bytes: number
  /** Bodies that are not delivered. */
  readonly waiting: number
  /** Appends; returns the number of the body. Throws what the file system throws (no space is left, for example). */
  append: (body: Buffer) => number
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

/** Opens or makes it. What is torn at its end is skipped: `torn` says so. */
export function openSegment (path: string): { segment: Segment, torn: boolean } {
  const fd = openSync(path, 'a+', 0o600)
  const bodies: Body[] = []
  let bytes = fstatSync(fd).size
  let waiting = 0
  let firstWaiting = 0
  let dirty = false
  let notes: number[] = []
  let torn = false
  if (bytes > 0) {
    const { end } = readRecords(readFileSync(path), (kind, offset, held) => {
      if (kind === 'body') bodies.push({ offset, length: held.length, delivered: false })
      else for (let at = 0; at + 4 <= held.length; at += 4) mark(held.readUInt32LE(at))
    })
    torn = end < bytes
    waiting = bodies.filter(({ delivered }) => !delivered).length
  }
  function mark (number: number): boolean {
    const body = bodies[number]
    if (body === undefined || body.delivered) return false
    body.delivered = true
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
    return [recordOf('delivered', held)]
  }
  function writeNotes (): void {
    for (const record of takeNotes()) write(record)
  }
  const segment: Segment = {
    get bytes () { return bytes },
    get waiting () { return waiting },
    append: body => {
      const before = takeNotes()
      const offset = before.reduce((sum, { length }) => sum + length, bytes) + HEAD_BYTES
      write(Buffer.concat([...before, recordOf('body', body)]))
      waiting++
      return bodies.push({ offset, length: body.length, delivered: false }) - 1
    },
    delivered: number => {
      if (!mark(number)) return
      waiting--
      notes.push(number)
    },
    pending: (from, most) => {
      while (bodies[firstWaiting]?.delivered === true) firstWaiting++
      const found: number[] = []
      for (let at = Math.max(from, firstWaiting); at < bodies.length && found.length < most; at++) if (bodies[at]?.delivered === false) found.push(at)
      return found
    },
    read: number => {
      const body = bodies[number]
      if (body === undefined) throw new TypeError(`the segment has no body ${number}`)
      const held = Buffer.allocUnsafe(body.length)
      for (let at = 0; at < held.length;) {
        const count = readSync(fd, held, at, held.length - at, body.offset + at)
        if (count === 0) throw new TypeError('the segment is shorter than it was')
        at += count
      }
      return held
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
  return { segment, torn }
}
