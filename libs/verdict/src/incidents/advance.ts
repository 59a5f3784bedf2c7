/**
 * The life of an incident. Pure: incidents and one change in, incidents and what is to be announced out; time is what the change says. Flapping is one
 * incident. Equal causes of ours or of the path, on several pairs and their domain, are one incident; so are both directions of a pair.
 *
 *     open ──(confirmed)──► confirmed ──well──► recovering ──(confirmed)──► recoveredAt ──flap window──► resolved
 *       └──well──► recovering ──flap window──► resolved (withdrawn: it was never confirmed)
 *     recovering ──fault──► open or confirmed again, one flap more
 */
import type { Cause, Incident, Side, State, Subject } from '@dialtone/contracts'
import { elsewhere, holderOf, isSame } from './match.ts'

/** A verdict about one subject. `same`: how many equal answers in a row, this one included. `quiet`: the exception that keeps quiet about it. */
export type IncidentChange = { subject: Subject, verdict: { state: State, cause: Cause, side: Side, sentence: string }, at: string, same: number, quiet?: string }
/** When a fault counts, and when it is over. */
export type IncidentRules = { confirmations: number, remindEverySeconds: number, flapWindowSeconds: number }
export type IncidentEvent = { on: 'opened' | 'confirmed' | 'cause-changed' | 'reminded' | 'recovered' | 'resolved' | 'withdrawn', incident: Incident }
/** Must tell incidents of one subject apart by when they opened; called once for each. */
export type NewIncidentId = (subject: Subject, openedAt: string) => string

type Outcome = { incidents: Incident[], events: IncidentEvent[] }

/** Subjects that are shown of one incident: it has them all, since each of them decides when it is over. */
export const SUBJECTS_LISTED = 500
/** Causes that an incident remembers: the first, and the latest. */
export const CAUSES_LISTED = 50

/**
 * What a verdict makes of the incidents. It is enough to give those of the subject's domain; whatever is not touched is returned as the same object.
 * A verdict that could not tell, the observer's own troubles included, neither opens nor ends anything.
 */
export function advanceIncidents (incidents: readonly Incident[], change: IncidentChange, rules: IncidentRules, newId: NewIncidentId): Outcome {
  const { state, cause } = change.verdict
  if (state === 'unknown' || cause === 'vantage.unhealthy') return { incidents: [...incidents], events: [] }
  return state === 'up' ? well(incidents, change, rules) : faulty(incidents, change, rules, newId)
}

/** What time alone does: reminders, and the end of what was well for the flap window. */
export function tickIncidents (incidents: readonly Incident[], at: string, rules: IncidentRules): Outcome {
  const events: IncidentEvent[] = []
  const tell = (on: IncidentEvent['on'], incident: Incident): Incident => { events.push({ on, incident }); return incident }
  const since = (time: string | undefined) => time === undefined ? -1 : (Date.parse(at) - Date.parse(time)) / 1000
  const next = incidents.map(incident => {
    const { state, confirmedAt, recoveredAt, remindedAt, quietBecause } = incident
    if (state === 'recovering' && recoveredAt !== undefined && since(recoveredAt) >= rules.flapWindowSeconds) return tell(confirmedAt === undefined ? 'withdrawn' : 'resolved', { ...incident, state: 'resolved', resolvedAt: at })
    if (state === 'confirmed' && quietBecause === undefined && since(remindedAt ?? confirmedAt) >= rules.remindEverySeconds) return tell('reminded', { ...incident, remindedAt: at })
    return incident
  })
  return { incidents: next, events }
}

/** Subjects that are no longer watched leave their incidents; one without any is over. */
export function forgetSubjects (incidents: readonly Incident[], isGone: (subject: Subject) => boolean, at: string): Outcome {
  const events: IncidentEvent[] = []
  const next = incidents.map(incident => {
    if (incident.state === 'resolved' || !incident.subjects.some(isGone)) return incident
    const left = incident.subjects.filter(subject => !isGone(subject))
    if (left.length > 0) return { ...incident, subjects: left }
    const over = ended(incident, at)
    events.push(over.event)
    return over.incident
  })
  return { incidents: next, events }
}

