import { expect, it } from 'vitest'
import { nearest } from './nearest.ts'

for (const [given, meant] of [['patt', 'pat'], ['outbond', 'outbound'], ['dns-insid', 'dns-inside'], ['xyzzy', undefined], ['', undefined], ['conf', 'conflict']] as const) {
  it(`'${given}' is ${meant === undefined ? 'nothing that is known' : `meant for '${meant}'`}`, () => {
    expect(nearest(given, ['pat', 'outbound', 'dns', 'dns-inside', 'conflict'])).toBe(meant)
  })
}
