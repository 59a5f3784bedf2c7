// One fleet while something is broken: until it names it, until it is known who was told, and until all is as before.
import { setTimeout as pause } from 'node:timers/promises'
import type { DomainView, PairView } from '@dialtone/contracts'
import type { FleetName, Fleets } from '../seams.ts'
import { compare, keyOf, rowsOf, same, told, type Comparison, type Row, type Rows, type SideExpectation } from './compare.ts'
import type { FleetResult } from './result.ts'

/** What a fleet says, and which alerts are out, while all is well. */
export type Before = { rows: Rows, alerts: ReadonlySet<string> }

export type Patience = {
  /** Milliseconds to name it; to tell all who are to be told; how long nobody may be told where nothing is expected; to be as before. */
  nameMs: number, alertMs: number, quietMs: number, recoverMs: number
}
/** Of a lab on a busy machine. A notice is told after an hour, which is two minutes here; what a deep check finds, 24 seconds after the next one. */
export const PATIENCE: Patience = { nameMs: 120_000, alertMs: 200_000, quietMs: 45_000, recoverMs: 150_000 }

const POLL_MS = 500
/** Longer than a scrape and the evaluation after it. */
const CALM_MS = 3000
/** Rows and facts of each that a wrong result tells. */
const TOLD = 4
/** Of what was said for a moment. */
const PASSING_CHARS = 300

export type Watched = {
  fleets: Fleets, fleet: FleetName, before: Before, signal: AbortSignal, patience: Patience
  /** Which alerts are watched, by their labels. Default all. */
  about?: (labels: Readonly<Record<string, string>>) => boolean
}

/** Asked as soon as all is well. What is on its way to be told then is awaited: a gateway that listened a moment later than others began to look is told of seconds after it is well. */
export async function beforeOf ({ fleets, fleet, signal, patience }: Pick<Watched, 'fleets' | 'fleet' | 'signal' | 'patience'>): Promise<Before> {
  const rows = rowsOf(await fleets.rows(fleet))
  const until = Date.now() + patience.recoverMs
  await pause(CALM_MS, undefined, { signal })
  while ((await comingOf(fleets, fleet)).length > 0 && Date.now() < until) await pause(POLL_MS, undefined, { signal })
  return { rows, alerts: new Set((await fleets.notified(fleet)).map(alertKey)) }
}

/** `since`: when it was broken, milliseconds. Resolves when all is said, or patience is at its end. */
export async function untilNamed (watched: Watched, expectation: SideExpectation, since: number): Promise<FleetResult> {
  const { fleets, fleet, before, signal, patience } = watched
  const { rows: expected, alerts: expectedAlerts } = expectation
  const nothing = expected.length === 0
  let comparison: Comparison
  let named: number | undefined
  const meanwhile = passing(watched, since)
  for (;;) {
    comparison = compare(expectation, before.rows, rowsOf(await fleets.rows(fleet)))
    await meanwhile.note(comparison)
    if (!nothing && comparison.missing.length === 0 && (await metricsDiffer(fleets, fleet, expected)).length === 0) {
      named = Date.now()
      break
    }
    if (Date.now() - since > (nothing ? patience.quietMs : patience.nameMs)) break
    await pause(POLL_MS, undefined, { signal })
  }
  // Who names nothing tells nobody: that is known already.
  const until = Date.now() + (named === undefined && !nothing ? 0 : patience.alertMs)
  for (;;) {
    comparison = compare(expectation, before.rows, rowsOf(await fleets.rows(fleet)))
    await meanwhile.note(comparison)
    const missed = expectedAlerts.filter(name => !firedSince(watched, since).has(name))
    if ((missed.length === 0 && comparison.unexplained.length === 0 && comparison.missing.length === 0) || Date.now() > until) break
    await pause(POLL_MS, undefined, { signal })
  }
  const fired = firedSince(watched, since)
  const wrong = [
    ...await Promise.all(comparison.missing.map(async ({ expected: each, said }) => `${told(each)} is not said; ${said === undefined ? 'nothing is said of it' : await whyOf(fleets, fleet, said)}`)),
    ...await Promise.all(comparison.unexplained.slice(0, TOLD).map(async row => `not expected: ${await whyOf(fleets, fleet, row)}`)),
    ...(comparison.missing.length > 0 ? [] : await metricsDiffer(fleets, fleet, expected)),
    ...expectedAlerts.filter(name => !fired.has(name)).map(name => `${name} was not told`),
    ...[...fired].filter(([name]) => !expectedAlerts.some(each => each === name)).map(([, { of, cause }]) => `${of} was told (${cause}), and should not have been`),
  ]
  for (const { domain, peer, what } of expectation.untested ?? []) {
    const { out } = await fleets.ask<PairView>(fleet, `/v1/status/${domain}/${peer}`)
    if (!out.verdict.untested.some(each => each.what === what)) wrong.push(`${domain} with ${peer}: that ${what} was not asked is not said, but ${out.verdict.untested.map(each => each.what).join(', ') || 'nothing'}`)
  }
  const first = Math.min(...expectedAlerts.flatMap(name => fired.get(name)?.at ?? []))
  const now = rowsOf(await fleets.rows(fleet))
  return {
    expected: nothing ? ['nothing'] : expected.map(told), named: nothing ? changed(before.rows, now).map(told) : expected.map(each => now.get(keyOf(each))).map(row => row === undefined ? 'nothing' : told(row)),
    right: wrong.length === 0, wrong,
    ...(named === undefined ? {} : { secondsToName: seconds(named - since) }), ...(Number.isFinite(first) ? { secondsToAlert: seconds(first - since) } : {}),
    expectedAlerts: [...expectedAlerts], alerts: [...fired.keys()].toSorted(), others: [...comparison.explained, ...comparison.unexplained].map(told),
    ...(meanwhile.said.size === 0 ? {} : { meanwhile: [...meanwhile.said.values()] }),
  }
}

