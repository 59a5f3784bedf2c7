// The configuration of Alertmanager, from the routes and inhibitions of the alerts.
import { INHIBITIONS, OTHERWISE, ROUTES, type Route } from '../alerting/routing.ts'
import { duration, scaled, type RuleOptions, type Severity } from '../alerting/rule.ts'

export type AlertmanagerOptions = RuleOptions & {
  /** What Alertmanager sends with: the entries of a receiver, as its configuration has them. */
  receivers: Readonly<Record<Severity, Readonly<Record<string, unknown>>>>
  /** Tickets and notices in working hours alone. Default true. */
  workingHours?: boolean
  /** Of the organisation: `smtp_smarthost` and so on. */
  global?: Readonly<Record<string, unknown>>
}

const WORKING_HOURS = 'working hours'

/** An object for Alertmanager's YAML, which JSON is a part of. */
export function alertmanagerConfig (options: AlertmanagerOptions): Record<string, unknown> {
  const { receivers, workingHours = true, global } = options
  const seconds = (value: number) => duration(scaled(value, options))
  const routeOf = ({ matchers, together, receiver, wait, interval, repeat, workingHours: office }: Route) => ({
    receiver, ...(matchers.length === 0 ? {} : { matchers: [...matchers] }), group_by: [...together],
    group_wait: seconds(wait), group_interval: seconds(interval), repeat_interval: seconds(repeat),
    ...(office === true && workingHours ? { active_time_intervals: [WORKING_HOURS] } : {}),
  })
  const { active_time_intervals: active, ...otherwise } = routeOf(OTHERWISE)
  return {
    ...(global === undefined ? {} : { global }),
    route: {
      // The root is always active; what nothing else matches goes by the last route.
      ...otherwise,
      routes: [...ROUTES.map(routeOf), ...(active === undefined ? [] : [routeOf({ ...OTHERWISE, matchers: ['alertname!=""'] })])],
    },
    inhibit_rules: INHIBITIONS.map(({ source, target, equal }) => ({ source_matchers: [...source], target_matchers: [...target], equal: [...equal] })),
    ...(workingHours ? { time_intervals: [{ name: WORKING_HOURS, time_intervals: [{ weekdays: ['monday:friday'], times: [{ start_time: '07:00', end_time: '18:00' }], location: 'UTC' }] }] } : {}),
    receivers: (Object.keys(receivers) as Severity[]).map(name => ({ name, ...receivers[name] })),
  }
}
