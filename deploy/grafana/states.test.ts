import { STATES as WORDS } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { COLOURS, STATES } from './states.ts'

/** Where Grafana draws, in its light and its dark theme. */
const CANVAS = ['#ffffff', '#181b1f']

it('the states are those of the contract, by their numbers', () => {
  expect(STATES.map(({ state }) => state)).toEqual(WORDS)
})

it('every colour stands out by 3:1 in both themes', () => {
  for (const [name, colour] of Object.entries(COLOURS)) for (const canvas of CANVAS) expect(contrast(colour, canvas), `${name} on ${canvas}`).toBeGreaterThanOrEqual(3)
})

/** WCAG 2: of two colours. */
function contrast (one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

function luminance (colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16) / 255).map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
