import { CAUSES } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { CAUSE_ALERTS, QUIET_CAUSES } from './alerts.ts'

it('every cause raises one alert, or is quiet on purpose', () => {
  const all = [...Object.values(CAUSE_ALERTS).flat(), ...QUIET_CAUSES]
  expect(all.toSorted()).toEqual([...CAUSES].toSorted())
})
