// Runs scenarios of the zoo: each is started, checked like any domain, and stopped.
import type { Cause, Report } from '@dialtone/contracts'
import { OperatorError, type Clock } from '@dialtone/kernel'
import { requestFor, startListener, type CheckRequest, type DeepRequest } from '@dialtone/ladder'
import { DIGEST } from '@dialtone/net'
import { keysOf } from '@dialtone/stream'
import { startScenario, type RunningScenario, type Scenario } from '@dialtone/zoo'
import { check } from './run-check.ts'

/** `notRun` is a sentence where this machine cannot act a scenario out. */
export type Outcome = { scenario: Scenario, report: Report, right: boolean, ms: number } | { scenario: Scenario, notRun: string }

/** In the order of the scenarios, at most `parallel` at once; `done` hears each as it ends. */
export async function runZoo (scenarios: readonly Scenario[], { parallel, signal, done }: { parallel: number, signal: AbortSignal, done?: (outcome: Outcome) => void }): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const queue = scenarios.entries()
  await Promise.all(Array.from({ length: Math.min(parallel, scenarios.length) }, async () => {
    for (const [at, scenario] of queue) {
      const outcome = await runOne(scenario, signal)
      outcomes[at] = outcome
      done?.(outcome)
    }
  }))
  return outcomes
}

/** Expected and named cause of every scenario that ran. */
export function judged (outcomes: readonly Outcome[]): { name: string, expected: Cause, named: Cause }[] {
  return outcomes.flatMap(outcome => 'report' in outcome ? [{ name: outcome.scenario.name, expected: outcome.scenario.expects.cause, named: outcome.report.verdict.cause }] : [])
}

async function runOne (scenario: Scenario, signal: AbortSignal): Promise<Outcome> {
  const began = performance.now()
  try {
    const running = await startScenario(scenario, signal)
    const closers = [running.stop]
    try {
      const { request, stop } = await requestOf(running)
      closers.push(stop)
      const earlier = scenario.again === undefined ? [] : [(await check(request, running.judge, signal, { clock: clockBack(scenario.again.afterSeconds) })).observation]
      const report = await check(request, running.judge, signal, { earlier })
      const { cause, state } = report.verdict
      return { scenario, report, right: cause === scenario.expects.cause && state === scenario.expects.state, ms: performance.now() - began }
    } finally {
      for (const close of closers.toReversed()) await close()
    }
  } catch (error) {
    if (error instanceof OperatorError && error.code === 'no-ipv6-loopback') return { scenario, notRun: error.message }
    throw error
  }
}

/** The request of a running scenario, with the listener that it needs. */
export async function requestOf ({ request, deep }: RunningScenario): Promise<{ request: CheckRequest, stop: () => Promise<void> }> {
  if (deep === undefined) return { request: requestFor(request), stop: () => Promise.resolve() }
  const { listener: wanted, secret, ...given } = deep
  const listener = wanted === undefined ? undefined : await startListener({
    domain: deep.as, places: [{ ...wanted.place, kind: 'starttls' }], keys: keysOf(wanted.secret, DIGEST), anchors: request.anchors, ...(wanted.certificate === undefined ? {} : { certificate: wanted.certificate }),
  })
  const speaking: DeepRequest = { ...given, publicAddresses: [], ...(secret === undefined ? {} : { keys: keysOf(secret, DIGEST) }), ...(listener === undefined ? {} : { listener }) }
  return { request: requestFor({ ...request, deep: speaking }), stop: async () => { await listener?.stop() } }
}

/** A clock that is so many seconds slow. */
function clockBack (seconds: number): Clock {
  return { now: () => Date.now() - 1000 * seconds, elapsed: () => performance.now() }
}
