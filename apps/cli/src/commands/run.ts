// dialtone run: check one domain or pair of the fleet now, from every vantage, and wait for what comes of it.
import type { CheckView, OverviewRow } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import type { Api } from '../client/api.ts'
import { ASKING, apiOf, asJson, subjectIn, type Environment } from '../client/command.ts'
import { pairsOf } from '../client/peers.ts'
import { Refusal } from '../client/refusal.ts'
import { EXIT_CODE, exitCode } from '../exit-code.ts'
import { RUN_HELP } from '../help.ts'
import { countOf, formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { pause } from '../pause.ts'
import { overviewTable, subjectOf } from '../text/fleet.ts'

const OPTIONS = { ...ASKING, deep: { type: 'boolean' }, vantages: { type: 'string' }, wait: { type: 'string' }, quiet: { type: 'boolean' } } as const
/** A deep check waits up to 95 s for one answer. */
const WAIT_SECONDS = 240
const LOOK_MS = 250
/** So long, and so often, it waits for agents that are busy. */
const PATIENT_SECONDS = 15
const MOST_TRIES = 5

/** Resolves to the exit code of the verdict after the check; 3 where no vantage could look. */
export async function runRun (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('run', OPTIONS, args)
  if (values.help === true) return out.print(RUN_HELP)
  const named = subjectIn('run', positionals)
  const json = formatOf(values) === 'json'
  const waitMs = 1000 * (values.wait === undefined ? WAIT_SECONDS : countOf('--wait', values.wait, 1, 3600))
  const api = await apiOf(values, environment, signal)
  const pairs = named.peer === undefined ? await pairsOf(api, named.domain) : []
  const subject = pairs.length === 1 && pairs[0] !== undefined ? { domain: pairs[0].domain, peer: named.domain } : named
  const request = { ...subject, ...(values.deep === true ? { deep: true } : {}), ...(values.vantages === undefined ? {} : { vantages: values.vantages.split(',') }) }
  const told = new Set<string>()
  const tell = (check: CheckView) => {
    if (values.quiet === true) return
    for (const line of check.vantages.map(progressLine)) {
      if (!told.has(line)) out.progress(`${line}\n`)
      told.add(line)
    }
  }
  const until = performance.now() + waitMs
  const carriedOut = async (asked: object): Promise<CheckView> => {
    let check = await begin(api, asked, out, signal)
    if (values.quiet !== true) out.progress(`check ${check.id} of ${subjectOf(subject)}\n`)
    for (tell(check); check.state === 'running'; tell(check)) {
      if (performance.now() > until) throw new OperatorError('server-timeout', `check ${check.id} was not over after ${waitMs / 1000} s: it goes on without us; see 'dialtone describe ${subjectOf(subject).replace(' <->', '')}'`)
      await pause(LOOK_MS, signal)
      check = await api.get<CheckView>(`/v1/checks/${encodeURIComponent(check.id)}`)
    }
    return check
  }
  let check = await carriedOut(request)
  // Who was at it already looks again as soon as it may.
  const patientUntil = Math.min(until, performance.now() + 1000 * PATIENT_SECONDS)
  for (let left = MOST_TRIES; left > 0; left--) {
    const refused = check.vantages.filter(({ state, retryAfterSeconds }) => state === 'refused' && retryAfterSeconds !== undefined)
    const waitFor = 1000 * Math.max(1, ...refused.map(({ retryAfterSeconds = 0 }) => retryAfterSeconds))
    if (refused.length === 0 || performance.now() + waitFor > patientUntil) break
    await pause(waitFor, signal)
    const again = await carriedOut({ ...request, vantages: [...new Set(refused.map(({ vantage }) => vantage))] })
    const looked = check.vantages.filter(one => !again.vantages.some(({ vantage, target }) => vantage === one.vantage && target === one.target))
    check = { ...again, startedAt: check.startedAt, vantages: [...looked, ...again.vantages.map(one => one.state === 'done' ? one : check.vantages.find(({ vantage, target, state }) => state === 'done' && vantage === one.vantage && target === one.target) ?? one)], ...(check.before === undefined ? {} : { before: check.before }) }
  }
  // Control tells how a domain is after its check; of a peer all pairs count.
  if (pairs.length > 1) check = { ...check, before: pairs, after: await pairsOf(api, named.domain) }
  const rows = check.after ?? []
  if (json) out.print(asJson(check))
  else out.print(resultText(check, rows, out))
  return check.vantages.every(({ state }) => state !== 'done') ? EXIT_CODE.unknown : rows.length === 0 ? EXIT_CODE.unknown : exitCode(rows.map(({ state }) => state))
}

/** Agents that are at it already are asked again as soon as they say; one that has to wait for longer is told. */
async function begin (api: Api, request: object, out: Out, signal: AbortSignal): Promise<CheckView> {
  for (let left = MOST_TRIES; ; left--) {
    try {
      return (await api.send<CheckView>('POST', '/v1/checks', request)).body
    } catch (error) {
      const seconds = error instanceof Refusal && error.code === 'try-later' ? error.retryAfterSeconds : undefined
      if (left === 0 || seconds === undefined || seconds > PATIENT_SECONDS) throw error
      out.progress(`  ${(error as Refusal).message}\n`)
      await pause(1000 * Math.max(1, seconds), signal)
    }
  }
}

function progressLine ({ vantage, agent, target, state, says, retryAfterSeconds }: CheckView['vantages'][number]): string {
  return `  ${vantage.padEnd(12)} ${state.padEnd(9)} ${quoted(target, 200)}${agent === undefined ? '' : ` by ${agent}`}${says === undefined ? '' : `: ${quoted(says, 300)}`}${retryAfterSeconds === undefined ? '' : ` (again after ${retryAfterSeconds} s)`}`
}

function resultText (check: CheckView, rows: readonly OverviewRow[], { terminal }: Out): string {
  const before = new Map((check.before ?? []).map(row => [subjectOf(row), row]))
  const moved = rows.flatMap(row => {
    const was = before.get(subjectOf(row))
    return was === undefined || was.cause === row.cause ? [] : [`${subjectOf(row)} was ${was.cause} before`]
  })
  const silent = check.vantages.filter(({ state }) => state !== 'done').map(({ vantage, state }) => `${vantage}: ${state}`)
  return [
    ...(rows.length === 0 ? [`nothing is known after check ${check.id}`] : overviewTable(rows, check.endedAt ?? check.startedAt, terminal)),
    ...moved, ...(silent.length === 0 ? [] : [`not everybody looked: ${silent.join(', ')}`]), '',
  ].join('\n')
}
