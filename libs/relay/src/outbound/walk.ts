/**
 * Over the targets of a domain, one after the other, until one attempt ends well or the failure is one that would repeat (gateways.md 5.3 steps 2 and 3). Each
 * step is told; what failed is remembered as a bad target.
 */
import type { Refusal, RouteStep } from '@dialtone/contracts'
import type { Clock, Meter } from '@dialtone/kernel'
import type { DialRequest } from '../seams.ts'
import { ofFailure, ofNoTargets, type Lost } from './failures.ts'
import { dialSeconds, targetsTotal, type Phase } from './metrics.ts'
import { race, type Connected } from './race.ts'
import { findTargets, nameOf, type Finding, type Target, type Wanted } from './targets.ts'

export type Attempt = { target: Target, connected: Connected, /** On the clock's `elapsed`: it keeps to that by itself. */ deadline: number, tell: Tell, measured: (phase: Phase, ms: number) => void, /** The caller gives it up. */ signal: AbortSignal }
export type Tell = (step: RouteStep['step'], outcome: RouteStep['outcome'], says: string) => void
export type Walk<Won> = Wanted & Finding & {
  clock: Clock
  meter: Meter
  step: DialRequest['step']
  signal: AbortSignal
  /** On one connection. Never rejects. */
  attempt: (attempt: Attempt) => Promise<{ won: Won } | { lost: Lost }>
}

