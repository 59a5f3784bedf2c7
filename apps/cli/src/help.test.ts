import { expect, it } from 'vitest'
import * as help from './help.ts'

for (const [name, text] of Object.entries(help)) {
  it(`${name} is ASCII, since any terminal may have to show it, and fits 80 columns`, () => {
    expect(text).toMatch(/^[\n -~]+$/)
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
  })
}
