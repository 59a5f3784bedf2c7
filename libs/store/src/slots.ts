/**
 * The latest of every slot: one vantage, one target, one depth. `observation` is the full one that stands for it, `same` how often the same was seen after that,
 * `at` when it was last seen, `heard` when the bus took that.
 */
import type { Job } from '@dialtone/contracts'
import { textOf, type Row, type Sql } from './sql.ts'

export type SlotRow = {
  /** Given by who makes it: unlike any other. */
  n: number
  key: string, vantage: string, agent: string, target: string, job: Job, domain: string, ours?: string, deep: boolean, aside?: 'uplink' | 'clock' | 'event-loop'
  outline: string, observation: string, at: number, heard: number, same: number, failing: boolean,
  /** How many full ones are kept. */
  kept: number
  /** When the full one began: the first of those that are the same. */
  since: number
  /** How it reached an endpoint, and in which networks those are. */
  reach: { tcp: 'reached' | 'unreached' | 'untried', networks: readonly string[] }
}

export type Slots = { all: () => SlotRow[], put: (slot: SlotRow) => void, /** It said the same again. */ touch: (slot: SlotRow) => void, drop: (n: number) => void }

export function createSlots (sql: Sql): Slots {
  return {
    all: () => sql.all('SELECT * FROM slots').map(slotOf),
    put: s => {
      sql.run(
        'INSERT OR REPLACE INTO slots (n, key, vantage, agent, target, job, domain, ours, deep, aside, outline, observation, at, heard, same, failing, kept, since, reach) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
        s.n, s.key, s.vantage, s.agent, s.target, s.job, s.domain, s.ours ?? null, s.deep ? 1 : 0, s.aside ?? null, s.outline, s.observation, s.at, s.heard, s.same, s.failing ? 1 : 0, s.kept, s.since, [s.reach.tcp, ...s.reach.networks].join(' '),
      )
    },
    touch: ({ n, agent, at, heard, same, kept }) => { sql.run('UPDATE slots SET agent = ?, at = ?, heard = ?, same = ?, kept = ? WHERE n = ?', agent, at, heard, same, kept, n) },
    drop: n => { sql.run('DELETE FROM slots WHERE n = ?', n) },
  }
}

function slotOf (row: Row): SlotRow {
  const [ours, aside] = [textOf(row['ours']), textOf(row['aside'])]
  const [tcp, ...networks] = String(row['reach']).split(' ')
  return {
    n: Number(row['n']), key: String(row['key']), vantage: String(row['vantage']), agent: String(row['agent']), target: String(row['target']), job: String(row['job']) as Job, domain: String(row['domain']),
    ...(ours === undefined ? {} : { ours }), deep: row['deep'] === 1, ...(aside === undefined ? {} : { aside: aside as 'uplink' }),
    outline: String(row['outline']), observation: String(row['observation']), at: Number(row['at']), heard: Number(row['heard']), same: Number(row['same']), failing: row['failing'] === 1, kept: Number(row['kept']), since: Number(row['since']),
    reach: { tcp: tcp as 'reached', networks },
  }
}
