/**
 * What was seen and is not yet on the bus, on disk. Every observation is written here before it is published, and marked when the bus has it; so that
 * neither a bus that is away nor a process that is killed between publishing and the answer loses one. What is then published again has the same
 * id. Bounded by bytes and count: the oldest segment goes first, and what was in it is counted.
 *
 * Written is at once with the system, so that `kill -9` loses nothing; it is synchronised to the disk every second, so that a power cut loses a second.
 */
import { setInterval } from 'node:timers'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { OperatorError, type Stoppable } from '@dialtone/kernel'
import { openSegment, type Segment } from './segment.ts'

export type Spooled = { readonly segment: number, readonly number: number }

export type Spool = Stoppable & {
  /** Written when it returns; false where it could not be (the disk is full): counted as dropped. */
  put: (body: Buffer) => Spooled | undefined
  /** The oldest that wait, in order. */
  oldest: (most: number) => { at: Spooled, /** Reads it; before anything is done or put. */ body: () => Buffer }[]
  /** The bus has it, or it can never be delivered. */
  done: (at: Spooled) => void
  counts: () => { waiting: number, bytes: number, dropped: number }
}

export type SpoolOptions = { directory: string, mostBytes: number, mostCount: number, /** What became of records: told in a sentence. */ told?: (event: { what: 'torn' | 'damaged' | 'dropped' | 'full', count: number }) => void, syncEveryMs?: number }

const SYNC_EVERY_MS = 1000
/** What waits behind so many others is compressed: it is not delivered at once, and an hour without the bus is to have room. */
const PACKED_FROM = 1000
const NAME = /^(\d{12})\.spool$/

/** Opens what is left of the last run. Throws an OperatorError where the directory cannot be used. */
export function openSpool ({ directory, mostBytes, mostCount, told = () => undefined, syncEveryMs = SYNC_EVERY_MS }: SpoolOptions): Spool {
  const segments = new Map<number, Segment>()
  const segmentBytes = Math.max(65_536, Math.min(16 * 2 ** 20, Math.floor(mostBytes / 8)))
  const segmentCount = Math.max(16, Math.floor(mostCount / 8))
  let inCurrent = 0
  let dropped = 0
  let next = 1
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    for (const name of readdirSync(directory).sort()) {
      const number = Number(NAME.exec(name)?.[1] ?? 0)
      if (number === 0) continue
      const { segment, torn, lost } = openSegment(join(directory, name))
      if (torn) told({ what: 'torn', count: 1 })
      if (lost > 0) {
        dropped += lost
        told({ what: 'damaged', count: lost })
      }
      next = Math.max(next, number + 1)
      if (segment.waiting === 0) segment.drop()
      else segments.set(number, segment)
    }
  } catch (error) {
    throw new OperatorError('spool-unusable', `the directory ${directory} cannot hold the spool (${codeOf(error)}): make it writable for the agent, or name another state directory`)
  }

  const total = (of: (segment: Segment) => number) => { let sum = 0; for (const segment of segments.values()) sum += of(segment); return sum }
  const drop = (number: number, segment: Segment) => {
    segments.delete(number)
    segment.drop()
  }
  const current = (): [number, Segment] => {
    const last = segments.get(next - 1)
    if (last !== undefined && inCurrent > 0 && last.bytes < segmentBytes && inCurrent < segmentCount) return [next - 1, last]
    inCurrent = 0
    const { segment } = openSegment(join(directory, `${String(next).padStart(12, '0')}.spool`))
    segments.set(next, segment)
    if (last !== undefined && last.waiting === 0) drop(next - 1, last)
    return [next++, segment]
  }
  /** Whole segments, so that nothing is rewritten; never the one that is written to. */
  const makeRoom = (wanted: number) => {
    for (const [number, segment] of segments) {
      if (number === next - 1 || (total(each => each.bytes) + wanted <= mostBytes && total(each => each.waiting) < mostCount)) return
      dropped += segment.waiting
      told({ what: 'dropped', count: segment.waiting })
      drop(number, segment)
    }
  }
  const sync = () => {
    for (const segment of segments.values()) segment.sync().catch(() => told({ what: 'full', count: 0 }))
  }
  const timer = setInterval(sync, syncEveryMs)
  timer.unref()

  return {
    put: body => {
      makeRoom(body.length)
      try {
        const [segment, file] = current()
        inCurrent++
        return { segment, number: file.append(body, total(each => each.waiting) >= PACKED_FROM) }
      } catch {
        dropped++
        told({ what: 'full', count: 1 })
        // What was begun is torn: nothing more is written behind it.
        inCurrent = 0
        return undefined
      }
    },
    oldest: most => {
      const found: { at: Spooled, body: () => Buffer }[] = []
      for (const [number, segment] of segments) {
        for (const place of segment.pending(0, most - found.length)) found.push({ at: { segment: number, number: place }, body: () => segment.read(place) })
        if (found.length >= most) break
      }
      return found
    },
    done: at => {
      const segment = segments.get(at.segment)
      if (segment === undefined) return
      segment.delivered(at.number)
      if (segment.waiting === 0 && at.segment !== next - 1) drop(at.segment, segment)
    },
    counts: () => ({ waiting: total(({ waiting }) => waiting), bytes: total(({ bytes }) => bytes), dropped }),
    stop: async () => {
      clearInterval(timer)
      for (const [number, segment] of segments) {
        if (segment.waiting === 0) drop(number, segment)
        else {
          await segment.sync().catch(() => undefined)
          segment.close()
        }
      }
      segments.clear()
    },
  }
}

function codeOf (error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
