/**
 * Who has to be judged again, since when and because of what: each once. What others do to a pair waits a little, in the time of the stream: by then it may have
 * been judged for a reason of its own, and many of them count as one.
 */
import type { Subject } from '@dialtone/contracts'
import { keyOf } from './board.ts'
import type { Expectations } from './expectations.ts'
import type { Because } from './judging.ts'

export type Due = { key: string, subject: Subject, at: number, because: Because }

export type Agenda = {
  /** `at`: since when it counts. `now`: the time of the stream. */
  mark: (subject: Subject, because: Because, at: number, now: number) => void
  /** Takes the first away. */
  next: () => Due | undefined
  /** When those who wait are due; undefined while nobody waits. */
  readonly ripeAt: number | undefined
  /** Those who waited are due at `now`. */
  ripen: (now: number) => void
  drop: (key: string) => void
  /** Time was set back: nobody waits for longer than they would from there. */
  turnBack: (to: number) => void
  clear: () => void
}

const OTHERS_MS = 1000

export function createAgenda (expectations: Pick<Expectations, 'has'>): Agenda {
  const due = new Map<string, Due>()
  const waiting = new Map<string, Subject>()
  let ripeAt = 0
  const drop = (key: string): void => {
    due.delete(key)
    waiting.delete(key)
  }
  return {
    mark: ({ domain, peer }, because, at, now) => {
      const subject = { domain, ...(peer === undefined ? {} : { peer }) }
      const key = keyOf(subject)
      if (due.has(key) || !expectations.has(subject)) return
      if (because !== 'others' || peer === undefined) due.set(key, { key, subject, at, because })
      else if (!waiting.has(key)) {
        if (waiting.size === 0) ripeAt = now + OTHERS_MS
        waiting.set(key, subject)
      }
    },
    next: () => {
      const [first] = due.values()
      if (first !== undefined) drop(first.key)
      return first
    },
    get ripeAt () { return waiting.size === 0 ? undefined : ripeAt },
    ripen: now => {
      for (const [key, subject] of waiting) if (!due.has(key) && expectations.has(subject)) due.set(key, { key, subject, at: now, because: 'others' })
      waiting.clear()
    },
    drop,
    turnBack: to => { ripeAt = Math.min(ripeAt, to + OTHERS_MS) },
    clear: () => {
      due.clear()
      waiting.clear()
    },
  }
}
