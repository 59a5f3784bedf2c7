import { expect, it } from 'vitest'
import { HELP as CONTROL_HELP } from '@dialtone/control'
import { HELP as PROBE_HELP } from '@dialtone/probe'
import * as help from './help.ts'

for (const [name, text] of Object.entries({ ...help, CONTROL_HELP, PROBE_HELP })) {
  it(`${name} is ASCII, since any terminal may have to show it, and fits 80 columns`, () => {
    expect(text).toMatch(/^[\n -~]+$/)
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
  })
}

it('apps are called as they were', () => {
  expect(PROBE_HELP).toMatch(/^dialtone probe: .*\n\n {2}dialtone probe --vantage/)
  expect(CONTROL_HELP).toMatch(/^dialtone control: .*\n\n {2}dialtone control --bus/)
})
