// An example of Prometheus' own configuration: what it scrapes, its rules, and where alerts go.
import { JOBS } from '../alerting/rule.ts'

export type ScrapeOptions = {
  /** `host:port` of each. */
  control: readonly string[]
  agents: readonly { address: string, vantage: string }[]
  gateways: readonly string[]
  alertmanagers: readonly string[]
  /** Of a viewer's token, which control wants from other machines; undefined: it is asked from its own. */
  tokenFile?: string
  ruleFiles: readonly string[]
}

export function prometheusConfig ({ control, agents, gateways, alertmanagers, tokenFile, ruleFiles }: ScrapeOptions): Record<string, unknown> {
  return {
    global: { scrape_interval: '15s', evaluation_interval: '15s' },
    rule_files: [...ruleFiles],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [...alertmanagers] }] }] },
    scrape_configs: [
      { job_name: JOBS.control, ...(tokenFile === undefined ? {} : { authorization: { credentials_file: tokenFile } }), static_configs: [{ targets: [...control] }] },
      // Agents say of which vantage they are; where they do not answer, this says it.
      { job_name: JOBS.agents, honor_labels: true, static_configs: agents.map(({ address, vantage }) => ({ targets: [address], labels: { vantage } })) },
      { job_name: JOBS.gateways, static_configs: [{ targets: [...gateways] }] },
    ],
  }
}
