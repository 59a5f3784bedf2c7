/**
 * Writes what Prometheus and Alertmanager (deploy/prometheus) and Grafana (deploy/grafana) are given, and the page about alerts (docs/operating/alerting.md), from the
 * alerts and the dashboards:
 * node deploy/write-monitoring.ts [--control-url URL] [--time-scale N] [--out DIR] [--prometheus] [--check]
 * `--out`: below another folder, and without the page. `--prometheus`: that for Prometheus and Alertmanager alone, which takes no package that only developers have. `--check` compares only, and fails where a file is not what would be written.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { alertingPage } from './alerting/page.ts'
import { DEFAULT_CONTROL_URL, type RuleOptions } from './alerting/rule.ts'
import { prometheusFiles } from './prometheus/files.ts'

const { values } = parseArgs({ options: { 'control-url': { type: 'string' }, 'time-scale': { type: 'string' }, 'out': { type: 'string' }, 'prometheus': { type: 'boolean' }, 'check': { type: 'boolean' } } })
const options: RuleOptions = { controlUrl: urlOf(values['control-url'] ?? DEFAULT_CONTROL_URL), timeScale: scaleOf(values['time-scale'] ?? '1') }
const out = values.out ?? import.meta.dirname
const files: Record<string, string> = {
  ...Object.fromEntries(Object.entries(prometheusFiles(options)).map(([name, text]) => [join('prometheus', name), text])),
  ...Object.fromEntries(Object.entries(values.prometheus === true ? {} : (await import('./grafana/files.ts')).grafanaFiles(options)).map(([name, text]) => [join('grafana', name), text])),
  ...(values.out === undefined ? { '../docs/operating/alerting.md': alertingPage() } : {}),
}
const stale = Object.entries(files).filter(([file, text]) => current(join(out, file)) !== text)

if (values.check === true) {
  for (const [file] of stale) console.error(`deploy/${file} is not what the alerts say: run 'node deploy/write-monitoring.ts'`)
  process.exitCode = stale.length > 0 ? 1 : 0
} else {
  for (const [file, text] of stale) {
    mkdirSync(dirname(join(out, file)), { recursive: true })
    writeFileSync(join(out, file), text)
  }
  console.log(stale.length === 0 ? 'the monitoring is current' : `written: ${stale.map(([file]) => file).join(', ')}`)
}

function urlOf (url: string): string {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) stop(`--control-url ${url}: no http or https URL`)
  return url.replace(/\/+$/, '')
}

function scaleOf (text: string): number {
  const scale = Number(text)
  if (!(scale >= 1 && scale <= 3600)) stop(`--time-scale ${text}: a number from 1 to 3600`)
  return scale
}

function stop (sentence: string): never {
  console.error(sentence)
  process.exit(64)
}

function current (file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
