/** Exceptions that are over, overlap or cover everything; schedules that contradict themselves. */
import type { ExceptionSpec, LintFinding } from '@dialtone/contracts'
import type { Rule } from './rule.ts'

const DAY_MS = 86_400_000

export function isOver ({ until }: ExceptionSpec, now: number): boolean {
  return Date.parse(until) <= now
}

export const times: Rule = function * (resources, { now }) {
  const running = new Map<string, { self: string, from: number, until: number, causes: ReadonlySet<string> | undefined }[]>()
  for (const { name, spec } of resources.all('Exception')) {
    const self = `Exception/${name}`
    const [from, until] = [spec.from === undefined ? 0 : Date.parse(spec.from), Date.parse(spec.until)]
    if (isOver(spec, now)) {
      yield { level: 'notice', code: 'exception-over', resource: self, pointer: '/spec/until', says: `${self} ended at ${spec.until} and does nothing any more; delete it` }
      continue
    }
    if (until - Math.max(from, now) > 366 * DAY_MS) yield { level: 'error', code: 'exception-long', resource: self, pointer: '/spec/until', says: `${self} lasts more than 366 days: by then nobody knows why it is there; let it end earlier` }
    if (spec.domain === undefined && spec.peer === undefined && spec.vantage === undefined) yield { level: spec.effect === 'maintenance' ? 'error' : 'warning', code: 'exception-of-all', resource: self, pointer: '/spec', says: `${self} names no domain, peer or vantage, so it ${spec.effect === 'maintenance' ? 'silences' : 'accepts its causes of'} the whole fleet until ${spec.until}; name what it is about` }
    // Bounded: of each subject and effect, only against the ones before it that still run, at most 100.
    const subject = JSON.stringify([spec.effect, spec.domain, spec.peer, spec.vantage])
    const causes = spec.causes === undefined ? undefined : new Set<string>(spec.causes)
    const others = running.get(subject) ?? []
    const other = others.find(one => from < one.until && one.from < until && (causes === undefined || one.causes === undefined || !causes.isDisjointFrom(one.causes)))
    if (other !== undefined) yield { level: 'warning', code: 'exception-overlaps', resource: self, says: `${self} and ${other.self} say the same of the same subject at the same time; ending one will not end it` }
    if (others.length < 100) running.set(subject, [...others, { self, from, until, causes }])
  }
  const used = new Set([...resources.all('Domain'), ...resources.all('Peer')].map(({ spec }) => spec.schedule))
  for (const { name, spec } of resources.all('Schedule')) {
    const self = `Schedule/${name}`
    const { lightEverySeconds: light = 60, deepEverySeconds: deep = 1800, failingEverySeconds: failing = 20 } = spec
    const odd = (code: string, pointer: string, says: string): LintFinding => ({ level: 'warning', code, resource: self, pointer, says: `${self} ${says}` })
    if (failing > light) yield odd('slower-while-failing', '/spec/failingEverySeconds', `checks every ${failing} s while something fails and every ${light} s while all is well; failing is meant to be the shorter`)
    if (deep < light) yield odd('deep-before-light', '/spec/deepEverySeconds', `checks deep every ${deep} s and light every ${light} s; a deep check costs a peer far more than a light one`)
    if (deep < (spec.retryWindowSeconds ?? 300)) yield odd('deep-in-retry-window', '/spec/deepEverySeconds', `checks deep every ${deep} s, within the ${spec.retryWindowSeconds ?? 300} s in which a peer that refused is not asked again`)
    if (spec.desired === 'paused') yield { level: 'notice', code: 'schedule-paused', resource: self, pointer: '/spec/desired', says: `${self} is paused: nothing that uses it is checked` }
    if (name !== 'default' && !used.has(name)) yield { level: 'notice', code: 'schedule-unused', resource: self, says: `${self} is used by nobody` }
  }
}
