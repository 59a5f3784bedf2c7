import type { State } from '@dialtone/contracts'

/** The order of the exit codes is that of Nagios plugins: `dialtone check` is one as it stands. */
export const EXIT_CODE: Record<State, number> = { up: 0, degraded: 1, down: 2, unknown: 3 }

/** Our own or the operator's mistake: nothing was judged. */
export const USAGE = 64

/** Nobody reads the output of a command that goes on for as long as it is read: as if SIGPIPE had ended it (128 + 13). */
export const READER_GONE = 141

/** What stopped a command that asks a control API, by the code of the OperatorError; sysexits.h. Every other is a usage error. */
const EXIT_OF_ERROR: Readonly<Record<string, number>> = {
  // EX_UNAVAILABLE: nobody there, not what we expect there, or it failed.
  'server-unreachable': 69, 'server-timeout': 69, 'server-failed': 69, 'server-older': 69, 'no-server': 69, 'bus-unreachable': 69,
  // EX_NOINPUT: nothing has this name. EX_CANTCREAT: something has it already.
  'not-found': 66, 'exists': 73, 'token-exists': 73,
  // EX_TEMPFAIL: the same again later may work.
  'try-later': 75, 'conflict': 75,
  // EX_NOPERM.
  'not-allowed': 77, 'bus-refused': 77,
  // EX_CONFIG: what was to be applied, or what this process was told to stand on.
  'configuration': 78, 'port-taken': 78, 'state-locked': 78, 'state-unwritable': 78, 'store-corrupt': 78, 'store-in-use': 78, 'store-unreadable': 78,
}

/** The exit code of an OperatorError. */
export function exitOfError (code: string): number {
  return EXIT_OF_ERROR[code] ?? USAGE
}

/** From bad to good: what is known to be down outranks what nobody could tell. */
const WORST_FIRST: readonly State[] = ['down', 'unknown', 'degraded', 'up']

/** The exit code of several verdicts: that of the worst. */
export function exitCode (states: readonly State[]): number {
  return EXIT_CODE[WORST_FIRST.find(state => states.includes(state)) ?? 'unknown']
}