/** Until every row is as before and no alert is out that was not. What was not expected to be told may not be told while it recovers, either. */
export async function untilRecovered (watched: Watched, result: FleetResult, since: number, healed: number): Promise<FleetResult> {
  const { fleets, fleet, before, signal, patience } = watched
  let left: string[]
  let recovered: number | undefined
  for (;;) {
    const rows = changed(before.rows, rowsOf(await fleets.rows(fleet)))
    if (rows.length === 0) recovered ??= Date.now()
    else recovered = undefined
    const alerts = (await fleets.notified(fleet)).map(alertKey).filter(key => !before.alerts.has(key))
    const coming = (await comingOf(fleets, fleet)).filter(key => !before.alerts.has(key) && !alerts.includes(key))
    left = [...rows.map(row => `still ${told(row)}: ${row.sentence}`), ...alerts.map(key => `still told: ${key}`), ...coming.map(key => `still about to be told: ${key}`)]
    if (left.length === 0 || Date.now() - healed > patience.recoverMs) break
    await pause(POLL_MS, undefined, { signal })
  }
  const fired = firedSince(watched, since)
  const late = [...fired].filter(([name]) => !result.alerts.includes(name) && !result.expectedAlerts.includes(name)).map(([, { of, cause }]) => `${of} was told (${cause}) while it recovered`)
  const wrong = [...result.wrong, ...left.slice(0, TOLD), ...late]
  return { ...result, right: wrong.length === 0, wrong, ...(recovered === undefined ? {} : { secondsToRecover: seconds(recovered - healed) }), alerts: [...fired.keys()].toSorted() }
}

/** Collects what is said that neither is expected nor was said before, with its evidence of that moment. */
function passing ({ fleets, fleet, before }: Watched, since: number): { note: (comparison: Comparison) => Promise<void>, said: ReadonlyMap<string, string> } {
  const said = new Map<string, string>()
  return {
    said,
    note: async ({ missing, unexplained }) => {
      const others = [...missing.flatMap(({ said: row }) => row ?? []).filter(row => !same(row, before.rows.get(keyOf(row)))), ...unexplained].filter(row => !said.has(told(row)))
      const at = seconds(Date.now() - since)
      for (const row of others) said.set(told(row), `after ${at} s: ${(await whyOf(fleets, fleet, row)).slice(0, PASSING_CHARS)}`)
    },
  }
}

/** Where Prometheus says otherwise than the API should. */
async function metricsDiffer (fleets: Fleets, fleet: FleetName, expected: SideExpectation['rows']): Promise<string[]> {
  const samples = await fleets.prometheus(fleet).query('dialtone_cause_info')
  const causes = new Map(samples.map(({ labels }) => [keyOf({ domain: labels['domain'] ?? '', peer: labels['peer'] === '' ? undefined : labels['peer'] }), labels['cause'] ?? '']))
  return expected.flatMap(each => causes.get(keyOf(each)) === each.cause ? [] : [`the metric says ${causes.get(keyOf(each)) ?? 'nothing'} of ${keyOf(each)}`])
}

type Fired = { at: number, of: string, cause: string }

/** When each alert was first told since then, of those that were not out before. */
function firedSince ({ fleets, fleet, before: { alerts }, about = () => true }: Watched, since: number): Map<string, Fired> {
  const fired = new Map<string, Fired>()
  for (const each of fleets.told(fleet)) {
    if (each.status === 'firing' && each.at >= since && !alerts.has(alertKey(each)) && !fired.has(each.alert) && about(each.labels)) fired.set(each.alert, { at: each.at, of: alertKey(each), cause: each.labels['cause'] ?? 'no cause' })
  }
  return fired
}

/** What rules have seen and wait for, or have told Alertmanager. */
async function comingOf (fleets: Fleets, fleet: FleetName): Promise<string[]> {
  const samples = await fleets.prometheus(fleet).query('ALERTS')
  return samples.map(({ labels }) => alertKey({ alert: labels['alertname'] ?? '', labels }))
}

function changed (before: Rows, now: Rows): Row[] {
  return [...now.values()].filter(row => !same(row, before.get(keyOf(row))))
}

/** The verdict of a row with its evidence, for who has to find out. */
async function whyOf (fleets: Fleets, fleet: FleetName, row: Row): Promise<string> {
  const said = `${told(row)}: "${row.sentence}"`
  const { domain, peer } = row
  try {
    const verdicts = peer === undefined ? [(await fleets.ask<DomainView>(fleet, `/v1/status/${domain}`)).verdict] : await fleets.ask<PairView>(fleet, `/v1/status/${domain}/${peer}`).then(({ out, in: inward }) => [out.verdict, inward.verdict])
    const evidence = verdicts.filter(({ cause }) => cause === row.cause).flatMap(verdict => verdict.evidence).map(({ text, vantage }) => `${text} (${vantage})`)
    return `${said} because of: ${evidence.slice(0, TOLD).join('; ') || 'no evidence'}`
  } catch {
    return said
  }
}

function alertKey ({ alert, labels }: { alert: string, labels: Readonly<Record<string, string>> }): string {
  const of = ['domain', 'peer', 'vantage', 'instance', 'gateway'].flatMap(label => labels[label] === undefined || labels[label] === '' ? [] : [labels[label]])
  return [alert, ...of].join(' ')
}

function seconds (ms: number): number {
  return Math.round(ms / 100) / 10
}
