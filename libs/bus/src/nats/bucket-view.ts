/**
 * What a watcher knows of a bucket. Two sources speak at the same time: messages, each with its revision, and readings, which take a while and are about
 * the time since they began. A reading never overrules what was heard after it had begun, and so what is told is always in order.
 */
import type { Document, DocumentChange } from '@dialtone/contracts'
import type { Stored } from './documents.ts'

/** `at`: which of the things that happened to us; `due`: from when on it may be past its time to live; `told`: the watcher has it. */
type Known = { revision: number, at: number, due: number, told: boolean }

export type View = {
  /** The beginning of a reading. */
  mark: () => number
  /** A message. */
  take: (stored: Stored) => void
  /** The end of a reading of everything, or, where it is not `whole`, of as much as is read: who is not in it may be well. */
  settle: (began: number, all: ReadonlyMap<string, Stored>, whole: boolean) => void
  /** The end of a reading of one that is not there. */
  gone: (began: number, key: string) => void
  /** Those of which it should be asked whether they are still there. */
  due: () => string[]
}

export function createView<D> (documentOf: (stored: Stored) => Document<D> | undefined, tell: (change: DocumentChange<D>) => void, ttlMs: number): View {
  const known = new Map<string, Known>()
  /** Removed lately, and when: a reading that began before may still have them. */
  const removed = new Map<string, { revision: number, at: number }>()
  let now = 0

  const forget = (key: string): void => {
    if (known.get(key)?.told === true) tell({ on: 'removed', key })
    known.delete(key)
  }
  const keep = (stored: Stored, due: number): void => {
    const found = documentOf(stored)
    known.set(stored.key, { revision: stored.revision, at: ++now, due, told: found !== undefined || known.get(stored.key)?.told === true })
    if (found !== undefined) tell({ on: 'put', ...found })
  }
  return {
    mark: () => ++now,
    take: stored => {
      const { key, revision, body } = stored
      if (revision <= Math.max(known.get(key)?.revision ?? 0, removed.get(key)?.revision ?? 0)) return
      if (body !== undefined) return keep(stored, performance.now() + ttlMs)
      removed.set(key, { revision, at: ++now })
      forget(key)
    },
    settle: (began, all, whole) => {
      for (const [key, stored] of all) {
        const is = known.get(key)
        const heardSince = (is?.at ?? removed.get(key)?.at ?? 0) > began
        // Other than the one we know, it is newer, or of a bucket that was made anew: how old it is we cannot tell.
        if (heardSince || is?.revision === stored.revision) continue
        if (stored.body === undefined) forget(key)
        else keep(stored, ttlMs === Infinity ? Infinity : performance.now())
      }
      for (const [key, { at }] of whole ? known : []) if (at < began && !all.has(key)) forget(key)
      for (const [key, { at }] of removed) if (at < began) removed.delete(key)
    },
    gone: (began, key) => {
      if ((known.get(key)?.at ?? Infinity) < began) forget(key)
    },
    due: () => [...known].filter(([, { due }]) => due <= performance.now()).map(([key]) => key),
  }
}