/** As it is shown: of many subjects the first, and how many there are. */
export function shownIncident (incident: Incident, most = SUBJECTS_LISTED): Incident {
  const { subjects } = incident
  return subjects.length <= most ? incident : { ...incident, subjects: subjects.slice(0, most), subjectsInAll: subjects.length }
}

function well (incidents: readonly Incident[], { subject, at, same }: IncidentChange, { confirmations }: IncidentRules): Outcome {
  const incident = holderOf(incidents, subject)
  if (incident === undefined) return { incidents: [...incidents], events: [] }
  const confirmed = same >= confirmations
  if (incident.subjects.length > 1) {
    // Others are at fault still: it goes on without this one, once that is sure.
    return { incidents: confirmed ? replaced(incidents, without(incident, subject)) : [...incidents], events: [] }
  }
  if (incident.state === 'recovering' && incident.recoveredAt !== undefined) return { incidents: [...incidents], events: [] }
  const next: Incident = { ...incident, state: 'recovering', wellSince: incident.wellSince ?? at, ...(confirmed ? { recoveredAt: at } : {}) }
  if (!confirmed && incident.state === 'recovering') return { incidents: [...incidents], events: [] }
  return { incidents: replaced(incidents, next), events: confirmed && incident.confirmedAt !== undefined ? [{ on: 'recovered', incident: next }] : [] }
}

function faulty (incidents: readonly Incident[], change: IncidentChange, rules: IncidentRules, newId: NewIncidentId): Outcome {
  const { subject, verdict, at } = change
  const held = holderOf(incidents, subject)
  if (held !== undefined) {
    // The exception that kept quiet about it is over, or another took its place: for all of it. Whom another still is about leaves with its next answer.
    if (held.cause === verdict.cause && held.quietBecause !== undefined && held.quietBecause !== quietOf(change)) return unquieted(incidents, held, change, rules)
    if (held.cause === verdict.cause && held.quietBecause === quietOf(change)) return carriedOn(incidents, held, held.subjects, change, rules)
    // One odd answer does not move a subject out of what was announced.
    const sure = held.confirmedAt === undefined || change.same >= rules.confirmations || held.cause === verdict.cause
    if (!sure) return carriedOn(incidents, held, held.subjects, { ...change, same: 0, verdict: { ...verdict, cause: held.cause, side: held.side, sentence: held.sentence } }, rules)
  }
  const other = elsewhere(incidents, change)
  if (held === undefined) return joinedOrOpened(incidents, other, change, rules, newId)
  if (held.subjects.length === 1 && other === undefined) return carriedOn(incidents, held, held.subjects, change, rules)
  // It leaves: for the incident of its new cause, or for one of its own.
  const over = held.subjects.length === 1 ? ended(held, at) : undefined
  const moved = joinedOrOpened(replaced(incidents, over?.incident ?? without(held, subject)), other, change, rules, newId)
  return { incidents: moved.incidents, events: [...(over === undefined ? [] : [over.event]), ...moved.events] }
}

function unquieted (incidents: readonly Incident[], held: Incident, change: IncidentChange, rules: IncidentRules): Outcome {
  const other = elsewhere(incidents, change)
  if (other === undefined) return carriedOn(incidents, held, held.subjects, change, rules)
  const over = ended(held, change.at)
  const moved = carriedOn(replaced(incidents, over.incident), other, [...other.subjects, ...held.subjects].sort((a, b) => Number(a.peer !== undefined) - Number(b.peer !== undefined)), change, rules)
  return { incidents: moved.incidents, events: [over.event, ...moved.events] }
}

function joinedOrOpened (incidents: readonly Incident[], other: Incident | undefined, change: IncidentChange, rules: IncidentRules, newId: NewIncidentId): Outcome {
  return other === undefined ? opened(incidents, change, rules, newId) : carriedOn(incidents, other, joined(other, change.subject), change, rules)
}

