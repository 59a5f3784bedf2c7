// What watches a fleet as operators would have it watched: Prometheus with the rules of deploy/, Alertmanager with its routing, and somebody at the end who is told.
import { setTimeout as pause } from 'node:timers/promises'
import { JOBS, type AlertName, type Severity } from '@dialtone/deploy'
import { alertmanagerConfig, prometheusRules } from '@dialtone/deploy/prometheus'
import { startAlertmanager, startPrometheus, startWebhook, type Alertmanager, type Prometheus } from '@dialtone/testkit'
import type { Told } from '../seams.ts'

export type Watching = {
  prometheus: Prometheus
  alertmanagerUrl: string
  notified: () => Promise<{ alert: AlertName, labels: Readonly<Record<string, string>> }[]>
  told: () => readonly Told[]
  stop: () => Promise<void>
}

/** What pages after five minutes of failing does so here after ten seconds: times of rules and routes are divided by it. */
export const TIME_SCALE = 30
/** Seconds between scrapes and between evaluations. */
export const INTERVAL_S = 1

/** A process as it is scraped: `place` is where it is reached from here, `instance` how it is called, whatever the port of today. */
export type Scraped = { place: string, instance: string, vantage?: string }

/** Scrapes a fleet and tells of it. `scale`: by what times are divided. Resolves when all that is scraped is well and no alert is out; if a part does not start, nothing is left. */
export async function startWatching ({ control, agents, gateways, token, scale = TIME_SCALE }: { control: Scraped, agents: readonly Scraped[], gateways: readonly Scraped[], token: string, scale?: number }): Promise<Watching> {
  const undo: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const each of undo.splice(0).toReversed()) await each()
  }
  try {
    const webhook = await startWebhook()
    undo.push(webhook.stop)
    const to = (severity: Severity) => ({ webhook_configs: [{ url: `${webhook.url}/${severity}`, send_resolved: true }] })
    const alertmanager = await startAlertmanager({ configuration: JSON.stringify(alertmanagerConfig({ receivers: { page: to('page'), ticket: to('ticket'), notice: to('notice') }, workingHours: false, timeScale: scale })) })
    undo.push(alertmanager.stop)
    const prometheus = await startPrometheus({
      interval: INTERVAL_S, rules: [JSON.stringify(prometheusRules({ timeScale: scale }))], alertmanagers: [`${alertmanager.address}:${alertmanager.port}`],
      scrape: [
        { job: JOBS.control, ...targets([control]), bearerToken: token },
        { job: JOBS.agents, ...targets(agents), honorLabels: true },
        ...(gateways.length === 0 ? [] : [{ job: JOBS.gateways, ...targets(gateways) }]),
      ],
    })
    undo.push(prometheus.stop)
    await untilQuiet(prometheus, alertmanager)
    return {
      prometheus, stop, alertmanagerUrl: alertmanager.url,
      told: () => webhook.notifications.flatMap(({ at, path, alerts }) => alerts.map(({ status, labels }): Told => ({ at, to: path.slice(1), status, alert: (labels['alertname'] ?? '') as AlertName, labels }))),
      notified: async () => (await alertmanager.alerts()).filter(({ state }) => state === 'active').map(({ labels }) => ({ alert: (labels['alertname'] ?? '') as AlertName, labels })),
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Before the first scrape nothing answers, which is an alert of its own. */
async function untilQuiet (prometheus: Prometheus, alertmanager: Alertmanager): Promise<void> {
  const until = performance.now() + QUIET_MS
  for (;;) {
    const [known, alerts] = await Promise.all([prometheus.targets(), alertmanager.alerts()])
    // It is told of what began before its first scrape within five seconds.
    if (known.every(({ health }) => health === 'up') && alerts.length === 0 && performance.now() > until - QUIET_MS + SETTLE_MS) return
    if (performance.now() > until) throw new Error(`what is scraped is not well within ${QUIET_MS / 1000} s: ${JSON.stringify(known.filter(({ health }) => health !== 'up'))} ${JSON.stringify(alerts.map(({ labels }) => labels))}`)
    await pause(POLL_MS)
  }
}

const QUIET_MS = 60_000
const SETTLE_MS = 8000
const POLL_MS = 250

function targets (some: readonly Scraped[]): { targets: string[], labels: Record<string, Record<string, string>> } {
  return { targets: some.map(({ place }) => place), labels: Object.fromEntries(some.map(({ place, ...labels }) => [place, labels])) }
}
