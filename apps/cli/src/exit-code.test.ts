import { expect, it } from 'vitest'
import { exitCode } from './exit-code.ts'

for (const [name, states, code] of [
  ['all up', ['up', 'up'], 0],
  ['one of them degraded', ['up', 'degraded'], 1],
  ['a domain that is down outranks one that nobody could tell', ['unknown', 'down', 'up'], 2],
  ['not knowing outranks degraded', ['degraded', 'unknown'], 3],
] as const) it(`${name}: ${code}`, () => expect(exitCode(states)).toBe(code))
