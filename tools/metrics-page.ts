// docs/operating/metrics.md from the declarations of all metrics, wherever they stand: a file that declares one is found by its text and asked by importing it.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Metric } from '@dialtone/kernel'
import { documentedMetrics, type MetricGroup } from '@dialtone/telemetry'

/** Who exposes what is declared where; a folder without a line here is its own title. */
const TITLES: Readonly<Record<string, string>> = {
  'apps/probe': 'Agents', 'apps/control': 'Control', 'apps/gateway': 'Gateway', 'libs/relay': 'Gateway', 'libs/verdict': 'Verdicts', 'libs/bus': 'Bus: all apps', 'libs/store': 'Store: control', 'libs/telemetry': 'The metrics themselves: all apps',
}
const ANSWERS = 'Answers of /probe'
const DECLARED = /\bdefine(?:Counter|Gauge|Histogram)\s*\(\s*['"`]([a-z0-9_]+)['"`]/g

/** The page. Throws when a metric is declared and not exported, or one name is declared twice: nobody would find it here. */
export async function metricsPage (root: string): Promise<string> {
  const declared = new Map<string, { metric: Metric, file: string }>()
  for (const file of globSync(['apps/*/src/**/*.ts', 'libs/*/src/**/*.ts'], { cwd: root }).filter(path => !/\.test\.ts$|test-support/.test(path)).sort()) {
    const names = [...readFileSync(join(root, file), 'utf8').matchAll(DECLARED)].map(match => match[1] ?? '')
    if (names.length === 0) continue
    const exported = new Map((Object.values(await import(join(root, file)) as Record<string, unknown>)).flatMap(value => (Array.isArray(value) ? value : [value]) as unknown[]).filter(isMetric).map(metric => [metric.name, metric]))
    for (const name of names) {
      const metric = exported.get(name)
      const other = declared.get(name)
      if (metric === undefined) throw new Error(`${file} declares ${name} and does not export it`)
      if (other !== undefined) throw new Error(`${file} declares ${name}, as ${other.file} does: import it from there`)
      declared.set(name, { metric, file })
    }
  }
  const groups = Map.groupBy(declared.values(), ({ metric, file }) => metric.name.startsWith('probe_') ? ANSWERS : titleOf(file))
  const order = [...new Set(Object.values(TITLES)), ANSWERS]
  const titled: MetricGroup[] = [...groups].map(([title, each]) => ({ title, metrics: each.map(({ metric }) => metric) })).sort((a, b) => place(order, a.title) - place(order, b.title) || (a.title < b.title ? -1 : 1))
  return `${INTRODUCTION}\n${documentedMetrics(titled)}`
}

function titleOf (file: string): string {
  const folder = file.split('/').slice(0, 2).join('/')
  return TITLES[folder] ?? folder
}

function place (order: readonly string[], title: string): number {
  return order.includes(title) ? order.indexOf(title) : order.length
}

function isMetric (value: unknown): value is Metric {
  return typeof value === 'object' && value !== null && 'kind' in value && 'name' in value && 'help' in value && 'labels' in value
}

const INTRODUCTION = `# Metrics

Generated from the declarations by \`npm run docs\`.

Agents and control expose \`/metrics\` in the Prometheus text format, on the loopback unless told otherwise. Besides what is listed here there are the usual
\`process_*\` and \`nodejs_*\` of a Node process.

No label holds what a peer sent. Series per domain: at most twelve in all and one in any metric, so that ten thousand domains stay a scrape of a quarter of
a second which never holds the event loop up. A metric keeps 20,000 series between scrapes; what is above that is refused, and counted in \`dialtone_metrics_refused_total\`.

## Probing through an agent

An agent is a multi-target exporter too: \`/probe?module=MODULE&target=DOMAIN\` checks the domain now, or gives again what it saw in the last ten seconds.
Modules: \`s2s\` (all of a domain), \`s2s_normal\` (the same), \`s2s_starttls\`, \`s2s_direct\` (one kind of endpoint). Domains that are configured at its vantage may be
asked about by everybody who reaches the agent; any other needs the \`token\` of the agent's configuration, as \`Authorization: Bearer …\`.

    scrape_configs:
      - job_name: xmpp
        metrics_path: /probe
        params: { module: [s2s] }
        scrape_interval: 1m
        scrape_timeout: 30s
        static_configs: [{ targets: [partner.example] }]
        relabel_configs:
          - { source_labels: [__address__], target_label: __param_target }
          - { source_labels: [__param_target], target_label: instance }
          - { target_label: __address__, replacement: '127.0.0.1:PORT' }

Prosody's own check works against it. In \`prosody.cfg.lua\`, then \`prosodyctl check connectivity\`:

    connectivity_probe = {
      url = "http://127.0.0.1:PORT/probe";
      modules = { ["xmpp-server"] = "s2s_starttls", ["xmpps-server"] = "s2s_direct" };
    }

It asks about client connections as well, unless \`modules\` leaves them out as here; an agent answers that it checks none.
`
