// What became of numbered messages: which arrived, how often, in which order, and how long they took. A count that is right only when all
// arrived is no count, so each number of each pair has a place of its own.

export type Tally = {
  /** A message arrived. */
  count: (pair: number, number: number, sentAtUs: number) => void
  /** So many arrived, doubles too. */
  arrived: () => number
  /** `sent`: how many messages of each pair were sent, numbered from 0. */
  report: (sent: readonly number[]) => TallyReport
}

export type TallyReport = {
  sent: number
  /** Different ones. */
  received: number
  lost: number
  /** Arrivals beside the first. */
  doubled: number
  /** First arrivals after one of the same pair with a higher number. */
  reordered: number
  /** Of no pair, or with a number that was not sent. */
  strange: number
  /** From sending to arrival, where both were measured. */
  p50Ms: number
  p99Ms: number
  maxMs: number
}

/** For numbers below `each` of so many pairs. `nowUs`: given, latencies are kept, one for each arrival. */
export function createTally ({ pairs, each, nowUs }: { pairs: number, each: number, nowUs?: () => number }): Tally {
  const seen = new Uint8Array(pairs * each)
  const highest = new Int32Array(pairs).fill(-1)
  const latencies = nowUs === undefined ? undefined : new Float64Array(pairs * each)
  let [arrived, timed, doubled, reordered, strange] = [0, 0, 0, 0, 0]
  const count = (pair: number, number: number, sentAtUs: number): void => {
    arrived++
    if (pair >= pairs || number >= each) {
      strange++
      return
    }
    const place = pair * each + number
    if (seen[place] === 1) {
      doubled++
      return
    }
    seen[place] = 1
    if (number < (highest[pair] ?? 0)) reordered++
    else highest[pair] = number
    if (latencies !== undefined && nowUs !== undefined) latencies[timed++] = nowUs() - sentAtUs
  }
  const report = (sent: readonly number[]): TallyReport => {
    let [all, received, unsent] = [0, 0, 0]
    for (let pair = 0; pair < pairs; pair++) {
      const were = sent[pair] ?? 0
      all += were
      for (let number = 0; number < each; number++) {
        if (seen[pair * each + number] !== 1) continue
        if (number < were) received++
        else unsent++
      }
    }
    const sorted = latencies?.subarray(0, timed).sort() ?? new Float64Array(0)
    const at = (share: number): number => sorted.length === 0 ? Number.NaN : (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) / 1000
    return { sent: all, received, lost: all - received, doubled, reordered, strange: strange + unsent, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
  }
  return { count, arrived: () => arrived, report }
}
