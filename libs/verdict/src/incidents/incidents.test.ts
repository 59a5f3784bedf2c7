import type { Incident, Subject } from '@dialtone/contracts'
import { Incident as IncidentSchema, firstProblem } from '@dialtone/contracts/schemas'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { advanceIncidents, forgetSubjects, shownIncident, tickIncidents, type IncidentChange, type IncidentRules } from '../index.ts'
import { CAUSES_LISTED, SUBJECTS_LISTED } from './advance.ts'

const RULES: IncidentRules = { confirmations: 3, remindEverySeconds: 3600, flapWindowSeconds: 300 }
const OURS: Subject = { domain: 'ours.example' }
const pair = (peer: string, direction: 'out' | 'in' = 'out'): Subject => ({ domain: 'ours.example', peer, direction })

type Verdict = IncidentChange['verdict']
const BLOCKED: Verdict = { state: 'down', cause: 'path.inbound-blocked', side: 'path', sentence: 'blocked.' }
const REFUSED: Verdict = { state: 'down', cause: 'path.inbound-refused', side: 'path', sentence: 'refused.' }
const DEAD: Verdict = { state: 'down', cause: 'peer.unreachable', side: 'peer', sentence: 'dead.' }
const UP: Verdict = { state: 'up', cause: 'healthy', side: 'nobody', sentence: 'well.' }
const UNKNOWN: Verdict = { state: 'unknown', cause: 'vantage.unhealthy', side: 'observer', sentence: 'unwell.' }

/** What happens to a fleet, minute by minute: each answer counts how many equal ones came before it. */
function watching (rules = RULES) {
  let incidents: Incident[] = []
  let minute = 0
  let opened = 0
  const runs = new Map<string, { cause: string, same: number }>()
  const log: string[] = []
  const at = (): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
  const take = (outcome: ReturnType<typeof tickIncidents>): void => {
    incidents = outcome.incidents
    for (const { on, incident } of outcome.events) log.push(`${on} ${incident.id} ${incident.cause}`)
  }
  const see = (subject: Subject, verdict: Verdict, quiet?: string, same?: number): void => {
    const key = JSON.stringify(subject)
    const run = runs.get(key)
    const count = same ?? (run?.cause === verdict.cause ? run.same + 1 : 1)
    runs.set(key, { cause: verdict.cause, same: count })
    minute++
    take(advanceIncidents(incidents, { subject, verdict, at: at(), same: count, ...(quiet === undefined ? {} : { quiet }) }, rules, () => `#${++opened}`))
  }
  const times = (count: number, ...args: Parameters<typeof see>): void => { for (let n = 0; n < count; n++) see(...args) }
  return {
    see, times, log, wait: (minutes: number): void => { minute += minutes; take(tickIncidents(incidents, at(), rules)) },
    forget: (isGone: (subject: Subject) => boolean): void => take(forgetSubjects(incidents, isGone, at())), all: () => incidents,
  }
}

