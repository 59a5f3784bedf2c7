// What the zoo's scenarios look like when they are checked: the texts from which the observations of the benchmark are made.
import { observe, requestFor } from '@dialtone/ladder'
import { DOMAIN, SCENARIOS, startScenario } from '@dialtone/zoo'

/** Scenarios that wait for time-outs, or need a listener, are not run. */
const PATIENCE_MS = 4000
const AT_ONCE = 6

/** JSON of observations, each of at least 6 KB in the median. */
export async function zooObservations (): Promise<string[]> {
  const queue = SCENARIOS.filter(scenario => scenario.deep === undefined && scenario.again === undefined).values()
  const seen: string[] = []
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const scenario of queue) {
      const patience = AbortSignal.timeout(PATIENCE_MS)
      try {
        const running = await startScenario(scenario, patience)
        try {
          const observation = await observe(requestFor(running.request), { signal: patience })
          if (observation.domain === DOMAIN) seen.push(JSON.stringify(observation))
        } finally {
          await running.stop()
        }
      } catch (error) {
        if (!patience.aborted && !(error instanceof Error && 'code' in error)) throw error
      }
    }
  }))
  const sorted = seen.toSorted((a, b) => a.length - b.length)
  // Short ones (no address, no connection) are left out until half of them have 6 KB.
  while (sorted.length > 1 && (sorted[Math.floor(sorted.length / 2)] ?? '').length < 6144) sorted.shift()
  if (sorted.length < 5) throw new Error(`only ${sorted.length} scenarios of the zoo could be observed`)
  return sorted
}
