// What a signal to stop means when it is not the first: npm passes on what the terminal gave to everybody already, and people press twice.

/** Signals that come closer than this are one. */
const ONE_PRESS_MS = 400
/** So long what is being ended has time to end as it should. */
const PATIENT_MS = 10_000

/** To be asked at each signal. The first stops; a second is ignored for 10 s; a third, or a second after that, forces. `now`: milliseconds. */
export function stopSignals (now: () => number): () => 'stop' | 'ignore' | 'force' {
  let first: number | undefined
  let last = -Infinity
  let presses = 0
  return () => {
    const at = now()
    const again = at - last < ONE_PRESS_MS
    last = at
    if (first === undefined) {
      first = at
      presses = 1
      return 'stop'
    }
    if (again) return 'ignore'
    presses++
    return presses > 2 || at - first > PATIENT_MS ? 'force' : 'ignore'
  }
}
