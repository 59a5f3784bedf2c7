import { describe, expect, it } from 'vitest'
import type { DnsAnswer, DnsOutcome, DnsRecord } from '@dialtone/contracts'
import { discover, portProbes, type DiscoveryOptions, type Question } from './discover.ts'

const OPTIONS: DiscoveryOptions = { fallbackPort: 5269, controlName: '.', overrides: [] }
const srv = (target: string, port = 5269, priority = 0, weight = 0): DnsRecord => ({ type: 'SRV', ttl: 60, priority, weight, port, target })
const a = (address: string): DnsRecord => ({ type: 'A', ttl: 60, address })

it('merges both services by priority, each with its kind', () => {
  expect(endpoints({
    'SRV _xmpp-server._tcp.a.example': [srv('x.a.example', 5269, 10)],
    'SRV _xmpps-server._tcp.a.example': [srv('y.a.example', 5270, 5)],
    'A x.a.example': [a('192.0.2.1')],
    'A y.a.example': [a('192.0.2.2')],
  })).toEqual(['srv direct y.a.example:5270 192.0.2.2', 'srv starttls x.a.example:5269 192.0.2.1'])
})

it('falls back to the addresses of the domain when both services are absent', () => {
  expect(endpoints({ 'A a.example': [a('192.0.2.1')] })).toEqual(['fallback starttls a.example:5269 192.0.2.1'])
})

for (const outcome of ['servfail', 'timeout', 'refused'] as const) {
  it(`does not fall back after ${outcome}, and asks the control name`, () => {
    const run = ask({ 'SRV _xmpp-server._tcp.a.example': outcome, 'A a.example': [a('192.0.2.1')] })
    expect(run.plan.endpoints).toEqual([])
    expect(run.asked.filter(({ purpose }) => purpose === 'fallback')).toEqual([])
    expect(run.asked.filter(({ purpose }) => purpose === 'control')).toHaveLength(1)
  })
}

describe("the target '.'", () => {
  it('disables the service where it stands alone', () => expect(ask({ 'SRV _xmpp-server._tcp.a.example': [srv('.')] }).plan).toEqual({ outcome: 'service-disabled', endpoints: [], leftOut: 0 }))
  it('of xmpps alone forbids the fallback', () => expect(ask({ 'SRV _xmpps-server._tcp.a.example': [srv('.')], 'A a.example': [a('192.0.2.1')] }).plan.outcome).toBe('service-disabled'))
  it('of xmpp leaves a real xmpps usable', () => {
    expect(endpoints({ 'SRV _xmpp-server._tcp.a.example': [srv('.')], 'SRV _xmpps-server._tcp.a.example': [srv('y.a.example', 5270)], 'A y.a.example': [a('192.0.2.2')] })).toHaveLength(1)
  })
  it('beside a real target is passed over', () => {
    expect(endpoints({ 'SRV _xmpp-server._tcp.a.example': [srv('.'), srv('x.a.example')], 'A x.a.example': [a('192.0.2.1')] })).toHaveLength(1)
  })
})

for (const [outcome, zone] of [
  ['nxdomain', { 'SRV _xmpp-server._tcp.a.example': 'nxdomain', 'SOA a.example': 'nxdomain' }],
  ['no-records', { 'SOA a.example': 'nodata' }],
  ['target-unresolvable', { 'SRV _xmpp-server._tcp.a.example': [srv('x.a.example')] }],
  ['servfail', { 'SRV _xmpp-server._tcp.a.example': 'servfail' }],
  ['unanswered', { 'SRV _xmpp-server._tcp.a.example': 'timeout' }],
] as const) it(`tells ${outcome}`, () => expect(ask(zone as Zone).plan.outcome).toBe(outcome))

it('is bounded by ten targets, and counts what it leaves out', () => {
  const records = Array.from({ length: 15 }, (_, i) => srv(`x${i}.a.example`))
  const zone: Zone = { 'SRV _xmpp-server._tcp.a.example': records, ...Object.fromEntries(records.map((_, i) => [`A x${i}.a.example`, [a(`192.0.2.${i + 1}`)]])) }
  expect(ask(zone).plan).toMatchObject({ leftOut: 5, endpoints: { length: 10 } })
})

it('probes the standard port at the same addresses, once each', () => {
  const { plan } = ask({ 'SRV _xmpp-server._tcp.a.example': [srv('x.a.example', 5369)], 'A x.a.example': [a('192.0.2.1')] })
  expect(portProbes(plan, 5269)).toMatchObject([{ source: 'port-probe', port: 5269, address: '192.0.2.1' }])
  expect(portProbes(plan, 5369)).toEqual([])
})

it('takes overrides instead of records, and literal addresses as they are', () => {
  const options = { ...OPTIONS, overrides: [{ host: '192.0.2.9', port: 5270, kind: 'direct' }] } as const
  expect(discover({ domain: 'a.example', answers: [], options })).toMatchObject({ plan: { outcome: 'override', endpoints: [{ address: '192.0.2.9', kind: 'direct' }] } })
})

type Zone = Record<string, DnsRecord[] | DnsOutcome>

function ask (zone: Zone): { plan: Extract<ReturnType<typeof discover>, { plan: unknown }>['plan'], asked: Question[] } {
  const answers: DnsAnswer[] = []
  const asked: Question[] = []
  for (let round = 0; round < 6; round++) {
    const step = discover({ domain: 'a.example', answers, options: OPTIONS })
    if ('plan' in step) {
      expect(discover({ domain: 'a.example', answers: answers.toReversed(), options: OPTIONS })).toEqual(step)
      return { plan: step.plan, asked }
    }
    asked.push(...step.ask)
    answers.push(...step.ask.map(question => answer(question, zone[`${question.type} ${question.name}`] ?? 'nodata')))
  }
  throw new Error('it never ended')
}

function endpoints (zone: Zone): string[] {
  return ask(zone).plan.endpoints.map(({ source, kind, target, port, address }) => `${source} ${kind} ${target}:${port} ${address}`)
}

function answer ({ name, type, purpose }: Question, found: DnsRecord[] | DnsOutcome): DnsAnswer {
  return {
    name, type, purpose, resolver: '192.0.2.53:53', transport: 'udp', atMs: 0, ms: 1, authenticated: false, aliases: [], extended: [],
    ...(typeof found === 'string' ? { outcome: found, records: [] } : { outcome: 'answer', records: found }),
  }
}
