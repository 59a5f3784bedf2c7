/**
 * Observations that are kept in full. The body is JSON without its certificates, which are blobs (`blobs` says which), and without what only people read, which is `told`. Whoever is equal to the one before it
 * is no row here: `same` counts those, `until` is the time of the last.
 */
import type { EndpointObservation, ObservationRecorded, ObservationRow, StoredCertificate } from '@dialtone/contracts'
import { pack, unpack, type Blobs } from './blobs.ts'
import { iso, millis, pageOf, type Page, type Paged } from './page.ts'
import { parsed, textOf, type Row, type Sql } from './sql.ts'

export type KeptObservation = { record: ObservationRecorded, slot: number, failing: boolean }
export type ObservationFilter = { domain?: string, ours?: string, vantage?: string, check?: string, from?: string, to?: string }

export type Observations = {
  /** False: this id is there already. */
  keep: (kept: KeptObservation) => boolean
  /** How often the same was seen after it, and when last. */
  count: (id: string, same: number, until: number) => void
  /** Whole. Without `transcripts`: as a judge needs it, without what only people read (DNS messages too). */
  get: (id: string, options?: { transcripts: boolean }) => ObservationRecorded | undefined
  /** The newest of a slot that is not after a time. */
  newestOf: (slot: number, notAfter: number) => string | undefined
  /** Takes away the oldest of a slot, successes first, but not `except`; false when there is none. */
  dropOldestOf: (slot: number, except: string) => boolean
  drop: (n: number) => void
  list: (filter: ObservationFilter, page: Page) => Paged<ObservationRow>
}

/** The blobs of a body: each certificate by its name. In rows of the first schema DNS messages and transcripts too, which now are `told`. */
type Held = { c: [string, number][], m?: number, t?: number }

/** DNS messages, and transcripts in the order of their connections. They have ids and times in them, so that they hardly ever come again: they go with the row, at its end, where nobody who judges reads them. */
type Told = { m: Record<string, string>, t: EndpointObservation['transcript'][] }

export function createObservations (sql: Sql, blobs: Blobs): Observations {
  const drop = (row: Row | undefined): boolean => {
    if (row === undefined) return false
    const { c, m, t } = parsed(String(row['blobs'])) as Held
    for (const n of [...c.map(([, n]) => n), m, t]) if (n !== undefined) blobs.release(n)
    return sql.run('DELETE FROM observations WHERE n = ?', Number(row['n'])) === 1
  }
  return {
    keep: ({ record, slot, failing }) => {
      const { observation } = record
      const held: Held = { c: Object.entries(observation.certificates).map(([name, certificate]) => [name, blobs.hold(JSON.stringify(certificate))]) }
      const t = [...observation.endpoints, ...observation.deep?.connections ?? []].map(({ transcript }) => transcript)
      const told: Told = { m: observation.messages, t: t.every(({ length }) => length === 0) ? [] : t }
      const at = millis(observation.startedAt)
      const added = sql.run(
        'INSERT OR IGNORE INTO observations (id, slot, at, domain, ours, vantage, agent, job, asked, failing, same, until, blobs, body, told) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)',
        record.id, slot, at, observation.domain, record.ours ?? null, record.vantage, record.agent, record.job, record.check ?? null, failing ? 1 : 0, at, JSON.stringify(held), packed(slim(record)),
        told.t.length === 0 && Object.keys(told.m).length === 0 ? null : packed(told),
      )
      if (added === 0) for (const [, n] of held.c) blobs.release(n)
      return added === 1
    },
    count: (id, same, until) => { sql.run('UPDATE observations SET same = ?, until = ? WHERE id = ?', same, until, id) },
    get: (id, { transcripts } = { transcripts: true }) => {
      const row = sql.get(transcripts ? 'SELECT blobs, body, told FROM observations WHERE id = ?' : 'SELECT blobs, body FROM observations WHERE id = ?', id)
      return row === undefined ? undefined : whole(row, blobs, transcripts)
    },
    newestOf: (slot, notAfter) => textOf(sql.get('SELECT id FROM observations WHERE slot = ? AND at <= ? ORDER BY n DESC LIMIT 1', slot, notAfter)?.['id']),
    dropOldestOf: (slot, except) => drop(sql.get('SELECT n, blobs FROM observations WHERE slot = ? AND id <> ? ORDER BY failing, n LIMIT 1', slot, except)),
    drop: n => { drop(sql.get('SELECT n, blobs FROM observations WHERE n = ?', n)) },
    list: ({ domain, ours, vantage, check, from, to }, page) => {
      const { rows, next } = pageOf(sql, {
        columns: 'o.n, o.id, o.at AS at, o.domain, o.ours, o.vantage, o.agent, o.job, o.asked, COALESCE(s.same, o.same) AS same',
        from: 'observations o LEFT JOIN slots s ON s.n = o.slot AND s.observation = o.id', tie: 'o.n', arrival: true,
        where: [
          domain === undefined ? undefined : ['o.domain = ?', domain], ours === undefined ? undefined : ['o.ours = ?', ours], vantage === undefined ? undefined : ['o.vantage = ?', vantage],
          check === undefined ? undefined : ['o.asked = ?', check], from === undefined ? undefined : ['o.at >= ?', millis(from)], to === undefined ? undefined : ['o.at <= ?', millis(to)],
        ],
      }, page)
      return { rows: rows.map(rowOf), ...(next === undefined ? {} : { next }) }
    },
  }
}

/** Without what is kept apart. */
function slim (record: ObservationRecorded): ObservationRecorded {
  const { observation } = record
  const bare = <C extends { transcript: unknown[] }>(connection: C): C => ({ ...connection, transcript: [] })
  return {
    ...record,
    observation: {
      ...observation, certificates: {}, messages: {}, endpoints: observation.endpoints.map(bare),
      ...(observation.deep === undefined ? {} : { deep: { ...observation.deep, connections: observation.deep.connections.map(bare) } }),
    },
  }
}

function whole (row: Row, blobs: Blobs, transcripts: boolean): ObservationRecorded {
  const record = unpacked(row['body'] as Uint8Array) as ObservationRecorded
  const { c, m, t } = parsed(String(row['blobs'])) as Held
  const { observation } = record
  for (const [name, n] of c) observation.certificates[name] = parsed(blobs.get(n)) as StoredCertificate
  if (!transcripts) return record
  const told: Told = row['told'] instanceof Uint8Array ? unpacked(row['told']) as Told : {
    m: m === undefined ? {} : parsed(blobs.get(m)) as Told['m'], t: t === undefined ? [] : parsed(blobs.get(t)) as Told['t'],
  }
  observation.messages = told.m
  for (const [at, connection] of [...observation.endpoints, ...observation.deep?.connections ?? []].entries()) connection.transcript = told.t[at] ?? []
  return record
}

/** How it is packed, and then it. */
function packed (value: object): Buffer {
  const [how, body] = pack(Buffer.from(JSON.stringify(value)))
  return Buffer.concat([Buffer.of(how), body])
}

function unpacked (bytes: Uint8Array): unknown {
  return parsed(unpack(bytes[0] ?? 0, bytes.subarray(1)))
}

function rowOf (row: Row): ObservationRow {
  const [ours, check] = [textOf(row['ours']), textOf(row['asked'])]
  return {
    id: String(row['id']), at: iso(row['at']), domain: String(row['domain']), ...(ours === undefined ? {} : { ours }), vantage: String(row['vantage']), agent: String(row['agent']),
    job: String(row['job']) as ObservationRow['job'], ...(check === undefined ? {} : { check }), full: true, same: Number(row['same']),
  }
}
