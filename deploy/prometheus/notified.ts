// What would be told, as a query: alerts that fire, but for those that another one inhibits. As Alertmanager decides it, where no Alertmanager runs.
import { INHIBITIONS, type Matcher } from '../alerting/routing.ts'

/** PromQL over `ALERTS`. */
export function notifiedExpr (): string {
  const firing = (matchers: readonly Matcher[]) => `ALERTS{${['alertstate="firing"', ...matchers].join(', ')}}`
  return [firing([]), ...INHIBITIONS.map(({ source, target, equal }) => `unless (${firing(target)} and on (${equal.join(', ')}) ${firing(source)})`)].join(' ')
}
