// Which alerts come of what is said, and whether one that was told is among them. Pure.
import { CAUSE_ALERTS, type AlertName, type Severity } from '@dialtone/deploy'
import { explains, type Saying, type SideExpectation } from './compare.ts'

/** An alert with all of its labels; that of its name may be left out. */
export type ToldAlert = { alert: AlertName, labels: Readonly<Record<string, string>> }

/** The alert of what is said of a domain or pair; none where it is as we wanted it. */
export function alertOf (saying: Saying): ToldAlert[] {
  const { domain, peer, cause, side } = saying
  const alert = (Object.keys(CAUSE_ALERTS) as (keyof typeof CAUSE_ALERTS)[]).find(name => CAUSE_ALERTS[name].some(each => each === cause))
  return alert === undefined ? [] : [{ alert, labels: { domain, ...(peer === undefined ? {} : { peer }), cause, side, severity: severityOf(saying) } }]
}

/** Those of expected rows. That of a pair is not told where its domain has the same. */
export function alertsOf (rows: readonly Saying[]): ToldAlert[] {
  return rows.filter(row => row.peer === undefined || !explains({ rows, alerts: [] }, row)).flatMap(alertOf)
}

/** Whether an operator may be told of it: it is expected, or that of a row that is explained. */
export function mayBeTold (expectation: SideExpectation, { alert, labels }: ToldAlert): boolean {
  const { rows, follows = [], alerts } = expectation
  const pairs = rows.filter(({ peer }) => peer === undefined).flatMap(row => labels['peer'] === undefined ? [] : [{ ...row, peer: labels['peer'] }])
  return [...alerts, ...[...pairs, ...follows].flatMap(alertOf)].some(each => sameAlert(each, { alert, labels }))
}

/** Whether all of their labels agree. */
export function sameAlert (one: ToldAlert, other: ToldAlert): boolean {
  return alertText(one) === alertText(other)
}

/** 'DialtonePathBlocked cause=path.inbound-blocked domain=cupdomain.test severity=page side=path' */
export function alertText ({ alert, labels }: ToldAlert): string {
  const said = Object.entries(labels).filter(([label, value]) => label !== 'alertname' && label !== '__name__' && value !== '').map(([label, value]) => `${label}=${value}`).toSorted()
  return [alert, ...said].join(' ')
}

/** A page where one of ours is down by something on our side or our path; a ticket where a peer is, or one of ours is weakened; else a notice. */
function severityOf ({ state, side }: Saying): Severity {
  const ours = side === 'ours' || side === 'path'
  if (state === 'down') return ours ? 'page' : 'ticket'
  return state === 'degraded' && ours ? 'ticket' : 'notice'
}