describe('an incident', () => {
  it('opens at the first sign, is confirmed by equal answers, reminds, recovers by equal answers and ends after the flap window', () => {
    const fleet = watching()
    fleet.times(4, OURS, BLOCKED)
    expect(fleet.log).toEqual(['opened #1 path.inbound-blocked', 'confirmed #1 path.inbound-blocked'])
    fleet.wait(59)
    fleet.wait(1)
    fleet.wait(30)
    expect(fleet.log.slice(2)).toEqual(['reminded #1 path.inbound-blocked'])
    fleet.times(2, OURS, UP)
    expect(fleet.all()[0]).toMatchObject({ state: 'recovering' })
    expect(fleet.all()[0]?.recoveredAt).toBeUndefined()
    fleet.times(3, OURS, UP)
    fleet.wait(2)
    expect(fleet.log.slice(3)).toEqual(['recovered #1 path.inbound-blocked'])
    fleet.wait(3)
    expect(fleet.log.slice(4)).toEqual(['resolved #1 path.inbound-blocked'])
    expect(fleet.all()[0]).toMatchObject({ state: 'resolved', openedAt: '2026-01-01T00:01:00.000Z', confirmedAt: '2026-01-01T00:03:00.000Z', wellSince: '2026-01-01T01:35:00.000Z', recoveredAt: '2026-01-01T01:37:00.000Z', flaps: 0, subjects: [OURS] })
    fleet.wait(600)
    expect(fleet.log).toHaveLength(5)
  })
  it('that is never confirmed is withdrawn', () => {
    const fleet = watching()
    fleet.see(OURS, BLOCKED)
    fleet.times(3, OURS, UP)
    fleet.wait(5)
    expect(fleet.log).toEqual(['opened #1 path.inbound-blocked', 'withdrawn #1 path.inbound-blocked'])
    expect(fleet.all()[0]).toMatchObject({ state: 'resolved' })
    expect(fleet.all()[0]?.confirmedAt).toBeUndefined()
  })
  it('that comes back in the flap window is the same, with a flap more; later it is another', () => {
    const fleet = watching()
    fleet.times(3, OURS, BLOCKED)
    fleet.times(3, OURS, UP)
    fleet.see(OURS, BLOCKED)
    expect(fleet.all()).toMatchObject([{ id: '#1', state: 'confirmed', flaps: 1 }])
    expect(fleet.all()[0]?.recoveredAt ?? fleet.all()[0]?.wellSince).toBeUndefined()
    fleet.times(3, OURS, UP)
    fleet.wait(5)
    fleet.see(OURS, BLOCKED)
    expect(fleet.all().map(({ id, state }) => `${id} ${state}`)).toEqual(['#1 resolved', '#2 open'])
  })
  it('is confirmed too where it comes and goes, or fails each time for another reason', () => {
    const flapping = watching()
    for (let n = 0; n < 4; n++) { flapping.see(OURS, BLOCKED); flapping.see(OURS, UP) }
    expect(flapping.log).toEqual(['opened #1 path.inbound-blocked', 'confirmed #1 path.inbound-blocked'])
    const changing = watching()
    for (let n = 0; n < 2; n++) { changing.see(OURS, BLOCKED); changing.see(OURS, REFUSED) }
    expect(changing.log).toEqual(['opened #1 path.inbound-blocked', 'confirmed #1 path.inbound-refused'])
  })
  it('changes its cause only when the new one is sure, and remembers both', () => {
    const fleet = watching()
    fleet.times(3, OURS, BLOCKED)
    fleet.times(2, OURS, REFUSED)
    expect(fleet.log).toHaveLength(2)
    expect(fleet.all()[0]).toMatchObject({ cause: 'path.inbound-blocked', sentence: 'blocked.' })
    fleet.see(OURS, REFUSED)
    expect(fleet.log.slice(2)).toEqual(['cause-changed #1 path.inbound-refused'])
    expect(fleet.all()[0]?.causes.map(({ cause }) => cause)).toEqual(['path.inbound-blocked', 'path.inbound-refused'])
  })
  it('is neither opened nor ended by who could not tell', () => {
    const fleet = watching()
    fleet.times(5, OURS, UNKNOWN)
    expect(fleet.all()).toEqual([])
    fleet.times(3, OURS, BLOCKED)
    fleet.times(5, OURS, UNKNOWN)
    fleet.wait(10)
    expect(fleet.all()).toMatchObject([{ state: 'confirmed' }])
  })
  it('does not wait for confirmation after a restart that knows it', () => {
    const fleet = watching()
    fleet.see(OURS, BLOCKED, undefined, 9)
    expect(fleet.log).toEqual(['opened #1 path.inbound-blocked', 'confirmed #1 path.inbound-blocked'])
  })
})

