/**
 * Answers by pair, bounded whoever asks: strangers choose the names of peers. Two generations: when the young one is full the old one is forgotten whole and the young one becomes
 * the old one, so that pairs in use stay and no entry needs a time or a place in a list.
 */

export type PairCache<T> = {
  get: (ours: string, peer: string) => T | undefined
  set: (ours: string, peer: string, value: T) => void
  /** Pairs that are kept; never more than `most`. */
  size: () => number
}

type Generation<T> = { byOurs: Map<string, Map<string, T>>, size: number }

/** `most`: 2 or more. */
export function createPairCache<T> (most: number): PairCache<T> {
  let young = emptyGeneration<T>()
  let old = emptyGeneration<T>()
  const set = (ours: string, peer: string, value: T) => {
    if (young.size >= most / 2) [old, young] = [young, emptyGeneration<T>()]
    let byPeer = young.byOurs.get(ours)
    if (byPeer === undefined) young.byOurs.set(ours, byPeer = new Map())
    if (!byPeer.has(peer)) young.size++
    byPeer.set(peer, value)
  }
  return {
    get: (ours, peer) => {
      const found = young.byOurs.get(ours)?.get(peer)
      if (found !== undefined) return found
      const older = old.byOurs.get(ours)?.get(peer)
      if (older !== undefined) set(ours, peer, older)
      return older
    },
    set,
    size: () => young.size + old.size,
  }
}

function emptyGeneration<T> (): Generation<T> {
  return { byOurs: new Map(), size: 0 }
}
