// A real Prometheus that scrapes what a test exposes, and answers queries; and promtool, which says what is wrong with an exposition.
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { makeFolder } from './folder.ts'
import { launch, type RunningServer } from './launch.ts'
import { freePort, loopbackAddress, type Place } from './loopback.ts'
import type { NetworkHost } from './network.ts'
import { openTunnel } from './tunnel.ts'

export type ScrapeJob = {
  job: string
  /** `host:port`. */
  targets: readonly string[]
  bearerToken?: string
  /** Default /metrics. */
  path?: string
  params?: Readonly<Record<string, string>>
  /** Each of these becomes the parameter `target` of a scrape of every target, as people configure a multi-target exporter. */
  probes?: readonly string[]
  /** Of every series of the job; what the targets say themselves comes first. */
  labels?: Readonly<Record<string, string>>
}
export type PrometheusOptions = {
  scrape: readonly ScrapeJob[]
  /** Seconds between scrapes, and between evaluations of rules. Default 1. */
  interval?: number
  /** YAML or JSON of rule files. */
  rules?: readonly string[]
  /** `host:port` of those that are told of alerts. */
  alertmanagers?: readonly string[]
  address?: string
  port?: number
  /** The host of a network that it runs on, at `address` and `port` (default 127.0.0.1 and 9090 there); it is asked through a tunnel. */
  host?: Pick<NetworkHost, 'namespace' | 'connect'>
}
export type Sample = { labels: Readonly<Record<string, string>>, value: number }
export type Prometheus = RunningServer & Place & {
  url: string
  /** The instant vector of an expression; throws with Prometheus' words when it is none. */
  query: (expr: string) => Promise<Sample[]>
  /** The same, asked again until it satisfies, for at most so long; throws with the last answer. */
  until: (expr: string, satisfied: (samples: readonly Sample[]) => boolean, withinMs?: number) => Promise<Sample[]>
  /** Health and last error of each scraped target. */
  targets: () => Promise<{ job: string, url: string, health: string, error: string }[]>
}

const UNTIL_MS = 20_000
const POLL_MS = 100

/** Starts it on an empty database; ready when it answers. */
export async function startPrometheus ({ scrape, interval = 1, rules = [], alertmanagers = [], ...where }: PrometheusOptions): Promise<Prometheus> {
  const { host } = where
  const at = await placeFor(where, 9090)
  const folder = makeFolder('prometheus')
  const ruleFiles = rules.map((rule, index) => folder.write(`rules-${index}.yml`, rule))
  const file = folder.write('prometheus.yml', JSON.stringify({
    global: { scrape_interval: `${interval}s`, scrape_timeout: `${interval}s`, evaluation_interval: `${interval}s` },
    rule_files: ruleFiles,
    ...(alertmanagers.length === 0 ? {} : { alerting: { alertmanagers: [{ static_configs: [{ targets: alertmanagers }] }] } }),
    scrape_configs: scrape.map(configOf),
  }))
  const args = [`--config.file=${file}`, `--storage.tsdb.path=${folder.path}/data`, `--web.listen-address=${at.address}:${at.port}`, '--log.level=warn']
  const server = await launch({ name: 'prometheus', programs: [{ name: 'prometheus', command: '/usr/bin/prometheus', args, listens: [at], ...inNamespace(host) }], folder })
  const tunnel = host === undefined ? undefined : await openTunnel(host, at)
  const url = tunnel?.url ?? `http://${at.address}:${at.port}`
  const stop = async (): Promise<void> => {
    await tunnel?.stop()
    await server.stop()
  }
  await answers(`${url}/-/ready`).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  const query = async (expr: string): Promise<Sample[]> => {
    const { result, resultType } = await ask<{ resultType: string, result: { metric: Record<string, string>, value: [number, string] }[] }>(`${url}/api/v1/query?query=${encodeURIComponent(expr)}`)
    if (resultType !== 'vector') throw new Error(`prometheus: '${expr}' is a ${resultType} and no vector`)
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
  }
  return {
    ...server,
    ...at,
    url,
    stop,
    query,
    until: async (expr, satisfied, withinMs = UNTIL_MS) => {
      const until = performance.now() + withinMs
      for (;;) {
        const samples = await query(expr)
        if (satisfied(samples)) return samples
        if (performance.now() > until) throw new Error(`prometheus: '${expr}' was not as expected in ${withinMs} ms; last: ${JSON.stringify(samples).slice(0, 2000)}`)
        await pause(POLL_MS)
      }
    },
    targets: async () => {
      const { activeTargets } = await ask<{ activeTargets: { labels: { job: string }, scrapeUrl: string, health: string, lastError: string }[] }>(`${url}/api/v1/targets`)
      return activeTargets.map(({ labels, scrapeUrl, health, lastError }) => ({ job: labels.job, url: scrapeUrl, health, error: lastError }))
    },
  }
}

/** What `promtool check metrics` says about an exposition: `valid` unless it cannot be parsed; `says` has its advice too. */
export async function checkMetrics (exposition: string): Promise<{ valid: boolean, says: string }> {
  const promtool = spawn('/usr/bin/promtool', ['check', 'metrics'], { stdio: ['pipe', 'ignore', 'pipe'], env: {} })
  const ended = new Promise<number | null>((resolve, reject) => promtool.once('error', reject).once('close', resolve))
  const said = text(promtool.stderr)
  promtool.stdin.on('error', () => undefined).end(exposition)
  const code = await ended
  // 0: nothing to say; 3: advice about names; 1: cannot be parsed.
  return { valid: code === 0 || code === 3, says: await said }
}

/** Where a server of this kind listens: on a loopback address of its own, or at the usual port of a host of a network. */
export async function placeFor ({ address, port, host }: Pick<PrometheusOptions, 'address' | 'port' | 'host'>, usual: number): Promise<Place> {
  if (host !== undefined) return { address: address ?? '127.0.0.1', port: port ?? usual }
  const own = address ?? loopbackAddress()
  return { address: own, port: port ?? await freePort(own) }
}

export function inNamespace (host: PrometheusOptions['host']): { namespace?: string } {
  return host === undefined ? {} : { namespace: host.namespace }
}

/** It listens before it answers. */
export async function answers (url: string): Promise<void> {
  const until = performance.now() + UNTIL_MS
  while (!(await fetch(url)).ok) {
    if (performance.now() > until) throw new Error(`${url}: not ready within ${UNTIL_MS} ms`)
    await pause(POLL_MS)
  }
}

function configOf ({ job, targets, bearerToken, path = '/metrics', params = {}, probes, labels }: ScrapeJob): object {
  const [exporter] = targets
  return {
    job_name: job,
    metrics_path: path,
    params: Object.fromEntries(Object.entries(params).map(([name, value]) => [name, [value]])),
    ...(bearerToken === undefined ? {} : { authorization: { credentials: bearerToken } }),
    ...(labels === undefined ? {} : { honor_labels: true }),
    static_configs: [{ targets: probes ?? targets, ...(labels === undefined ? {} : { labels }) }],
    ...(probes === undefined ? {} : {
      relabel_configs: [
        { source_labels: ['__address__'], target_label: '__param_target' },
        { source_labels: ['__param_target'], target_label: 'instance' },
        { target_label: '__address__', replacement: exporter },
      ],
    }),
  }
}

async function ask<T> (url: string): Promise<T> {
  const response = await fetch(url)
  const body = await response.json() as { status: string, data: T, errorType?: string, error?: string }
  if (body.status !== 'success') throw new Error(`prometheus: ${body.errorType ?? response.status}: ${body.error ?? ''}`)
  return body.data
}
