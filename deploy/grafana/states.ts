// How states look on every dashboard: the colours, marks and words of the console. Red is for down alone; unknown is never green.
import { MappingType, type ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard'

/** A dashboard has one colour for both themes of Grafana: these have a contrast of 3:1 and more on either. Colour repeats what word and mark say. */
export const COLOURS = { up: '#2a9d8f', degraded: '#c97a12', down: '#e0434f', unknown: '#7d8798', held: '#5b86e5', plain: '#6f8fb3' } as const
export type Colour = keyof typeof COLOURS

/** By the numbers of `dialtone_state`. */
export const STATES = [
  { state: 'up', shown: '● up' },
  { state: 'degraded', shown: '▲ degraded' },
  { state: 'down', shown: '✖ down' },
  { state: 'unknown', shown: '◇ unknown' },
] as const

/** Numbers, each with its word and its colour. */
export function words (of: Readonly<Record<string, { text: string, colour: Colour }>>): ValueMapping[] {
  return [{
    type: MappingType.ValueToText,
    options: Object.fromEntries(Object.entries(of).map(([value, { text, colour }], index) => [value, { text, color: COLOURS[colour], index }])),
  }]
}

export const STATE_WORDS = words(Object.fromEntries(STATES.map(({ state, shown }, number) => [number, { text: shown, colour: state }])))
/** What is 1 when it is well and 0 when it is not. */
export const WELL_WORDS = words({ 1: { text: '● yes', colour: 'up' }, 0: { text: '✖ no', colour: 'down' } })
/** The numbers of `dialtone_agent_trouble`. */
export const TROUBLE_WORDS = words({ 0: { text: '● none', colour: 'up' }, 1: { text: '▲ a finding', colour: 'degraded' }, 2: { text: '◇ set aside', colour: 'unknown' } })
