// How a state looks: its shape, its word, its colour. The word alone says it all.
import type { State } from '@dialtone/contracts'
import type { Colour, Terminal } from '../terminal.ts'

export const STATE_COLOUR: Record<State, Colour> = { up: 'green', degraded: 'yellow', down: 'red', unknown: 'cyan' }

/** `▲ degraded`, padded so that what follows stands in a column. */
export function stateWord (state: State, { paint, shapes }: Terminal, width = 0): string {
  return paint(STATE_COLOUR[state], `${shapes[state]} ${state}`.padEnd(width))
}
