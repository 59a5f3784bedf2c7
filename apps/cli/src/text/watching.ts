// What a watch prints: a line for each change, and what it came to in the end. Lines are only added, so a pipe and a log can read them.
import type { State } from '@dialtone/contracts'
import { wrap, type Terminal } from '../terminal.ts'
import type { Change, Standing, Summary } from '../watching.ts'
import { milliseconds } from './endpoints.ts'
import { STATE_COLOUR } from './states.ts'


/** Time, old and new state and cause, then the sentence. */
export function changeText ({ at, from, to, lastedMs }: Change, { paint, shapes, columns }: Terminal): string {
  const arrow = `${shapes.line}${shapes.to}`
  const named = (state: State, cause: string) => paint(STATE_COLOUR[state], `${shapes[state]} ${state} ${cause}`)
  const old = from === undefined ? '' : `${from.state} ${from.cause} ${arrow} `
  const halves = to.pair === undefined ? [] : (['out', 'in'] as const).flatMap(direction => {
    const half = to.pair?.[direction]
    if (half === undefined || (from?.[direction] !== undefined && sameHalf(from[direction], half))) return []
    return [`${direction}: ${named(half.state, half.cause)}  ${half.sentence}`]
  })
  return [
    `${paint('dim', clockOf(at))}  ${old}${named(to.state, to.cause)}${lastedMs === undefined ? '' : paint('dim', `  after ${spanOf(lastedMs)}`)}`,
    ...[to.sentence, ...halves].map(line => `          ${wrap(line, columns - 10, '          ')}`), '',
  ].join('\n')
}

/** One JSON object, on one line. */
export function changeJson ({ at, from, to, lastedMs }: Change, about: { domain: string, as: string | null }): string {
  const { state, cause, side, confidence, sentence, pair } = to
  return JSON.stringify({ on: 'change', at: at.toISOString(), ...about, from: from ?? null, to: { state, cause, side, confidence, sentence, ...(pair === undefined ? {} : { pair }) }, ...(lastedMs === undefined ? {} : { lastedMs: Math.round(lastedMs) }) }) + '\n'
}

/** How many checks, how long in each state, how long checks took. */
export function summaryText ({ checks, ms, inState, total }: Summary): string {
  if (checks === 0) return 'no check was finished\n'
  const states = (Object.entries(inState) as [State, number][]).filter(([, time]) => time > 0).map(([state, time]) => `${state} ${spanOf(time)}`)
  return [
    `${checks} ${checks === 1 ? 'check' : 'checks'} in ${spanOf(ms)}${states.length === 0 ? '' : `: ${states.join(', ')}`}`,
    ...(total === undefined ? [] : [`a check took ${milliseconds(total.min)} ms at least, ${milliseconds(total.median)} ms in the median${total.of < checks ? ` of the last ${total.of}` : ''}, ${milliseconds(total.max)} ms at most`]),
    '',
  ].join('\n')
}

function sameHalf (a: NonNullable<Standing['out']>, b: NonNullable<Standing['out']>): boolean {
  return a.state === b.state && a.cause === b.cause
}

/** UTC, as logs of servers are compared by. */
function clockOf (at: Date): string {
  return at.toISOString().slice(0, 19).replace('T', ' ') + 'Z'
}

/** Two units are enough: 2 h 6 m. */
export function spanOf (ms: number): string {
  const seconds = Math.round(ms / 1000)
  const parts = [[Math.floor(seconds / 86_400), 'd'], [Math.floor(seconds / 3600) % 24, 'h'], [Math.floor(seconds / 60) % 60, 'm'], [seconds % 60, 's']] as const
  const first = parts.findIndex(([count]) => count > 0)
  return first < 0 ? '0 s' : parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(' ')
}
