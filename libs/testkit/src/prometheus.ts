// A real Prometheus that scrapes what a test exposes, and answers queries; and promtool, which says what is wrong with an exposition.
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { makeFolder } from './folder.ts'
import { launch, type RunningServer } from './launch.ts'
import { freePort, loopbackAddress, type Place } from './loopback.ts'

export type ScrapeJob = {
  job: string
  /** `host:port`. */
  targets: readonly string[]
  /** Of single targets, beside job and instance. */
  labels?: Readonly<Record<string, Readonly<Record<string, string>>>>
  bearerToken?: string
  /** Default /metrics. */
  path?: string
  params?: Readonly<Record<string, string>>
  /** Each of these becomes the parameter `target` of a scrape of every target, as people configure a multi-target exporter. */
  probes?: readonly string[]
}
export type PrometheusOptions = {
  scrape: readonly ScrapeJob[]
  /** Seconds between scrapes. Default 1. */
  interval?: number
  /** YAML or JSON of rule files. */
  rules?: readonly string[]
  /** `host:port` of each Alertmanager that is told of alerts. */
  alertmanagers?: readonly string[]
  address?: string
  port?: number
}
export type Sample = { labels: Readonly<Record<string, string>>, value: number }
export type Prometheus = RunningServer & Place & {
  url: string
  /** The instant vector of an expression; throws with Prometheus' words when it is none. */
  query: (expr: string) => Promise<Sample[]>
  /** The same, asked again until it satisfies, for at most so long; throws with the last answer. */
  until: (expr: string, satisfied: (samples: readonly Sample[]) => boolean, withinMs?: number) => Promise<Sample[]>
  /** What each series of an expression was from one time to another, every so many seconds: epoch seconds and value. */
  range: (expr: string, range: { from: number, to: number, stepSeconds: number }) => Promise<{ labels: Readonly<Record<string, string>>, values: readonly (readonly [at: number, value: number])[] }[]>
  /** Health and last error of each scraped target. */
  targets: () => Promise<{ job: string, url: string, health: string, error: string }[]>
}

const UNTIL_MS = 20_000
const POLL_MS = 100

/** Starts it on an empty database; ready when it answers. */
export async function startPrometheus ({ scrape, interval = 1, rules = [], alertmanagers = [], address = loopbackAddress(), port }: PrometheusOptions): Promise<Prometheus> {
  const at = { address, port: port ?? await freePort(address) }
  const folder = makeFolder('prometheus')
  const ruleFiles = rules.map((rule, index) => folder.write(`rules-${index}.yml`, rule))
  const file = folder.write('prometheus.yml', JSON.stringify({
    global: { scrape_interval: `${interval}s`, scrape_timeout: `${interval}s`, evaluation_interval: `${interval}s` },
    rule_files: ruleFiles,
    ...(alertmanagers.length === 0 ? {} : { alerting: { alertmanagers: [{ static_configs: [{ targets: alertmanagers }] }] } }),
    scrape_configs: scrape.map(configOf),
  }))
  const args = [`--config.file=${file}`, `--storage.tsdb.path=${folder.path}/data`, `--web.listen-address=${at.address}:${at.port}`, '--log.level=warn',
    // It knows an Alertmanager five seconds after its own start; what fired before is sent again.
    ...(alertmanagers.length === 0 ? [] : ['--rules.alert.resend-delay=2s'])]
  const server = await launch({ name: 'prometheus', programs: [{ name: 'prometheus', command: '/usr/bin/prometheus', args, listens: [at] }], folder })
  const url = `http://${at.address}:${at.port}`
  await ready(url).catch(async (error: unknown) => {
    await server.stop()
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
    range: async (expr, { from, to, stepSeconds }) => {
      const { result } = await ask<{ result: { metric: Record<string, string>, values: [number, string][] }[] }>(`${url}/api/v1/query_range?query=${encodeURIComponent(expr)}&start=${from}&end=${to}&step=${stepSeconds}`)
      return result.map(({ metric, values }) => ({ labels: metric, values: values.map(([at, value]) => [at, Number(value)] as const) }))
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

/** It listens before it answers. */
async function ready (url: string): Promise<void> {
  const until = performance.now() + UNTIL_MS
  while (!(await fetch(`${url}/-/ready`)).ok) {
    if (performance.now() > until) throw new Error(`prometheus: not ready within ${UNTIL_MS} ms`)
    await pause(POLL_MS)
  }
}

function configOf ({ job, targets, labels = {}, bearerToken, path = '/metrics', params = {}, probes }: ScrapeJob): object {
  const [exporter] = targets
  return {
    job_name: job,
    metrics_path: path,
    params: Object.fromEntries(Object.entries(params).map(([name, value]) => [name, [value]])),
    ...(bearerToken === undefined ? {} : { authorization: { credentials: bearerToken } }),
    // What a target says of itself comes first.
    ...(Object.keys(labels).length === 0 ? {} : { honor_labels: true }),
    static_configs: probes === undefined ? targets.map(target => ({ targets: [target], labels: labels[target] ?? {} })) : [{ targets: probes }],
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