function opened (incidents: readonly Incident[], change: IncidentChange, rules: IncidentRules, newId: NewIncidentId): Outcome {
  const { subject, at, verdict: { state, cause, side, sentence } } = change
  const quiet = quietOf(change)
  const incident: Incident = {
    id: newId(subject, at), state: 'open', cause, side, worst: state, sentence, domain: subject.domain, subjects: [subject], openedAt: at, flaps: 0, causes: [{ cause, since: at }],
    ...(quiet === undefined ? {} : { quietBecause: quiet }),
  }
  const { incidents: next, events } = carriedOn([...incidents, incident], incident, incident.subjects, change, rules)
  return { incidents: next, events: [{ on: 'opened', incident }, ...events] }
}

/** The fault is there: its cause, how bad it is, whether it is confirmed by now, and whether it had seemed over. */
function carriedOn (incidents: readonly Incident[], before: Incident, subjects: Incident['subjects'], change: IncidentChange, { confirmations }: IncidentRules): Outcome {
  const { at, same, verdict: { state, cause, side, sentence } } = change
  const changed = cause !== before.cause
  const [first] = subjects
  const leads = first !== undefined && isSame(first, change.subject)
  const causes = changed ? bounded([...before.causes, { cause, since: at }]) : before.causes
  const flaps = before.flaps + (before.state === 'recovering' ? 1 : 0)
  // What fails each time for another reason, or comes and goes, is never the same for long, and a fault all the same.
  const confirmed = before.confirmedAt !== undefined || same >= confirmations || causes.length > confirmations || flaps >= confirmations
  const quiet = quietOf(change)
  const loud = before.quietBecause !== undefined && quiet === undefined
  const { recoveredAt: _, wellSince: __, quietBecause: ___, ...kept } = before
  const incident: Incident = {
    ...kept, subjects, state: confirmed ? 'confirmed' : 'open', cause, side, causes, flaps, worst: worse(before.worst, state), sentence: leads || changed ? sentence : before.sentence,
    ...(confirmed ? { confirmedAt: before.confirmedAt ?? at } : {}), ...(quiet === undefined ? {} : { quietBecause: quiet }), ...(loud && before.confirmedAt !== undefined ? { remindedAt: at } : {}),
  }
  const on = confirmed && before.confirmedAt === undefined ? 'confirmed' : !confirmed ? undefined : changed ? 'cause-changed' : loud ? 'reminded' : undefined
  return { incidents: isEqual(before, incident) ? [...incidents] : replaced(incidents, incident), events: on === undefined ? [] : [{ on, incident }] }
}

function ended (incident: Incident, at: string): { incident: Incident, event: IncidentEvent } {
  const over: Incident = { ...incident, state: 'resolved', wellSince: incident.wellSince ?? at, recoveredAt: incident.recoveredAt ?? at, resolvedAt: at }
  return { incident: over, event: { on: incident.confirmedAt === undefined ? 'withdrawn' : 'resolved', incident: over } }
}

/** Policy of ours is quiet by itself. */
function quietOf ({ quiet, verdict: { cause } }: IncidentChange): string | undefined {
  return quiet ?? (cause === 'policy.refused-by-us' ? cause : undefined)
}

function replaced (incidents: readonly Incident[], next: Incident): Incident[] {
  return incidents.map(each => each.id === next.id ? next : each)
}

/** The domain itself leads: it tells more than one of its pairs. */
function joined ({ subjects }: Incident, subject: Subject): Subject[] {
  return subject.peer === undefined ? [subject, ...subjects] : [...subjects, subject]
}

function without (incident: Incident, subject: Subject): Incident {
  return { ...incident, subjects: incident.subjects.filter(each => !isSame(each, subject)) }
}

function bounded (causes: Incident['causes']): Incident['causes'] {
  const [first] = causes
  return causes.length <= CAUSES_LISTED || first === undefined ? causes : [first, ...causes.slice(1 - CAUSES_LISTED)]
}

function worse (a: State, b: State): State {
  return a === 'down' || b === 'down' ? 'down' : 'degraded'
}

function isEqual (a: Incident, b: Incident): boolean {
  return a.state === b.state && a.cause === b.cause && a.side === b.side && a.worst === b.worst && a.sentence === b.sentence && a.subjects === b.subjects && a.flaps === b.flaps && a.confirmedAt === b.confirmedAt && a.quietBecause === b.quietBecause && a.recoveredAt === b.recoveredAt
}
