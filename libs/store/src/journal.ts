// What is told of the fleet over time: changes of what domains show, incidents, announcements to be said, and who did what.
import type { Announcement, AuditEntry, ChangeView, Incident } from '@dialtone/contracts'
import { millis, pageOf, type Page, type Paged } from './page.ts'
import { parsed, textOf, type Row, type Sql } from './sql.ts'

type Period = { from?: string, to?: string }

export type Journal = {
  /** What was last known under a key, to see what changes. */
  fact: (key: string) => string | undefined
  setFact: (key: string, value: string) => void
  /** The first domain of which something is known, from this text on; a key of facts begins with its domain and a space. */
  factOf: (from: string) => string | undefined
  dropFacts: (domain: string) => void
  change: (change: ChangeView) => void
  changes: (filter: { domain?: string, kind?: string } & Period, page: Page) => Paged<ChangeView>
  putIncident: (incident: Incident) => void
  incident: (id: string) => Incident | undefined
  openIncidents: () => Incident[]
  incidents: (filter: { domain?: string, open?: boolean, cause?: string }, page: Page) => Paged<Incident>
  /** To be said by who holds the lease; kept once by id. */
  announce: (announcement: Announcement) => void
  /** Was said, by whomever. */
  said: (id: string, at: number) => void
  unsaid: (limit: number) => Announcement[]
  /** How many are not said. */
  waiting: () => number
  /** False: known already. */
  audit: (entry: AuditEntry) => boolean
  audits: (filter: { actor?: string, subject?: string, action?: string } & Period, page: Page) => Paged<AuditEntry>
}

export function createJournal (sql: Sql): Journal {
  const period = ({ from, to }: Period) => [from === undefined ? undefined : ['at >= ?', millis(from)] as const, to === undefined ? undefined : ['at <= ?', millis(to)] as const]
  const equal = (column: string, value: string | number | undefined) => value === undefined ? undefined : [`${column} = ?`, value] as const
  return {
    fact: key => textOf(sql.get('SELECT value FROM facts WHERE key = ?', key)?.['value']),
    setFact: (key, value) => { sql.run('INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)', key, value) },
    factOf: from => textOf(sql.get('SELECT key FROM facts WHERE key >= ? ORDER BY key LIMIT 1', from)?.['key'])?.split(' ', 1)[0],
    dropFacts: domain => { sql.run('DELETE FROM facts WHERE key >= ? AND key < ?', `${domain} `, `${domain}!`) },
    change: change => { sql.run('INSERT OR IGNORE INTO changes (id, at, domain, kind, body) VALUES (?, ?, ?, ?, ?)', change.id, millis(change.at), change.domain, change.kind, JSON.stringify(change)) },
    changes: ({ domain, kind, ...rest }, page) => bodies<ChangeView>(pageOf(sql, { columns: 'n, at, body', from: 'changes', tie: 'n', where: [equal('domain', domain), equal('kind', kind), ...period(rest)] }, page)),
    putIncident: incident => {
      const ended = incident.resolvedAt === undefined ? null : millis(incident.resolvedAt)
      sql.run('INSERT OR REPLACE INTO incidents (id, domain, cause, open, at, ended, body) VALUES (?, ?, ?, ?, ?, ?, ?)', incident.id, incident.domain, incident.cause, incident.state === 'resolved' ? 0 : 1, millis(incident.openedAt), ended, JSON.stringify(incident))
    },
    incident: id => bodyOf(sql.get('SELECT body FROM incidents WHERE id = ?', id)) as Incident | undefined,
    openIncidents: () => sql.all('SELECT body FROM incidents WHERE open = 1 ORDER BY at, id').map(row => bodyOf(row) as Incident),
    incidents: ({ domain, open, cause }, page) => bodies<Incident>(pageOf(sql, {
      columns: 'id, at, body', from: 'incidents', tie: 'id', where: [equal('domain', domain), equal('cause', cause), equal('open', open === undefined ? undefined : open ? 1 : 0)],
    }, page)),
    announce: announcement => { sql.run('INSERT OR IGNORE INTO announcements (id, at, said, body) VALUES (?, ?, 0, ?)', announcement.id, millis(announcement.at), JSON.stringify(announcement)) },
    said: (id, at) => { sql.run("INSERT INTO announcements (id, at, said, body) VALUES (?, ?, 1, '') ON CONFLICT (id) DO UPDATE SET said = 1, body = ''", id, at) },
    unsaid: limit => sql.all('SELECT body FROM announcements WHERE said = 0 ORDER BY at, id LIMIT ?', limit).map(row => bodyOf(row) as Announcement),
    waiting: () => Number(sql.get('SELECT COUNT(*) AS c FROM announcements WHERE said = 0')?.['c']),
    audit: entry => sql.run('INSERT OR IGNORE INTO audit (id, at, actor, action, subject, body) VALUES (?, ?, ?, ?, ?, ?)', entry.id, millis(entry.at), entry.actor, entry.action, entry.subject, JSON.stringify(entry)) === 1,
    audits: ({ actor, subject, action, ...rest }, page) => bodies<AuditEntry>(pageOf(sql, { columns: 'n, at, body', from: 'audit', tie: 'n', where: [equal('actor', actor), equal('subject', subject), equal('action', action), ...period(rest)] }, page)),
  }
}

function bodies<T> ({ rows, next }: { rows: Row[], next?: string }): Paged<T> {
  return { rows: rows.map(row => bodyOf(row) as T), ...(next === undefined ? {} : { next }) }
}

function bodyOf (row: Row | undefined): unknown {
  return row === undefined ? undefined : parsed(String(row['body']))
}
