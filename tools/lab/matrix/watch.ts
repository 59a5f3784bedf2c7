// One fleet while something is broken: until it names it, until it is known who was told, and until all is as before.
import { setTimeout as pause } from 'node:timers/promises'
import { STATES, type DomainView, type PairView } from '@dialtone/contracts'
import type { AlertName } from '@dialtone/deploy'
import type { FleetName, Fleets } from '../seams.ts'
import { alertText, mayBeTold, sameAlert, type ToldAlert } from './alerts.ts'
import { changed, compare, keyOf, rowsOf, same, told, type Comparison, type Row, type Rows, type SideExpectation } from './compare.ts'
import type { FleetResult } from './result.ts'

export type Patience = {
  /** Milliseconds to name it; to tell all who are to be told, from then; to be as before. */
  nameMs: number, alertMs: number, recoverMs: number
  /** How long it is watched where nothing is expected to be said, or nobody to be told; and after how long whatever is said there is wrong, even if it goes away. */
  quietMs: number, settledMs: number
  /** How long metrics may still say otherwise: they are those of the last scrape, and a scrape can be missed. */
  scrapedMs: number
}
/**
 * Of a lab on a busy machine. A notice is told after an hour, which is two minutes here; what a deep check finds, 24 seconds after the next one. The slowest name, that of a peer that
 * refuses, comes after 77 to 91 seconds: for longer nothing is to be said where nothing is expected.
 */
export const PATIENCE: Patience = { nameMs: 120_000, alertMs: 200_000, quietMs: 100_000, settledMs: 45_000, recoverMs: 150_000, scrapedMs: 6000 }

const POLL_MS = 500
/** It is right when it has been so long: longer than a scrape and the evaluation after it. */
const CALM_MS = 3000
/** Rows and facts of each that a wrong result tells. */
const TOLD = 4
/** Of what was said for a moment. */
const PASSING_CHARS = 300

export type Watched = {
  fleets: Fleets, fleet: FleetName, before: Rows, patience: Patience
  /** Which rows and alerts are watched, by domain and peer. Default all. */
  about?: (of: { domain?: string | undefined, peer?: string | undefined }) => boolean
}

/** Looks at one fleet again and again. */
export type Watcher = {
  /** Never fails: who did not answer the last time is told by the result. */
  look: () => Promise<void>
  /** All is as it should be, or patience is at its end. May become false again. */
  ended: () => boolean
  /** Never fails. */
  result: () => Promise<FleetResult>
}

/** Until all have ended at once: who is right early is watched as long as the others. Fails only when aborted. */
export async function untilEnded (watchers: readonly Watcher[], signal: AbortSignal): Promise<FleetResult[]> {
  for (;;) {
    signal.throwIfAborted()
    await Promise.all(watchers.map(watcher => watcher.look()))
    if (watchers.every(watcher => watcher.ended())) return await Promise.all(watchers.map(watcher => watcher.result()))
    await pause(POLL_MS, undefined, { signal })
  }
}

