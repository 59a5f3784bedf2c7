/** Remembers what a server has logged so far. Returns its lines since then; several files may grow at once, so that lines are told apart and not places. */
export function linesSince ({ logs }: { logs: () => string }): () => string {
  const before = countOf(logs())
  return () => {
    const left = new Map(before)
    return logs().split('\n').filter(line => {
      const times = left.get(line) ?? 0
      left.set(line, times - 1)
      return times <= 0
    }).join('\n')
  }
}

function countOf (text: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const line of text.split('\n')) counts.set(line, (counts.get(line) ?? 0) + 1)
  return counts
}
