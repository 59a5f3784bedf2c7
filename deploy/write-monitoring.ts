/**
 * Writes what Prometheus and Alertmanager (deploy/prometheus) and Grafana (deploy/grafana) are given, and the page about alerts (docs/operating/alerting.md), from the
 * alerts and the dashboards:
 * node deploy/write-monitoring.ts [--control-url URL] [--time-scale N] [--out DIR] [--prometheus] [--check]
 * `--out`: below another folder, and without the page. `--prometheus`: that for Prometheus and Alertmanager alone, which takes no package that only developers have. `--check` compares only, and fails where a file is not what would be written.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { alertingPage } from './alerting/page.ts'
import { DEFAULT_CONTROL_URL, type RuleOptions } from './alerting/rule.ts'
import { prometheusFiles } from './prometheus/files.ts'

const USAGE = 'usage: node deploy/write-monitoring.ts [--control-url URL] [--time-scale N] [--out DIR] [--prometheus] [--check]'
const values = parsed()
const options: RuleOptions = { controlUrl: urlOf(values['control-url'] ?? DEFAULT_CONTROL_URL), timeScale: scaleOf(values['time-scale'] ?? '1') }
if (values.out === '') stop('--out takes a folder')
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
  for (const [file, text] of stale) write(join(out, file), text)
  console.log(stale.length === 0 ? 'the monitoring is current' : `written: ${stale.map(([file]) => file).join(', ')}`)
}

function parsed () {
  try {
    return parseArgs({ options: { 'control-url': { type: 'string' }, 'time-scale': { type: 'string' }, 'out': { type: 'string' }, 'prometheus': { type: 'boolean' }, 'check': { type: 'boolean' } }, strict: true, allowPositionals: false }).values
  } catch (error) {
    return stop(`${(error as Error).message.split('. ', 1)[0] ?? ''}.`)
  }
}

/** It stands in templates of annotations, with a path after it. */
function urlOf (url: string): string {
  const { protocol, username, password, search, hash } = URL.parse(url) ?? {}
  if (!/^https?:$/.test(protocol ?? '')) stop(`--control-url ${url}: no http or https URL`)
  if (username !== '' || password !== '') stop('--control-url has a name or password in it: whoever is told of an alert would read them')
  if (search !== '' || hash !== '' || /[?#{}\s]/.test(url)) stop(`--control-url ${url}: without a query, a fragment, braces and spaces, since paths are put after it`)
  return url.replace(/\/+$/, '')
}

function scaleOf (text: string): number {
  const scale = Number(text)
  if (!(scale >= 1 && scale <= 3600)) stop(`--time-scale ${text}: a number from 1 to 3600`)
  return scale
}

function stop (sentence: string): never {
  console.error(`${sentence}\n${USAGE}`)
  process.exit(2)
}

function write (file: string, text: string): void {
  try {
    makeFolder(dirname(resolve(file)))
    writeFileSync(file, text)
  } catch (error) {
    stop(`${file} cannot be written (${error instanceof Error && 'code' in error ? String(error.code) : String(error)}): name a folder for --out that this user may write`)
  }
}

/** As `recursive` does, but for file systems that answer ENOENT whatever is there, as /proc does: there, Node tries for ever. */
function makeFolder (folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  mkdirSync(folder)
}

function current (file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