/** While it is broken. `since`: when it began to be, milliseconds. */
export function watchBroken (watched: Watched, expectation: SideExpectation, since: number): Watcher {
  const { fleets, fleet, before, patience, about = () => true } = watched
  const { rows: expected, alerts: demanded, untested = [] } = expectation
  const nothing = expected.length === 0
  /** At least. */
  const watchMs = nothing || demanded.length === 0 ? patience.quietMs : 0
  let now: Rows = new Map()
  let comparison: Comparison = { missing: expected.map(each => ({ expected: each, said: undefined })), explained: [], unexplained: [] }
  let trouble: string | undefined = 'not asked yet'
  let named: number | undefined
  let rightSince: number | undefined
  /** In seconds; `until`: when it was not said any more, and never was again. */
  const passing = new Map<string, { from: number, until?: number | undefined, why: string }>()
  const late = new Map<string, string>()

  const note = async (): Promise<void> => {
    const { missing, unexplained } = comparison
    const age = Date.now() - since
    const instead = missing.flatMap(({ said }) => said ?? []).filter(row => !same(row, before.get(keyOf(row))))
    const said = [...instead, ...unexplained]
    for (const row of said.filter(each => !passing.has(told(each)))) passing.set(told(row), { from: seconds(age), why: (await whyOf(fleets, fleet, row)).slice(0, PASSING_CHARS) })
    for (const [text, each] of passing) each.until = said.some(row => told(row) === text) ? undefined : each.until ?? seconds(age)
    if (nothing && age > patience.settledMs) for (const row of unexplained.filter(each => !late.has(told(each)))) late.set(told(row), await whyOf(fleets, fleet, row))
  }
  const missed = (): ToldAlert[] => {
    const fired = firedSince(watched, since)
    return demanded.filter(each => !fired.some(({ alert }) => sameAlert(alert, each)))
  }
  return {
    look: async () => {
      try {
        now = rowsOf((await fleets.rows(fleet)).filter(about))
        comparison = compare(expectation, before, now)
        await note()
        if (named === undefined && !nothing && comparison.missing.length === 0 && (await metricsDiffer(watched, row => expected.some(each => keyOf(each) === keyOf(row)))).length === 0) named = Date.now()
        trouble = undefined
      } catch (error) {
        trouble = textOf(error)
      }
      const right = trouble === undefined && comparison.missing.length === 0 && comparison.unexplained.length === 0 && (nothing || named !== undefined) && missed().length === 0
      rightSince = right ? rightSince ?? Date.now() : undefined
    },
    ended: () => {
      const age = Date.now() - since
      if (age < watchMs) return false
      if (rightSince !== undefined && Date.now() - rightSince >= CALM_MS) return true
      // Who names nothing tells nobody: that is known already. Where nobody is to be told either, nothing is left to wait for.
      if (!nothing && named === undefined) return age > patience.nameMs
      return nothing && demanded.length === 0 || age > (named === undefined ? 0 : named - since) + patience.alertMs
    },
    result: async () => {
      const fired = firedSince(watched, since)
      const wrong = [
        ...(trouble === undefined ? [] : [`it did not answer: ${trouble}`]),
        ...await Promise.all(comparison.missing.map(async ({ expected: each, said }) => `${told(each)} is not said; ${said === undefined ? 'nothing is said of it' : await whyOf(fleets, fleet, said)}`)),
        ...await Promise.all(comparison.unexplained.slice(0, TOLD).map(async row => `not expected: ${await whyOf(fleets, fleet, row)}`)),
        ...[...late].filter(([text]) => !comparison.unexplained.some(row => told(row) === text)).slice(0, TOLD).map(([, why]) => `not expected, though it went away: ${why}`),
        ...(trouble === undefined ? await untilScraped(watched) : []),
        ...missed().map(each => `not told: ${alertText(each)}`),
        ...wronglyTold(watched, expectation, since).map(text => `told, and should not have been: ${text}`),
        ...(await Promise.all(untested.map(each => whyTested(fleets, fleet, each)))).flat(),
      ]
      const first = Math.min(...fired.filter(({ alert }) => demanded.some(each => sameAlert(each, alert))).map(({ at }) => at))
      return {
        expected: nothing ? ['nothing'] : expected.map(told),
        named: nothing ? changed(before, now).map(told) : expected.map(each => now.get(keyOf(each))).map(row => row === undefined ? 'nothing' : told(row)),
        right: wrong.length === 0, wrong,
        ...(named === undefined ? {} : { secondsToName: seconds(named - since) }), ...(Number.isFinite(first) ? { secondsToAlert: seconds(first - since) } : {}),
        expectedAlerts: demanded.map(alertText), alerts: fired.map(({ alert }) => alertText(alert)).toSorted(), others: [...comparison.explained, ...comparison.unexplained].map(told),
        ...(passing.size === 0 ? {} : { meanwhile: [...passing.values()].map(({ from, until, why }) => `after ${from} s${until === undefined ? '' : `, until ${until} s`}: ${why}`) }),
      }
    },
  }
}

/**
 * From `healing`, when it began to be healed, until every row is as before and no alert is out or on its way. `result`: of the time while it was broken, which began at `since`; what was not
 * expected to be told then may not be told now, either. `about` of what is watched is of that alone: all must be as before.
 */
