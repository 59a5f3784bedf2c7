// What Grafana reads when it starts, beside the alert rules; and an example of what each organisation decides itself: who is told, how, and when not.
import type { ContactPoint, NotificationPolicy } from '@grafana/grafana-foundation-sdk/alerting'
import { OTHERWISE, ROUTES, SEVERITIES, duration, type Matcher, type Route, type Severity } from '../alerting/index.ts'
import { DATASOURCE_UID } from './alert-rules.ts'

/** Grafana fills the variable in from its environment. `timeInterval` is that of the scrapes: no rate is taken over less than four of them. */
export const DATASOURCES = {
  apiVersion: 1,
  datasources: [{
    uid: DATASOURCE_UID, name: 'Dialtone', type: 'prometheus', access: 'proxy', url: '$DIALTONE_PROMETHEUS_URL', isDefault: false, editable: false,
    jsonData: { httpMethod: 'POST', timeInterval: '15s', prometheusType: 'Prometheus', manageAlerts: false },
  }],
}

/** The folder of the dashboards on Grafana's machine. */
const DASHBOARDS_PATH = '/etc/grafana/dialtone'
export const DASHBOARD_PROVIDER = {
  apiVersion: 1,
  providers: [{ name: 'dialtone', orgId: 1, folder: 'Dialtone', type: 'file', disableDeletion: false, allowUiUpdates: false, updateIntervalSeconds: 60, options: { path: DASHBOARDS_PATH, foldersFromFilesStructure: false } }],
}

type Receiver = Required<Pick<ContactPoint, 'type' | 'uid' | 'disableResolveMessage' | 'settings'>>
/** A time as the file wants it; the SDK has `from` and `to`, and days as numbers. */
type MuteTime = { times?: { start_time: string, end_time: string }[], weekdays?: string[], location: string }

const RECEIVERS: Record<Severity, Receiver> = {
  page: { uid: 'dialtone-page', type: 'webhook', disableResolveMessage: false, settings: { url: '$DIALTONE_PAGE_URL', httpMethod: 'POST' } },
  ticket: { uid: 'dialtone-ticket', type: 'email', disableResolveMessage: false, settings: { addresses: '$DIALTONE_TICKET_ADDRESS', singleEmail: true } },
  notice: { uid: 'dialtone-notice', type: 'email', disableResolveMessage: true, settings: { addresses: '$DIALTONE_NOTICE_ADDRESS', singleEmail: true } },
}
const OFFICE_CLOSED = 'outside working hours'
const CLOSED: MuteTime[] = [
  { times: [{ start_time: '00:00', end_time: '07:00' }, { start_time: '18:00', end_time: '24:00' }], location: 'UTC' },
  { weekdays: ['saturday', 'sunday'], location: 'UTC' },
]

/** The same routes as Alertmanager's, with Grafana's means: what is told in working hours alone is muted outside them. */
export const NOTIFICATIONS = {
  apiVersion: 1,
  contactPoints: SEVERITIES.map(severity => ({ orgId: 1, name: contactPoint(severity), receivers: [RECEIVERS[severity]] })),
  // What others alert about goes where Grafana sends it anyway.
  policies: [{
    orgId: 1, receiver: 'grafana-default-email', group_by: ['grafana_folder', 'alertname'],
    routes: [{ ...policyOf({ ...OTHERWISE, matchers: ['alertname=~"Dialtone.+"'] }), routes: ROUTES.map(policyOf) }],
  }],
  muteTimes: [{ orgId: 1, name: OFFICE_CLOSED, time_intervals: CLOSED }],
}

function policyOf ({ matchers, together, receiver, wait, interval, repeat, workingHours }: Route): NotificationPolicy {
  return {
    receiver: contactPoint(receiver), object_matchers: matchers.map(objectMatcher), group_by: together.map(ourLabel),
    group_wait: duration(wait), group_interval: duration(interval), repeat_interval: duration(repeat), ...(workingHours === true ? { mute_time_intervals: [OFFICE_CLOSED] } : {}),
  }
}

/** 'severity="page"' as its label, how it is compared, and with what. */
function objectMatcher (matcher: Matcher): [string, string, string] {
  const [, label = '', how = '', value = ''] = /^(\w+)(=~|!~|!=|=)"(.*)"$/.exec(matcher) ?? []
  if (label === '') throw new Error(`no matcher: ${matcher}`)
  return [ourLabel(label), how, value]
}

/** Grafana calls an alert by the title of its rule, which is a sentence; its name is in the label `alert`. */
function ourLabel (label: string): string {
  return label === 'alertname' ? 'alert' : label
}

function contactPoint (severity: Severity): string {
  return `Dialtone: ${severity}`
}