/** Never rejects; when the signal aborts, the loss is `cancelled`. Ends within the time for a whole route. */
export async function walk<Won> (given: Walk<Won>): Promise<{ won: Won } | { lost: Lost, cancelled?: true }> {
  const { zone, domain, limits, clock, meter, step, signal } = given
  const until = clock.elapsed() + limits.routeMs
  const whole = within(limits.routeMs, signal)
  const measured = (phase: Phase, ms: number) => meter.observe(dialSeconds, { zone: zone.name, phase }, ms / 1000)
  const tell = (target?: string): Tell => (name, outcome, says) => step({ step: name, outcome, says: says.slice(0, 400), ...(target === undefined ? {} : { target: target.slice(0, 300) }) })
  try {
    const began = clock.elapsed()
    const found = await findTargets(given, given, whole.signal)
    measured('dns', clock.elapsed() - began)
    if ('lost' in found) tell()('dns', 'failed', found.lost.failed.says)
    else tell()('dns', 'ok', `${FROM[found.by]}: ${found.targets.length === 1 ? 'one target' : `${found.targets.length} targets`}.`)
    for (const { target, says } of found.skipped) tell(target)('targets', 'skipped', says)
    if ('lost' in found) return found
    tell()('targets', 'ok', `In this order: ${found.targets.map(target => nameOf(target) + (target.waitsMs === undefined ? '' : ' (failed lately)')).join(', ')}.`)
    return await overTargets(found.targets)
  } catch (error) {
    if (signal.aborted) return CANCELLED
    if (whole.signal.aborted) return { lost: ofNoTargets('dns-failed', `The resolver did not say where ${domain} is within ${limits.routeMs / 1000} seconds.`) }
    throw error
  } finally {
    whole.release()
  }

  async function overTargets (targets: readonly Target[]): Promise<{ won: Won } | { lost: Lost, cancelled?: true }> {
    let worst: { lost: Lost, target: string } | undefined
    let tried = 0
    let left = Number.POSITIVE_INFINITY
    for (const target of targets) {
      if (left-- <= 0 || whole.signal.aborted) break
      const name = nameOf(target)
      tried++
      let result = await onTarget(target, tell(name))
      // XEP-0220 §2.5, resource-constraint: once more on a connection of its own.
      if ('lost' in result && result.lost.go === 'again' && !whole.signal.aborted) result = await onTarget(target, tell(name))
      meter.add(targetsTotal, { zone: zone.name, outcome: 'won' in result ? 'ready' : signal.aborted ? 'cancelled' : result.lost.failed.reason })
      if ('won' in result) return result
      if (signal.aborted) return CANCELLED
      tell(name)('failed', 'failed', result.lost.failed.says)
      if (worst === undefined || rank(result.lost) >= rank(worst.lost)) worst = { lost: result.lost, target: name }
      if (result.lost.go === 'stop') break
      if (result.lost.go === 'next-once') left = Math.min(left, 1)
    }
    if (signal.aborted) return CANCELLED
    if (worst === undefined) return { lost: ofNoTargets('dns-failed', `There was no time left for the targets of ${domain}.`) }
    const { lost: { failed, ...rest }, target } = worst
    return { lost: { ...rest, failed: { ...failed, says: `${tried === 1 ? target : `${tried} targets failed; the one that came furthest was ${target}`}. ${failed.says}`.slice(0, 400) } } }
  }

  async function onTarget (target: Target, tell: Tell): Promise<{ won: Won } | { lost: Lost }> {
    const { badTargets, allowNets, attempt } = given
    const began = clock.elapsed()
    const deadline = Math.min(began + limits.targetMs, until)
    const limit = within(deadline - began, whole.signal)
    const { sourceAddress } = zone.spec
    const mark = (address: string, { blame }: Lost) => { if (blame !== undefined) badTargets.mark(zone.name, { ...target, address }, domain, blame === 'domain') }
    try {
      const { connected, tried } = await race(target.addresses, { port: target.port, allowNets: [...zone.allowNets, ...allowNets], ...(sourceAddress === undefined ? {} : { sourceAddress }) }, limits, limit.signal)
      const failures = tried.map(({ address, failure }) => ({ address, lost: ofFailure(failure, { at: 'connecting', said: false }) }))
      if (!signal.aborted) for (const { address, lost } of failures) mark(address, lost)
      for (const { address, lost } of failures) tell('tcp', 'failed', `${address}: ${lost.failed.says}`)
      if (connected === undefined) return { lost: failures.at(-1)?.lost ?? ofFailure({ at: 'tcp', why: 'timeout' }, { at: 'connecting', said: false }) }
      const ms = clock.elapsed() - began
      measured('tcp', ms)
      tell('tcp', 'ok', `Connected to ${connected.address} in ${Math.round(ms)} ms.`)
      const result = await attempt({ target, connected, deadline, tell, measured, signal })
      if ('won' in result) badTargets.clear(zone.name, { ...target, address: connected.address }, domain)
      else if (!signal.aborted) mark(connected.address, result.lost)
      return result
    } finally {
      limit.release()
    }
  }
}

const FROM = { records: 'SRV records', fallback: 'No SRV record, so the addresses of the domain itself', given: 'Hops that are configured' } as const

const CANCELLED = { cancelled: true, lost: { go: 'stop', failed: { reason: 'internal-fault', says: 'The attempt was given up here before it ended.', temporary: true, failure: { at: 'probe', why: 'cancelled' } } } } as const satisfies { cancelled: true, lost: Lost }

/** How far an attempt came: what is told of several is that which came furthest. */
const FURTHEST: readonly Refusal[] = ['address-refused', 'unreachable', 'tls-failed', 'stream-failed', 'certificate-refused', 'host-unknown', 'dialback-error', 'dialback-invalid', 'authentication-refused']

function rank ({ failed }: Lost): number {
  return FURTHEST.indexOf(failed.reason)
}

/** A signal that aborts with another, or after so many milliseconds. */
function within (ms: number, outer: AbortSignal): { signal: AbortSignal, release: () => void } {
  const controller = new AbortController()
  const abort = () => controller.abort()
  const timer = setTimeout(abort, Math.max(0, ms))
  outer.addEventListener('abort', abort, { once: true })
  if (outer.aborted) abort()
  return { signal: controller.signal, release: () => {
    clearTimeout(timer)
    outer.removeEventListener('abort', abort)
  } }
}
