// What gateways told last of each pair that they carry. Strangers decide how many pairs there are, so that those that were told of longest ago give way.
import type { PairFacts } from '@dialtone/contracts'
import { parsed, type Sql } from './sql.ts'

export type PairFactsKept = {
  /** Keeps it instead of what was kept of the same gateway and pair, which it answers. `at`: when the bus took it, milliseconds: the clock of a gateway may be wrong. */
  put: (facts: PairFacts, at: number) => PairFacts | undefined
  /** Of one pair, by gateway. `toldAt`: when the bus took it, milliseconds. */
  of: (ours: string, peer: string) => { facts: PairFacts, toldAt: number }[]
}

/** Of all pairs and gateways; some 2 KB each. */
const MOST = 100_000
/** Of one pair. */
const MOST_GATEWAYS = 64
const STEP = 100

export function createPairFacts (sql: Sql, most = MOST): PairFactsKept {
  let count = Number(sql.get('SELECT COUNT(*) AS c FROM pair_facts')?.['c'])
  return {
    put: (facts, at) => {
      const { gateway, ours, peer } = facts
      const row = sql.get('SELECT body FROM pair_facts WHERE ours = ? AND peer = ? AND gateway = ?', ours, peer, gateway)
      sql.run('INSERT OR REPLACE INTO pair_facts (ours, peer, gateway, at, body) VALUES (?, ?, ?, ?, ?)', ours, peer, gateway, at, JSON.stringify(facts))
      if (row !== undefined) return parsed(String(row['body'])) as PairFacts
      // By what it counted at the start and since; a transaction that is undone leaves it a little high, which forgets a little earlier.
      if (++count > most) count -= sql.run('DELETE FROM pair_facts WHERE (ours, peer, gateway) IN (SELECT ours, peer, gateway FROM pair_facts ORDER BY at LIMIT ?)', STEP)
      return undefined
    },
    of: (ours, peer) => sql.all('SELECT at, body FROM pair_facts WHERE ours = ? AND peer = ? ORDER BY gateway LIMIT ?', ours, peer, MOST_GATEWAYS).map(row => ({ facts: parsed(String(row['body'])) as PairFacts, toldAt: Number(row['at']) })),
  }
}
