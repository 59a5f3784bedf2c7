// The verdict of now of every subject: a domain, or one direction of a pair.
import type { FleetVerdict } from '@dialtone/contracts'
import { hash } from 'node:crypto'
import { parsed, textOf, type Sql } from './sql.ts'

export type HalfRow = {
  key: string, domain: string, peer?: string, direction?: 'out' | 'in'
  /** Since when it has this state and cause. */
  since: number
  /** So many answers in a row said so, and whose answers are counted. */
  same: number, counted?: string
  verdict: FleetVerdict
}

export type Halves = { each: () => Iterable<HalfRow>, verdict: (key: string) => FleetVerdict | undefined, put: (half: HalfRow) => void, count: (key: string, same: number) => void, drop: (key: string) => void, /** What was rolled back was not written. */ forget: () => void }

export function createHalves (sql: Sql): Halves {
  /** Of what was written last, so that a verdict that is worked out again and says the same is not written again. */
  const written = new Map<string, string>()
  return {
    each: function * () {
      for (const row of sql.each('SELECT * FROM halves')) {
        const [peer, counted] = [textOf(row['peer']), textOf(row['counted'])]
        yield {
          key: String(row['key']), domain: String(row['domain']), ...(peer === undefined ? {} : { peer, direction: String(row['direction']) as 'out' | 'in' }),
          since: Number(row['since']), same: Number(row['same']), ...(counted === undefined ? {} : { counted }), verdict: parsed(String(row['body'])) as FleetVerdict,
        }
      }
    },
    verdict: key => {
      const row = sql.get('SELECT body FROM halves WHERE key = ?', key)
      return row === undefined ? undefined : parsed(String(row['body'])) as FleetVerdict
    },
    put: ({ key, domain, peer, direction, since, same, counted, verdict }) => {
      const body = JSON.stringify(verdict)
      const digest = hash('sha256', `${since} ${same} ${counted ?? ''} ${body}`, 'base64').slice(0, 22)
      if (written.get(key) === digest) return
      written.set(key, digest)
      // Into the row that is there: they are large, and moved ones leave holes.
      sql.run('INSERT INTO halves (key, domain, peer, direction, since, same, counted, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET since = excluded.since, same = excluded.same, counted = excluded.counted, body = excluded.body', key, domain, peer ?? null, direction ?? null, since, same, counted ?? null, body)
    },
    count: (key, same) => {
      written.delete(key)
      sql.run('UPDATE halves SET same = ? WHERE key = ?', same, key)
    },
    drop: key => {
      written.delete(key)
      sql.run('DELETE FROM halves WHERE key = ?', key)
    },
    forget: () => written.clear(),
  }
}
