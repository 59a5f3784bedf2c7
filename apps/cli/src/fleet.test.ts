// The demo fleet as one vantage sees it: what needs two is left to the test of `up`.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEFAULT_JUDGE_CONFIG, type PeerSpec, type VantageSpec } from '@dialtone/contracts'
import { requestFor } from '@dialtone/ladder'
import { startFleet } from '@dialtone/zoo'
import { expect, it } from 'vitest'
import { check } from './run-check.ts'

it('shows each cause that it promises to the inside vantage, and ten different ones at least', { timeout: 60_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dialtone-fleet-'))
  const stopping = new AbortController()
  const fleet = await startFleet({ signal: stopping.signal, directory })
  try {
    const { spec } = fleet.resources.find(({ kind, name }) => kind === 'Vantage' && name === 'inside') as { spec: VantageSpec }
    const root = await readFile(spec.anchors?.given[0]?.replace('file:', '') ?? '', 'utf8')
    const pairs = fleet.expected.filter(({ peer, cause }) => peer !== undefined && !cause.startsWith('path.'))
    const seen = await Promise.all(pairs.map(async ({ domain: as, peer = '', cause }) => {
      const { profile = 'standard' } = (fleet.resources.find(({ name }) => name === peer)?.spec ?? {}) as PeerSpec
      const { verdict } = await check(requestFor({
        domain: peer, as, vantage: 'inside', resolver: { port: 53, trusted: true, ...spec.resolver, address: spec.resolver?.address ?? '' }, families: [4], allowNets: spec.allowNets ?? [], fallbackPort: spec.fallbackPort ?? 5269,
        anchors: { system: false, given: [root] }, timeoutsMs: { dns: 6000, tcp: 3000, stream: 6000, tls: 6000, close: 500 },
      }), { ...DEFAULT_JUDGE_CONFIG, slowStageMs: 20_000, profile }, stopping.signal)
      return { peer, cause: verdict.cause, expected: cause }
    }))
    expect(seen.filter(({ cause, expected }) => cause !== expected)).toEqual([])
    expect(new Set(fleet.expected.map(({ cause }) => cause)).size).toBeGreaterThanOrEqual(20)
    expect(new Set(fleet.expected.map(({ domain, peer }) => peer ?? domain)).size).toBe(fleet.expected.length)
  } finally {
    await fleet.stop()
    await fleet.stop()
    await rm(directory, { recursive: true })
  }
})

it('stands twice on one machine, on other ports, and says the same resources again at the next start', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dialtone-fleet-'))
  const { signal } = new AbortController()
  const first = await startFleet({ signal, directory })
  const second = await startFleet({ signal, directory })
  await second.stop()
  const third = await startFleet({ signal, directory })
  await Promise.all([first.stop(), third.stop()])
  await rm(directory, { recursive: true })
  expect(third.resources).toEqual(second.resources)
  expect(second.resources).not.toEqual(first.resources)
})
