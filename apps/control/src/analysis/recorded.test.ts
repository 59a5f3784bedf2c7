// Observations as releases recorded them: each file in recorded/ stays as it is, and must be readable for ever.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Observation, ObservationRecorded } from '@dialtone/contracts'
import { Observation as ObservationSchema, firstProblem } from '@dialtone/contracts/schemas'
import { NO_LOGGER, NO_METER } from '@dialtone/kernel'
import { openStore } from '@dialtone/store'
import { expect, it } from 'vitest'
import { createAnalysis } from './analysis.ts'
import { createSlices } from './slices.ts'
import { OURS, delivery, handClock, usualConfiguration } from './test-support/rig.ts'

const folder = join(import.meta.dirname, 'recorded')
const files = globSync('*.json', { cwd: folder })

it('there are recorded observations', () => expect(files.length).toBeGreaterThan(0))

for (const file of files) {
  it(`${file} is accepted, judged, and given back as it was`, async () => {
    const observation = { ...JSON.parse(readFileSync(join(folder, file), 'utf8')) as Observation, vantage: 'north' }
    expect(firstProblem(ObservationSchema, observation)).toBeUndefined()
    const { record, back, half } = await taken(observation)
    expect(back).toEqual(record)
    expect(half?.cause).not.toBe('unknown')
    expect(half?.agreement.outside).toBe(1)
  })

  it(`${file} with fields of a later release loses none of them`, async () => {
    const recorded = { ...JSON.parse(readFileSync(join(folder, file), 'utf8')) as Observation, vantage: 'north' }
    const later = { ...recorded, moreOfIt: { is: 'known later' }, endpoints: recorded.endpoints.map(endpoint => ({ ...endpoint, quic: true })) }
    const { record, back, half } = await taken(later)
    expect(back).toEqual(record)
    expect(half?.cause).toBe((await taken(recorded)).half?.cause)
  })
}

async function taken (observation: Observation) {
  const clock = handClock()
  const store = openStore({ file: ':memory:', clock })
  const configuration = usualConfiguration()
  configuration.put('Peer', observation.domain, {})
  const analysis = createAnalysis({ store, configuration, slices: createSlices(clock), meter: NO_METER, logger: NO_LOGGER, clock })
  const record: ObservationRecorded = { v: 1, id: 'observation-1', agent: 'north-1', vantage: 'north', target: `control:${observation.domain}`, job: 'control', observation }
  await analysis.take([delivery(record, 1)])
  const half = analysis.board.get(`${OURS}>${observation.domain}`)?.halves[0]
  const back = store.observations.get('observation-1')
  store.close()
  return { record, back, half }
}
