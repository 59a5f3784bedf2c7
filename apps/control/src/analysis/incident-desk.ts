/**
 * Keeps the incidents that are not over, and gives the rules of `verdict` just those that a change can touch, however many there are. What comes out is written with
 * the data that it came from: the incident, and what is to be announced, under an id that is the same whoever works it out.
 */
import { hash } from 'node:crypto'
import type { Announcement, Incident, LiveEvent, Subject } from '@dialtone/contracts'
import type { Meter } from '@dialtone/kernel'
import type { Store } from '@dialtone/store'
import { advanceIncidents, forgetSubjects, shownIncident, tickIncidents, type IncidentChange, type IncidentEvent } from '@dialtone/verdict'
import { iso, keyOf } from './board.ts'
import { incidentEvents } from './metrics.ts'

/** What comes back sooner is the same incident. */
const FLAP_WINDOW_SECONDS = 900
/** Subjects that an announcement lists; the incident has them all. */
const ANNOUNCED_SUBJECTS = 50

export type Rules = { confirmations: number, remindEverySeconds: number }

export type IncidentDesk = {
  load: () => void
  /** The incident of a subject that is not over. */
  of: (subject: Subject) => Incident | undefined
  /** True: something became of an incident. */
  advance: (change: IncidentChange, rules: Rules) => boolean
  /** Reminders and ends that are due. `rulesOf`: of an incident, by its first subject. */
  tick: (at: number, rulesOf: (subject: Subject) => Rules) => void
  /** Nothing that is not over is later than `to`. */
  turnBack: (to: number) => void
  /** A domain, or a pair with both its directions, is no subject any more. */
  forget: (gone: Subject, at: number) => void
  /** Inside the transaction, before its end: writes what became of incidents. Returns what to tell when it is committed. */
  flush: () => LiveEvent[]
  open: () => Iterable<Incident>
}

