import type { Pair } from '@dialtone/stream'

/** The other direction: what an answer carries. */
export function reversed ({ from, to }: Pair): Pair {
  return { from: to, to: from }
}
