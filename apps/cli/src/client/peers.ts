// What one name alone means: a domain of ours, or a peer, which stands for its pairs.
import type { OverviewRow } from '@dialtone/contracts'
import type { Api } from './api.ts'
import { allPages } from './command.ts'

/** The pairs of a peer, as they are now or were at `at`; none where the name is a domain of ours, or nothing. */
export async function pairsOf (api: Api, name: string, at?: string): Promise<OverviewRow[]> {
  const own = await allPages<'domains', OverviewRow>(api, '/v1/overview', 'domains', { domain: name, only: 'domains', at }, 1)
  if (own.domains.some(({ domain, peer }) => domain === name && peer === undefined)) return []
  const { domains } = await allPages<'domains', OverviewRow>(api, '/v1/overview', 'domains', { peer: name, at })
  return domains.filter(({ peer }) => peer === name)
}
