// docs/operating/alerting.md: what alerts there are, from their data, and how they are told.
import { CAUSE_ALERTS, DOMAIN_ALERTS, QUIET_CAUSES, type CauseAlert } from './alerts.ts'
import { alertRules } from './index.ts'
import { INHIBITIONS } from './routing.ts'
import { JOBS, duration, type AlertRule, type RuleGroup } from './rule.ts'

export function alertingPage (): string {
  const rules = alertRules()
  const of = (name: string) => rules.filter(rule => rule.name === name)
  const hears = (some: readonly AlertRule[]) => some.map(({ severity, forSeconds }) => `${severity}${forSeconds === 0 ? '' : ` after ${duration(forSeconds)}`}`).join(', ')
  const titleOf = (some: readonly AlertRule[]) => (some[0]?.title ?? '').replace(/ \(\w+\)$/, '')
  const causes = (Object.keys(CAUSE_ALERTS) as CauseAlert[]).map(name => `| \`${name}\` | ${titleOf(of(name))} | ${CAUSE_ALERTS[name].map(cause => `\`${cause}\``).join(', ')} | ${hears(of(name))} |`)
  const domains = DOMAIN_ALERTS.map(name => `| \`${name}\` | ${titleOf(of(name))} | any | ${hears(of(name))} |`)
  const goesOn = (group: RuleGroup) => [...new Set(rules.filter(rule => rule.group === group).map(({ keepFiringSeconds }) => duration(keepFiringSeconds)))].join(' or ')
  const own = rules.filter(({ group }) => group === 'dialtone').map(rule => `| \`${rule.name}\` | ${titleOf([rule])} | ${hears([rule])} |`)
  return `# Alerting

Generated from \`deploy/alerting\` by \`node deploy/write-monitoring.ts\`.

Every alert is written once, as data (\`deploy/alerting\`), and rendered for Prometheus with Alertmanager (\`deploy/prometheus\`) and for Grafana (\`deploy/grafana\`). Use one of
the two. Prometheus reads \`rules.yml\`; \`prometheus.yml\` and \`alertmanager.yml\` are examples: replace addresses and receivers. The rules go by the names of the scrape jobs
\`${JOBS.control}\`, \`${JOBS.agents}\` and \`${JOBS.gateways}\`; agents are scraped with \`honor_labels\`, and each target names its \`vantage\`.

    node deploy/write-monitoring.ts --control-url https://dialtone.example.org   # where the links to runbooks lead
    promtool check rules deploy/prometheus/rules.yml
    promtool check config deploy/prometheus/prometheus.yml     # fails until /etc/prometheus/control.token is there: dialtone token create prometheus --role viewer

## Who hears of what

| severity | when |
|---|---|
| page | one of our domains, or one of its pairs, is down by something on our side or on our path; or Dialtone or a gateway is down |
| ticket | a peer is down by a fault of its own, ours works with a fault, or the way to one peer alone is closed (\`path.peer-blocked\`: it may be its firewall) |
| notice | a peer works with a fault, or it is not known how something is |

${QUIET_CAUSES.map(cause => `\`${cause}\``).join(' and ')} raise nothing. What an Exception covers (maintenance, an acknowledged cause) raises nothing either: control exposes it as \`dialtone_quiet\`.
A gateway that is drained or stopped by its resource is not down. An alert about a domain goes on for ${goesOn('verdicts')} when it is not seen any more, so that a
control that starts anew mends nothing; one about Dialtone itself for ${goesOn('dialtone')}.

## Domains and pairs

Labels: \`domain\`, \`peer\` (of a pair), \`cause\`, \`side\`. However many controls say so, it is one alert; a control that does not reach the bus is not heard.

| alert | means | causes | who hears |
|---|---|---|---|
${[...causes, ...domains].join('\n')}

## Dialtone itself

| alert | means | who hears |
|---|---|---|
${own.join('\n')}

Nothing here tells of a Prometheus or Alertmanager that is dead: let another one watch them.

## What is told together, and what is not told

Equal causes of one of our domains, with all its pairs that have them, are one notification (\`group_by: alertname, domain, cause\`), as they are one incident of control. A peer's
fault is one of however many of our domains it is seen (\`alertname, peer, cause\`). What nobody knows is one for all domains, and so is that the inside alone does not reach ours.
Pages come at any time, are grouped for 30 seconds and said again after twelve hours; tickets and notices come in working hours, which are yours to set.

While one alert fires, others are not told:

${INHIBITIONS.filter(({ why }, at) => INHIBITIONS.findIndex(other => other.why === why) === at).map(({ why }) => `- ${why}`).join('\n')}

What ends while it is inhibited, silenced or outside working hours is not told as resolved: Alertmanager forgets it. \`dialtone overview\` says how it is.

## Maintenance, and keeping quiet

Tell Dialtone, not Alertmanager: then incidents, announcements and alerts are quiet alike, and it ends by itself. A domain, a pair, or a vantage whose agents are away on purpose:

    curl -X POST -H "authorization: Bearer $DIALTONE_TOKEN" -H 'content-type: application/json' $DIALTONE_SERVER/v1/maintenance \\
      -d '{ "domain": "ours.example", "minutes": 60, "reason": "the firewall is replaced" }'

A cause that is known and will stay for a while is an Exception of that cause. For alerts about Dialtone itself, a silence:

    amtool silence add --alertmanager.url http://localhost:9093 --duration 1h --comment 'new kernel' alertname=DialtoneControlDown

A gateway: \`dialtone gateway drain NAME\` before it is stopped.

## Proof

\`promtool\` plays every cause in every state, each alert about Dialtone, and what the lab recorded from real breaks to these rules (\`node deploy/replay-recordings.ts\`); a real control, Prometheus and
Alertmanager do it together (\`deploy/alerts.real.test.ts\`).
`
}
