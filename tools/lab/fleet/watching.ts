// What watches a fleet as operators would have it watched: Prometheus with the rules of deploy/, Alertmanager with its routing, and somebody at the end who is told.
import { JOBS, type AlertName, type Severity } from '@dialtone/deploy'
import { alertmanagerConfig, prometheusRules } from '@dialtone/deploy/prometheus'
import { startAlertmanager, startPrometheus, type Prometheus } from '@dialtone/testkit'
import type { Notification } from '../seams.ts'
import { startWebhook } from './webhook.ts'

export type Watching = {
  prometheus: Prometheus
  notified: () => Promise<{ alert: AlertName, labels: Readonly<Record<string, string>> }[]>
  notifications: () => readonly Notification[]
  stop: () => Promise<void>
}

/** What pages after five minutes of failing does so here after five seconds: times of rules and routes are divided by it. */
export const TIME_SCALE = 60
/** Seconds between scrapes and between evaluations. */
export const INTERVAL_S = 1

/** A process as it is scraped: `place` is where it is reached from here, `instance` how it is called, whatever the port of today. */
export type Scraped = { place: string, instance: string, vantage?: string }

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
    return {
      prometheus, stop, notifications: webhook.received,
      notified: async () => (await alertmanager.alerts()).filter(({ state }) => state === 'active').map(({ labels }) => ({ alert: (labels['alertname'] ?? '') as AlertName, labels })),
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function targets (some: readonly Scraped[]): { targets: string[], labels: Record<string, Record<string, string>> } {
  return { targets: some.map(({ place }) => place), labels: Object.fromEntries(some.map(({ place, ...labels }) => [place, labels])) }
}