export function createIncidentDesk ({ store: { journal }, meter }: { store: Store, meter: Meter }): IncidentDesk {
  const incidents = new Map<string, Incident>()
  const bySubject = new Map<string, string>()
  /** Of sides ours and path: by domain and cause, since any subject of the domain may join. */
  const shared = new Map<string, Set<string>>()
  const touched = new Map<string, Incident>()
  const events: { id: string, at: number, event: IncidentEvent }[] = []

  const sharedKey = ({ domain, cause }: Pick<Incident, 'domain' | 'cause'>) => `${domain} ${cause}`
  const isShared = ({ side }: Incident) => side === 'ours' || side === 'path'
  const unlist = (incident: Incident, gone: readonly Subject[]): void => {
    incidents.delete(incident.id)
    for (const subject of gone) if (bySubject.get(keyOf(subject)) === incident.id) bySubject.delete(keyOf(subject))
    shared.get(sharedKey(incident))?.delete(incident.id)
  }
  const list = (incident: Incident, come: readonly Subject[]): void => {
    if (incident.state === 'resolved') return
    incidents.set(incident.id, incident)
    for (const subject of come) bySubject.set(keyOf(subject), incident.id)
    if (!isShared(incident)) return
    const key = sharedKey(incident)
    shared.set(key, (shared.get(key) ?? new Set()).add(incident.id))
  }
  const take = (before: readonly Incident[], { incidents: after, events: told }: { incidents: readonly Incident[], events: readonly IncidentEvent[] }, at: number): boolean => {
    const changed = after.filter(incident => !before.includes(incident)).map(incident => {
      const was = incidents.get(incident.id)
      return { incident, was, ...difference(was?.subjects ?? [], incident.state === 'resolved' ? [] : incident.subjects) }
    })
    for (const { was, gone } of changed) if (was !== undefined) unlist(was, gone)
    for (const { incident, come } of changed) {
      list(incident, come)
      touched.set(incident.id, incident)
    }
    for (const event of told) events.push({ id: announcementId(event, at), at, event })
    return changed.length > 0
  }
  /** Who may be touched: who holds the subject or the other direction of it, and whom it may join. */
  const near = ({ subject, verdict: { cause } }: IncidentChange): Incident[] => {
    const { domain, peer, direction } = subject
    const other = peer === undefined ? undefined : bySubject.get(keyOf({ domain, peer, direction: direction === 'out' ? 'in' : 'out' }))
    const ids = new Set([bySubject.get(keyOf(subject)), other, ...shared.get(sharedKey({ domain, cause })) ?? []])
    return [...ids].flatMap(id => (id === undefined ? undefined : incidents.get(id)) ?? [])
  }

  return {
    load: () => {
      incidents.clear()
      bySubject.clear()
      shared.clear()
      touched.clear()
      events.length = 0
      for (const incident of journal.openIncidents()) list(incident, incident.subjects)
    },
    of: subject => incidents.get(bySubject.get(keyOf(subject)) ?? ''),
    advance: (change, rules) => {
      const before = near(change)
      return take(before, advanceIncidents(before, change, { ...rules, flapWindowSeconds: FLAP_WINDOW_SECONDS }, newId), Date.parse(change.at))
    },
    tick: (at, rulesOf) => {
      for (const incident of Array.from(incidents.values())) {
        const [subject] = incident.subjects
        const rules = rulesOf(subject ?? { domain: incident.domain })
        take([incident], tickIncidents([incident], iso(at), { ...rules, flapWindowSeconds: FLAP_WINDOW_SECONDS }), at)
      }
    },
    turnBack: to => {
      const limit = iso(to)
      for (const incident of Array.from(incidents.values())) {
        const late = (['openedAt', 'confirmedAt', 'wellSince', 'recoveredAt', 'remindedAt'] as const).filter(time => (incident[time] ?? '') > limit)
        if (late.length > 0) take([incident], { incidents: [{ ...incident, ...Object.fromEntries(late.map(time => [time, limit])) }], events: [] }, to)
      }
    },
    forget: ({ domain, peer }, at) => {
      const keys = peer === undefined ? [domain] : (['out', 'in'] as const).map(direction => keyOf({ domain, peer, direction }))
      for (const id of new Set(keys.map(key => bySubject.get(key)))) {
        const incident = id === undefined ? undefined : incidents.get(id)
        if (incident !== undefined) take([incident], forgetSubjects([incident], each => each.domain === domain && each.peer === peer, iso(at)), at)
      }
    },
    flush: () => {
      for (const incident of touched.values()) journal.putIncident(incident)
      touched.clear()
      const told = events.map(({ id, at, event: { on, incident } }): LiveEvent => {
        const announcement: Announcement = { v: 1, id, at: iso(at), on, incident: shownIncident(incident, ANNOUNCED_SUBJECTS) }
        journal.announce(announcement)
        meter.add(incidentEvents, { cause: incident.cause, event: on })
        return { on: `incident.${on}`, incident: shownIncident(incident) }
      })
      events.length = 0
      return told
    },
    open: () => incidents.values(),
  }
}

/** Between two lists that share their objects, and mostly begin and end alike: an incident may have thousands of subjects, and one comes or goes at a time. */
function difference (before: readonly Subject[], after: readonly Subject[]): { gone: readonly Subject[], come: readonly Subject[] } {
  let [from, back] = [0, 0]
  const shorter = Math.min(before.length, after.length)
  while (from < shorter && before[from] === after[from]) from++
  while (back < shorter - from && before[before.length - 1 - back] === after[after.length - 1 - back]) back++
  return { gone: before.slice(from, before.length - back), come: after.slice(from, after.length - back) }
}

/** The same wherever the same stream was read. */
function newId (subject: Subject, openedAt: string): string {
  return hash('sha256', `${keyOf(subject)} ${openedAt}`).slice(0, 24)
}

/** What happens to an incident once is known by that alone: instances may see it at different times. */
const ONCE: ReadonlySet<IncidentEvent['on']> = new Set(['opened', 'confirmed', 'resolved', 'withdrawn'])

function announcementId ({ on, incident: { id } }: IncidentEvent, at: number): string {
  return ONCE.has(on) ? `${id}-${on}` : `${id}-${on}-${at}`
}