describe('several subjects', () => {
  it('of one cause of ours or of the path are one incident, led by the domain, which ends with the last of them', () => {
    const fleet = watching()
    fleet.times(3, pair('a.example'), BLOCKED)
    fleet.times(3, pair('b.example'), BLOCKED)
    fleet.times(3, OURS, { ...BLOCKED, sentence: 'the domain is blocked.' })
    expect(fleet.log).toEqual(['opened #1 path.inbound-blocked', 'confirmed #1 path.inbound-blocked'])
    expect(fleet.all()).toMatchObject([{ sentence: 'the domain is blocked.', subjects: [OURS, pair('a.example'), pair('b.example')] }])
    fleet.times(3, OURS, UP)
    fleet.times(3, pair('a.example'), UP)
    expect(fleet.all()).toMatchObject([{ state: 'confirmed', subjects: [pair('b.example')] }])
    fleet.times(3, pair('b.example'), UP)
    expect(fleet.log.slice(2)).toEqual(['recovered #1 path.inbound-blocked'])
  })
  it('of one cause of peers are one incident for each peer, with both directions', () => {
    const fleet = watching()
    for (const subject of [pair('a.example'), pair('a.example', 'in'), pair('b.example')]) fleet.times(3, subject, DEAD)
    expect(fleet.all().map(({ subjects }) => subjects)).toEqual([[pair('a.example'), pair('a.example', 'in')], [pair('b.example')]])
  })
  it('of other domains of ours are other incidents', () => {
    const fleet = watching()
    fleet.times(3, OURS, BLOCKED)
    fleet.times(3, { domain: 'second.example' }, BLOCKED)
    expect(fleet.all()).toHaveLength(2)
  })
  it('part where one of them fails for another reason from now on', () => {
    const fleet = watching()
    fleet.times(3, OURS, BLOCKED)
    fleet.times(3, pair('a.example'), BLOCKED)
    fleet.times(3, pair('a.example'), DEAD)
    expect(fleet.log.slice(2)).toEqual(['opened #2 peer.unreachable', 'confirmed #2 peer.unreachable'])
    expect(fleet.all().map(({ subjects }) => subjects)).toEqual([[OURS], [pair('a.example')]])
  })
  it('join where the reason of one turns out to be that of the others; its own incident is over', () => {
    const fleet = watching()
    fleet.times(3, pair('a.example'), DEAD)
    fleet.times(3, OURS, BLOCKED)
    fleet.times(3, pair('a.example'), BLOCKED)
    expect(fleet.log.slice(-1)).toEqual(['resolved #1 peer.unreachable'])
    expect(fleet.all().map(({ id, state }) => `${id} ${state}`)).toEqual(['#1 resolved', '#2 confirmed'])
    expect(fleet.all()[1]?.subjects).toEqual([OURS, pair('a.example')])
  })
  it('that are watched no longer are forgotten, and their incident with the last', () => {
    const fleet = watching()
    fleet.times(3, OURS, BLOCKED)
    fleet.times(3, pair('a.example'), BLOCKED)
    fleet.forget(({ peer }) => peer === 'a.example')
    expect(fleet.all()).toMatchObject([{ state: 'confirmed', subjects: [OURS] }])
    fleet.forget(() => true)
    expect(fleet.log.slice(2)).toEqual(['resolved #1 path.inbound-blocked'])
  })
  it('beyond the limit are shown in part, and each of them is waited for', () => {
    const fleet = watching()
    const all = Array.from({ length: SUBJECTS_LISTED + 20 }, (_, n) => pair(`p${n}.example`))
    for (const each of all) fleet.see(each, BLOCKED, undefined, 3)
    const [incident] = fleet.all()
    expect([fleet.all().length, incident?.subjects.length]).toEqual([1, all.length])
    const shown = incident === undefined ? undefined : shownIncident(incident)
    expect([shown?.subjects.length, shown?.subjectsInAll]).toEqual([SUBJECTS_LISTED, all.length])
    expect(firstProblem(IncidentSchema, shown)).toBeUndefined()
    for (const each of all.slice(1)) fleet.see(each, UP, undefined, 3)
    expect(fleet.all()).toMatchObject([{ state: 'confirmed', subjects: [all[0]] }])
    expect(fleet.log.map(line => line.split(' ')[0])).toEqual(['opened', 'confirmed'])
    fleet.see(pair('p0.example'), UP, undefined, 3)
    expect(fleet.log.at(-1)).toBe('recovered #1 path.inbound-blocked')
  })
})

