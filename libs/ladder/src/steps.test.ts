import { expect, it } from 'vitest'
import { DIRECT_LADDER, STARTTLS_LADDER } from '@dialtone/contracts'
import { createSteps } from './steps.ts'

it('gives each stage its own time and leaves the rest as not asked', () => {
  const times = [0, 4, 4, 9]
  const ended: string[] = []
  const steps = createSteps(DIRECT_LADDER, () => times.shift() ?? 9, step => ended.push(step.stage))
  steps.enter('tcp')
  steps.enter('tls')
  steps.fail({ at: 'tls', why: 'timeout' })
  expect(steps.list()).toEqual([
    { stage: 'tcp', outcome: 'ok', atMs: 0, ms: 4 },
    { stage: 'tls', outcome: 'failed', atMs: 4, ms: 5, failure: { at: 'tls', why: 'timeout' } },
    ...['certificate', 'header', 'features', 'close'].map(stage => ({ stage, outcome: 'not-asked', atMs: 0, ms: 0 })),
  ])
  expect(ended).toEqual(['tcp', 'tls'])
})

it('blames the next stage when something fails between two', () => {
  const steps = createSteps(STARTTLS_LADDER, () => 0, () => undefined)
  steps.enter('tcp')
  steps.finish()
  steps.fail({ at: 'stream', why: 'closed', received: 0 })
  expect(steps.list()[1]).toMatchObject({ stage: 'header', outcome: 'failed' })
})
