/** What goes wrong when, by a seed: in every second one fault of every kind, at any moment of it, with numbers that say what it hits. */
export type Fault<Kind extends string> = { at: number, kind: Kind, picks: readonly [number, number, number] }

/** In order of time, milliseconds from 0, for so many seconds. */
export function faultsOf<Kind extends string> (seed: number, seconds: number, kinds: readonly Kind[]): Fault<Kind>[] {
  const next = randomOf(seed)
  const pick = () => Math.floor(next() * 1_000_000)
  const faults: Fault<Kind>[] = []
  for (let second = 0; second < seconds; second++) for (const kind of kinds) faults.push({ at: Math.floor((second + next()) * 1000), kind, picks: [pick(), pick(), pick()] })
  return faults.toSorted((a, b) => a.at - b.at)
}

/** The seed of a run: given, to run it again, or new; printed either way. */
export function seedOf (what: string): number {
  const seed = Number(process.env['DIALTONE_SOAK_SEED'] ?? Date.now() % 1_000_000)
  process.stdout.write(`${what}: DIALTONE_SOAK_SEED=${seed}\n`)
  return seed
}

/** What happened last, for whoever reads of a failure. */
export function createDiary (most = 80): { note: (text: string) => void, text: () => string } {
  const began = performance.now()
  const lines: string[] = []
  return {
    note: text => {
      lines.push(`${((performance.now() - began) / 1000).toFixed(3)} ${text}`)
      if (lines.length > most) lines.shift()
    },
    text: () => lines.join('\n'),
  }
}

/** Numbers from 0 up to 1 (mulberry32). */
function randomOf (seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6D2B79F5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
