import { expect, it } from 'vitest'
import { SCENARIOS, startScenario } from '@dialtone/zoo'
import { observe } from '../observe.ts'
import { requestFor } from '../request.ts'
import { connectionsOf, refused, troubled } from './facts.ts'

for (const [name, is] of [
  ['healthy', { troubled: false, refused: false, connections: 2 }], // and a second look without a server name
  ['refused', { troubled: true, refused: false, connections: 1 }],
  ['servfail', { troubled: true, refused: false, connections: 0 }],
  ['no-such-domain', { troubled: true, refused: false, connections: 0 }],
  ['policy-at-open', { troubled: true, refused: true }],
  ['healthy-two-targets', { troubled: false, refused: false, connections: 4 }],
] as const) {
  it(`of ${name}`, async () => {
    const scenario = SCENARIOS.find(each => each.name === name)
    if (scenario === undefined) throw new Error(`there is no scenario ${name}`)
    const running = await startScenario(scenario, AbortSignal.timeout(20_000))
    try {
      const observation = await observe(requestFor(running.request), { signal: AbortSignal.timeout(20_000) })
      expect({ troubled: troubled(observation), refused: refused(observation), ...('connections' in is ? { connections: connectionsOf(observation) } : {}) }).toEqual(is)
    } finally {
      await running.stop()
    }
  })
}
