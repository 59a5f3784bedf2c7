// To which incident a fault belongs: the one that has its subject, or the one of an equal cause.
import type { Cause, Incident, Side, Subject } from '@dialtone/contracts'

/** The incident that lists the subject and is not over. */
export function holderOf (incidents: readonly Incident[], subject: Subject): Incident | undefined {
  const key = keyOfSubject(subject)
  return incidents.find(({ state, domain, subjects }) => state !== 'resolved' && domain === subject.domain && subjects.some(each => keyOfSubject(each) === key))
}

/** Another incident, which does not have the subject, of the same domain and cause, and as quiet: what is ours or on our way is one fault, and so are both directions of a pair. */
export function elsewhere (incidents: readonly Incident[], { subject, verdict: { cause, side }, quiet }: { subject: Subject, verdict: { cause: Cause, side: Side }, quiet?: string }): Incident | undefined {
  const key = keyOfSubject(subject)
  const quietBecause = quiet ?? (cause === 'policy.refused-by-us' ? cause : undefined)
  return incidents.find(incident => incident.state !== 'resolved' && incident.domain === subject.domain && incident.cause === cause && incident.side === side && incident.quietBecause === quietBecause
    && !incident.subjects.some(each => keyOfSubject(each) === key) && (isShared(side) || incident.subjects.every(({ peer }) => peer === subject.peer)))
}

/** Causes of these sides are one fault for all whom they hurt. */
export function isShared (side: Side): boolean {
  return side === 'ours' || side === 'path'
}

export function keyOfSubject (subject: Subject | undefined): string {
  return subject === undefined ? '' : `${subject.domain} ${subject.peer ?? ''} ${subject.direction ?? ''}`
}
