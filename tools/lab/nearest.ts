// What somebody may have meant.

/** The word that is fewest letters away (inserted, left out, changed), where that is at most a third of them, or that begins as the given one. */
export function nearest (given: string, words: readonly string[]): string | undefined {
  const [best] = words.map(word => ({ word, far: distance(given, word) })).toSorted((one, other) => one.far - other.far)
  if (best !== undefined && best.far <= Math.max(1, Math.floor(best.word.length / 3))) return best.word
  return given.length < 2 ? undefined : words.find(word => word.startsWith(given) || given.startsWith(word))
}

/** Levenshtein's. */
function distance (one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [index, letter] of one.split('').entries()) {
    const next = [index + 1]
    for (let at = 1; at <= other.length; at++) next.push(Math.min((row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1, (row[at - 1] ?? 0) + (letter === other[at - 1] ? 0 : 1)))
    row = next
  }
  return row[other.length] ?? 0
}
