// To which incident a fault belongs: the one that has its subject, or the one of an equal cause.
import type { Cause, Incident, Side, Subject } from '@dialtone/contracts'

/** The incident that lists the subject and is not over. */
export function holderOf (incidents: readonly Incident[], subject: Subject): Incident | undefined {
  return incidents.find(({ state, domain, subjects }) => state !== 'resolved' && domain === subject.domain && subjects.some(each => isSame(each, subject)))
}

/** Another incident, which does not have the subject, of the same domain and cause, and as quiet: what is ours or on our way is one fault, and so are both directions of a pair. */
export function elsewhere (incidents: readonly Incident[], { subject, verdict: { cause, side }, quiet }: { subject: Subject, verdict: { cause: Cause, side: Side }, quiet?: string }): Incident | undefined {
  const quietBecause = quiet ?? (cause === 'policy.refused-by-us' ? cause : undefined)
  return incidents.find(incident => incident.state !== 'resolved' && incident.domain === subject.domain && incident.cause === cause && incident.side === side && incident.quietBecause === quietBecause
    && !incident.subjects.some(each => isSame(each, subject)) && (isShared(side) || incident.subjects.every(({ peer }) => peer === subject.peer)))
}

/** Causes of these sides are one fault for all whom they hurt. */
export function isShared (side: Side): boolean {
  return side === 'ours' || side === 'path'
}

export function isSame (a: Subject, b: Subject): boolean {
  return a === b || (a.peer === b.peer && a.direction === b.direction && a.domain === b.domain)
}