export function watchRecovery (watched: Watched, expectation: SideExpectation, result: FleetResult, { since, healing }: { since: number, healing: number }): Watcher {
  const { fleets, fleet, before, patience } = watched
  let left: string[] = []
  let recovered: number | undefined
  return {
    look: async () => {
      try {
        const rows = changed(before, rowsOf(await fleets.rows(fleet)))
        recovered = rows.length === 0 ? recovered ?? Date.now() : undefined
        const out = (await fleets.notified(fleet)).map(alertText)
        left = [...rows.map(row => `still ${told(row)}: ${row.sentence}`), ...out.map(text => `still told: ${text}`), ...(await comingOf(fleets, fleet)).map(text => `still about to be told: ${text}`)]
      } catch (error) {
        left = [`it did not answer: ${textOf(error)}`]
      }
    },
    ended: () => left.length === 0 || Date.now() - healing > patience.recoverMs,
    result: async () => {
      const before = new Set(result.wrong)
      const late = wronglyTold(watched, expectation, since).map(text => `told, and should not have been: ${text}`).filter(text => !before.has(text))
      const wrong = [...result.wrong, ...left.slice(0, TOLD), ...late.map(text => `while it recovered: ${text}`)]
      const alerts = firedSince(watched, since).map(({ alert }) => alertText(alert)).toSorted()
      return await Promise.resolve({ ...result, right: wrong.length === 0, wrong, ...(recovered === undefined ? {} : { secondsToRecover: seconds(recovered - healing) }), alerts })
    },
  }
}

/** What rules have seen and wait for, or have told Alertmanager. */
export async function comingOf (fleets: Fleets, fleet: FleetName): Promise<string[]> {
  const samples = await fleets.prometheus(fleet).query('ALERTS')
  return samples.map(({ labels }) => alertText({ alert: (labels['alertname'] ?? '') as AlertName, labels }))
}

/** Where Prometheus says otherwise of these rows than the API does at this moment. */
async function metricsDiffer ({ fleets, fleet, about = () => true }: Watched, of: (row: Row) => boolean = () => true): Promise<string[]> {
  const [causes, states, rows] = await Promise.all([fleets.prometheus(fleet).query('dialtone_cause_info'), fleets.prometheus(fleet).query('dialtone_state'), fleets.rows(fleet)])
  const subject = (labels: Readonly<Record<string, string>>): string => keyOf({ domain: labels['domain'] ?? '', peer: labels['peer'] === '' ? undefined : labels['peer'] })
  const said = new Map(causes.map(({ labels }) => [subject(labels), `${labels['cause']}, ${labels['side']}`]))
  const state = new Map(states.map(({ labels, value }) => [subject(labels), STATES[value]]))
  return rows.filter(row => about(row) && of(row)).flatMap(row => {
    const metric = `${said.get(keyOf(row)) ?? 'nothing'}, ${state.get(keyOf(row)) ?? 'no state'}`
    return metric === `${row.cause}, ${row.side}, ${row.state}` ? [] : [`the metrics say (${metric}) of ${told(row)}`]
  })
}

/** Of all rows, when what was said last can have been scraped. */
async function untilScraped (watched: Watched): Promise<string[]> {
  const until = performance.now() + watched.patience.scrapedMs
  for (;;) {
    const differ = await metricsDiffer(watched).catch((error: unknown) => [`it did not answer: ${textOf(error)}`])
    if (differ.length === 0 || performance.now() > until) return differ.slice(0, TOLD)
    await pause(POLL_MS)
  }
}

type Fired = { at: number, alert: ToldAlert }

/** When each alert was first told since then. */
function firedSince ({ fleets, fleet, about = () => true }: Watched, since: number): Fired[] {
  const fired = new Map<string, Fired>()
  for (const { alert, labels, status, at } of fleets.told(fleet)) {
    const text = alertText({ alert, labels })
    if (status === 'firing' && at >= since && about({ domain: labels['domain'], peer: labels['peer'] }) && !fired.has(text)) fired.set(text, { at, alert: { alert, labels } })
  }
  return [...fired.values()]
}

function wronglyTold (watched: Watched, expectation: SideExpectation, since: number): string[] {
  return firedSince(watched, since).filter(({ alert }) => !mayBeTold(expectation, alert)).map(({ alert }) => alertText(alert))
}

/** Nothing where the way out is told as not asked so. */
async function whyTested (fleets: Fleets, fleet: FleetName, { domain, peer, what }: NonNullable<SideExpectation['untested']>[number]): Promise<string[]> {
  try {
    const { out } = await fleets.ask<PairView>(fleet, `/v1/status/${domain}/${peer}`)
    return out.verdict.untested.some(each => each.what === what) ? [] : [`${domain} with ${peer}: that ${what} was not asked is not said, but ${out.verdict.untested.map(each => each.what).join(', ') || 'nothing'}`]
  } catch (error) {
    return [`it did not answer: ${textOf(error)}`]
  }
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

function textOf (error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function seconds (ms: number): number {
  return Math.round(ms / 100) / 10
}
