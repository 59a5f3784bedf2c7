import type { State } from '@dialtone/contracts'

/** The order of the exit codes is that of Nagios plugins: `dialtone check` is one as it stands. */
export const EXIT_CODE: Record<State, number> = { up: 0, degraded: 1, down: 2, unknown: 3 }

/** Our own or the operator's mistake: nothing was judged. */
export const USAGE = 64

/** Nobody reads the output of a command that goes on for as long as it is read: as if SIGPIPE had ended it (128 + 13). */
export const READER_GONE = 141

/** From bad to good: what is known to be down outranks what nobody could tell. */
const WORST_FIRST: readonly State[] = ['down', 'unknown', 'degraded', 'up']

/** The exit code of several verdicts: that of the worst. */
export function exitCode (states: readonly State[]): number {
  return EXIT_CODE[WORST_FIRST.find(state => states.includes(state)) ?? 'unknown']
}