describe('an exception', () => {
  it('is named, keeps reminders away, and lets the incident be heard when it ends', () => {
    const fleet = watching()
    fleet.times(3, OURS, BLOCKED, 'window-1')
    fleet.wait(120)
    expect(fleet.all()).toMatchObject([{ state: 'confirmed', quietBecause: 'window-1' }])
    expect(fleet.log).toHaveLength(2)
    fleet.see(OURS, BLOCKED)
    expect(fleet.log.slice(2)).toEqual(['reminded #1 path.inbound-blocked'])
    expect(fleet.all()[0]?.quietBecause).toBeUndefined()
  })
  it('lets all that it was about be heard as one incident', () => {
    const fleet = watching()
    fleet.times(3, OURS, BLOCKED, 'window-1')
    fleet.times(3, pair('a.example'), BLOCKED, 'window-1')
    fleet.times(3, pair('b.example'), BLOCKED, 'window-1')
    for (const subject of [pair('a.example'), OURS, pair('b.example')]) fleet.see(subject, BLOCKED)
    expect(fleet.all()).toMatchObject([{ id: '#1', state: 'confirmed', subjects: [OURS, pair('a.example'), pair('b.example')] }])
    expect(fleet.all()[0]?.quietBecause).toBeUndefined()
    expect(fleet.log.map(line => line.split(' ')[0])).toEqual(['opened', 'confirmed', 'reminded'])
  })
  it('joins what is heard already, whole', () => {
    const fleet = watching()
    fleet.times(3, pair('loud.example'), BLOCKED)
    fleet.times(3, OURS, BLOCKED, 'window-1')
    fleet.times(3, pair('a.example'), BLOCKED, 'window-1')
    fleet.see(pair('a.example'), BLOCKED)
    expect(fleet.all()).toMatchObject([{ id: '#1', state: 'confirmed', subjects: [OURS, pair('loud.example'), pair('a.example')] }, { id: '#2', state: 'resolved' }])
  })
  it('that goes on for one of them keeps that one quiet', () => {
    const fleet = watching()
    fleet.times(3, OURS, BLOCKED, 'window-1')
    fleet.times(3, pair('a.example'), BLOCKED, 'window-1')
    fleet.see(OURS, BLOCKED)
    fleet.see(pair('a.example'), BLOCKED, 'window-2')
    expect(fleet.all().map(({ subjects, quietBecause }) => [subjects, quietBecause])).toEqual([[[OURS], undefined], [[pair('a.example')], 'window-2']])
  })
  it('of one pair does not quieten the others', () => {
    const fleet = watching()
    fleet.times(3, OURS, BLOCKED)
    fleet.times(3, pair('a.example'), BLOCKED, 'window-1')
    expect(fleet.all().map(({ quietBecause }) => quietBecause)).toEqual([undefined, 'window-1'])
  })
  it('is what our own policy is by itself', () => {
    const fleet = watching()
    fleet.see(OURS, { state: 'down', cause: 'policy.refused-by-us', side: 'ours', sentence: 'held.' })
    expect(fleet.all()[0]?.quietBecause).toBe('policy.refused-by-us')
  })
})

it('keeps its schema and its bounds, and each subject in one incident at most, whatever comes', () => {
  const subject = fc.constantFrom(OURS, pair('a.example'), pair('a.example', 'in'), pair('b.example'))
  const verdict = fc.constantFrom(BLOCKED, REFUSED, DEAD, UP, UP, UNKNOWN)
  const step = fc.oneof({ weight: 8, arbitrary: fc.record({ subject, verdict, quiet: fc.option(fc.constant('window-1'), { nil: undefined, freq: 5 }) }) }, { weight: 1, arbitrary: fc.record({ minutes: fc.nat(90) }) })
  fc.assert(fc.property(fc.array(step, { maxLength: 150 }), steps => {
    const fleet = watching()
    for (const each of steps) {
      if ('minutes' in each) fleet.wait(each.minutes)
      else fleet.see(each.subject, each.verdict, each.quiet)
      const current = fleet.all().filter(({ state }) => state !== 'resolved')
      const held = current.flatMap(({ subjects }) => subjects.map(one => JSON.stringify(one)))
      expect(new Set(held).size).toBe(held.length)
      expect(current.every(({ subjects }) => subjects.length > 0)).toBe(true)
    }
    for (const incident of fleet.all()) {
      expect(firstProblem(IncidentSchema, incident)).toBeUndefined()
      expect(incident.causes.length).toBeLessThanOrEqual(CAUSES_LISTED)
      const told = fleet.log.filter(line => line.split(' ')[1] === incident.id).map(line => line.split(' ')[0])
      expect(told[0]).toBe('opened')
      expect(told.filter(on => on === 'opened' || on === 'confirmed' || on === 'resolved' || on === 'withdrawn').length).toBe(new Set(told.filter(on => on !== 'reminded' && on !== 'recovered' && on !== 'cause-changed')).size)
      // Recovery and reminders are told of what was told to be at fault.
      expect(told.includes('recovered') || told.includes('reminded') || told.includes('cause-changed') || told.includes('resolved') ? told.includes('confirmed') : true).toBe(true)
    }
  }), { numRuns: 400 })
})
