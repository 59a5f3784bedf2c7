import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { DNS_OUTCOMES, type DnsAnswer, type DnsOutcome, type DnsRecord } from '@dialtone/contracts'
import { discover, type DiscoveryOptions, type Question } from './discover.ts'
import { portProbes, type Plan } from './plan.ts'

const OPTIONS: DiscoveryOptions = { fallbackPort: 5269, controlName: '.', overrides: [] }
const SERVER = 'SRV _xmpp-server._tcp.a.example'
const DIRECT = 'SRV _xmpps-server._tcp.a.example'
const FAILURES = DNS_OUTCOMES.filter(outcome => !['answer', 'nodata', 'nxdomain'].includes(outcome))

it('merges both services by priority, each with its kind', () => {
  expect(endpoints({
    [SERVER]: [srv('x.a.example', 5269, 10)],
    [DIRECT]: [srv('y.a.example', 5270, 5)],
    'A x.a.example': [a('192.0.2.1')],
    'A y.a.example': [a('192.0.2.2')],
  })).toEqual(['srv direct y.a.example:5270 192.0.2.2', 'srv starttls x.a.example:5269 192.0.2.1'])
})

it('asks for both families of every target', () => {
  expect(endpoints({ [SERVER]: [srv('x.a.example')], 'A x.a.example': [a('192.0.2.2'), a('192.0.2.1')], 'AAAA x.a.example': [{ type: 'AAAA', ttl: 60, address: '2001:db8::1' }] }))
    .toEqual(['srv starttls x.a.example:5269 192.0.2.1', 'srv starttls x.a.example:5269 192.0.2.2', 'srv starttls x.a.example:5269 2001:db8::1'])
})

it('asks four questions of a domain with one target, and no control where nothing failed', () => {
  expect(ask({ [SERVER]: [srv('x.a.example')], 'A x.a.example': [a('192.0.2.1')] }).asked.map(({ purpose, type }) => `${purpose} ${type}`))
    .toEqual(['xmpp-server SRV', 'xmpps-server SRV', 'target A', 'target AAAA'])
})

describe('the fallback of RFC 6120 §3.2.2', () => {
  it('uses the addresses of the domain when both services are absent', () => {
    expect(endpoints({ 'A a.example': [a('192.0.2.1')] })).toEqual(['fallback starttls a.example:5269 192.0.2.1'])
    expect(endpoints({ [SERVER]: 'nxdomain', [DIRECT]: 'nodata', 'AAAA a.example': [{ type: 'AAAA', ttl: 1, address: '2001:db8::1' }] })).toEqual(['fallback starttls a.example:5269 2001:db8::1'])
  })

  for (const outcome of FAILURES) {
    it(`is not used after ${outcome}, and the control name is asked`, () => {
      for (const failing of [SERVER, DIRECT]) {
        const { plan, asked } = ask({ [failing]: outcome, 'A a.example': [a('192.0.2.1')] })
        expect(plan.endpoints).toEqual([])
        expect(asked.filter(({ purpose }) => purpose === 'fallback')).toEqual([])
        expect(asked.filter(({ purpose }) => purpose === 'control')).toHaveLength(1)
      }
    })
  }

  it('is not used where SRV targets exist that have no address', () => {
    expect(ask({ [SERVER]: [srv('x.a.example')], 'A a.example': [a('192.0.2.1')] }).plan).toEqual({ outcome: 'target-unresolvable', endpoints: [], leftOut: 0 })
  })
})

describe("the target '.'", () => {
  it('disables the service where it stands alone', () => expect(ask({ [SERVER]: [srv('.')], 'A a.example': [a('192.0.2.1')] }).plan).toEqual({ outcome: 'service-disabled', endpoints: [], leftOut: 0 }))
  it('disables both', () => expect(ask({ [SERVER]: [srv('.')], [DIRECT]: [srv('.')] }).plan.outcome).toBe('service-disabled'))
  it('of xmpps alone forbids the fallback (XEP-0368 §3)', () => expect(ask({ [DIRECT]: [srv('.')], 'A a.example': [a('192.0.2.1')] }).plan).toMatchObject({ outcome: 'service-disabled', endpoints: [] }))
  it('of xmpps leaves a real xmpp usable', () => expect(endpoints({ [DIRECT]: [srv('.')], [SERVER]: [srv('x.a.example')], 'A x.a.example': [a('192.0.2.1')] })).toHaveLength(1))
  it('of xmpp leaves a real xmpps usable', () => expect(endpoints({ [SERVER]: [srv('.')], [DIRECT]: [srv('y.a.example', 5270)], 'A y.a.example': [a('192.0.2.2')] })).toHaveLength(1))
  it('beside a real target is passed over', () => expect(endpoints({ [SERVER]: [srv('.'), srv('x.a.example')], 'A x.a.example': [a('192.0.2.1')] })).toHaveLength(1))
  it('proves nothing while the other service is not known', () => {
    expect(ask({ [SERVER]: [srv('.')], [DIRECT]: 'servfail' }).plan.outcome).toBe('servfail')
    expect(ask({ [DIRECT]: [srv('.')], [SERVER]: 'timeout' }).plan.outcome).toBe('unanswered')
  })
})

for (const [outcome, zone] of [
  ['nxdomain', { [SERVER]: 'nxdomain', 'SOA a.example': 'nxdomain' }],
  ['no-records', { [SERVER]: 'nxdomain', 'SOA a.example': 'nodata' }],
  ['no-records', {}],
  ['target-unresolvable', { [SERVER]: [srv('x.a.example')] }],
  ['target-unresolvable', { [SERVER]: [srv('2001:db8::1')] }],
  ['target-unresolvable', { [SERVER]: [srv('192.0.2.1')], 'A 192.0.2.1': 'nxdomain' }],
  ['target-unresolvable', { [SERVER]: [srv('x.a.example', 0)], 'A x.a.example': [a('192.0.2.1')] }],
  ['servfail', { [SERVER]: 'servfail' }],
  ['servfail', { [SERVER]: [srv('x.a.example')], 'A x.a.example': 'servfail' }],
  ['servfail', { 'A a.example': 'servfail' }],
  ['unanswered', { [SERVER]: 'timeout' }],
  ['unanswered', { [SERVER]: [srv('x.a.example')], 'A x.a.example': 'timeout' }],
  ['unanswered', { 'A a.example': 'timeout' }],
  ['resolver-unavailable', { [SERVER]: 'timeout', 'SOA .': 'timeout' }],
  ['resolver-unavailable', { [SERVER]: 'servfail', 'SOA .': 'servfail' }],
] as [Plan['outcome'], Zone][]) it(`tells ${outcome} of ${JSON.stringify(zone)}`, () => expect(ask(zone).plan).toEqual({ outcome, endpoints: [], leftOut: 0 }))

it('asks again without validation what failed, and only that', () => {
  const asked = ask({ [SERVER]: [srv('x.a.example')], 'A x.a.example': 'servfail', 'AAAA x.a.example': 'timeout' }).asked.filter(({ purpose }) => purpose === 'unvalidated')
  expect(asked).toEqual([{ name: 'x.a.example', type: 'A', purpose: 'unvalidated', checkingDisabled: true }])
})

describe('TLSA', () => {
  const zone: Zone = { [SERVER]: [srv('x.a.example', 5369)], 'A x.a.example': [a('192.0.2.1')] }
  const asked = (secure: (question: Question) => boolean) => ask(zone, { secure }).asked.filter(({ type }) => type === 'TLSA').map(({ name }) => name)
  it('is asked for where the record and an address of its target were authenticated', () => expect(asked(() => true).sort()).toEqual(['_5369._tcp.x.a.example', '_xmpp-server.a.example']))
  it('is not asked for a target whose addresses were not', () => expect(asked(({ type }) => type === 'SRV')).toEqual(['_xmpp-server.a.example']))
  it('is not asked for in an unsigned zone', () => expect(asked(({ type }) => type !== 'SRV')).toEqual([]))
})

describe('the bounds', () => {
  it('are ten targets, and what is beyond is counted', () => {
    const records = Array.from({ length: 15 }, (_, i) => srv(`x${i}.a.example`))
    const zone: Zone = { [SERVER]: records, ...Object.fromEntries(records.map((_, i) => [`A x${i}.a.example`, [a(`192.0.2.${i + 1}`)]])) }
    expect(ask(zone).plan).toMatchObject({ leftOut: 5, endpoints: { length: 10 } })
  })

  it('are eight addresses of a target, half of each family', () => {
    const many = Array.from({ length: 20 }, (_, i) => i)
    const zone: Zone = { [SERVER]: [srv('x.a.example')], 'A x.a.example': many.map(i => a(`192.0.2.${i + 1}`)), 'AAAA x.a.example': many.map(i => ({ type: 'AAAA', ttl: 1, address: `2001:db8::${i}` })) }
    const { plan } = ask(zone)
    expect(plan.endpoints.map(({ family }) => family)).toEqual([4, 4, 4, 4, 6, 6, 6, 6])
    expect(plan.leftOut).toBe(32)
  })

  it('hold for the fallback too', () => {
    expect(ask({ 'A a.example': Array.from({ length: 9 }, (_, i) => a(`192.0.2.${i + 1}`)) }).plan).toMatchObject({ leftOut: 5, endpoints: { length: 4 } })
  })

  it('hold for overrides', () => {
    const overrides = Array.from({ length: 12 }, (_, i) => ({ host: `192.0.2.${i}`, port: 5269, kind: 'starttls' as const }))
    expect(discover({ domain: 'a.example', answers: [], options: { ...OPTIONS, overrides } })).toMatchObject({ plan: { leftOut: 2, endpoints: { length: 10 } } })
  })

  it('leave a hundred hostile targets unasked', () => {
    const records = Array.from({ length: 100 }, (_, i) => srv(`\u001B[${i}m.a.example`))
    expect(ask({ [SERVER]: records }).asked).toHaveLength(2)
  })
})

describe('a target that is named twice', () => {
  it('keeps its better place', () => {
    const { plan } = ask({ [SERVER]: [srv('x.a.example', 5269, 20), srv('x.a.example', 5269, 10), srv('y.a.example', 5269, 15)], 'A x.a.example': [a('192.0.2.1')], 'A y.a.example': [a('192.0.2.2')] })
    expect(plan.endpoints.map(({ target, priority }) => [target, priority])).toEqual([['x.a.example', 10], ['y.a.example', 15]])
  })

  it('is connected to once, and so are two names of one address', () => {
    expect(endpoints({ [SERVER]: [srv('x.a.example'), srv('y.a.example', 5269, 5)], 'A x.a.example': [a('192.0.2.1'), a('192.0.2.1')], 'A y.a.example': [a('192.0.2.1')] }))
      .toEqual(['srv starttls x.a.example:5269 192.0.2.1'])
  })
})

it('does not take an address as target for an address', () => {
  expect(ask({ [SERVER]: [srv('192.0.2.1')], 'A 192.0.2.1': 'nxdomain' }).asked.map(({ name }) => name)).toContain('192.0.2.1')
})

describe('overrides', () => {
  const of = (...overrides: DiscoveryOptions['overrides']) => ask({ 'A x.example': [a('192.0.2.1')], [SERVER]: [srv('y.example')] }, { overrides })
  it('replace the records, and literal addresses need no question', () => {
    expect(of({ host: '192.0.2.9', port: 5270, kind: 'direct' })).toMatchObject({ asked: [], plan: { outcome: 'override', endpoints: [{ address: '192.0.2.9', port: 5270, kind: 'direct', family: 4 }] } })
    expect(of({ host: '2001:db8::9', port: 5269, kind: 'starttls' }).plan.endpoints).toMatchObject([{ family: 6 }])
  })
  it('that are names are looked up', () => expect(of({ host: 'x.example', port: 5269, kind: 'starttls' }).plan).toMatchObject({ outcome: 'override', endpoints: [{ target: 'x.example', address: '192.0.2.1' }] }))
  it('without an address say so', () => expect(of({ host: 'z.example', port: 5269, kind: 'starttls' }).plan.outcome).toBe('target-unresolvable'))
})

describe('the standard port, when every advertised one failed', () => {
  const plan = (port: number, zone: Zone = {}) => ask({ [SERVER]: [srv('x.a.example', port)], 'A x.a.example': [a('192.0.2.1')], ...zone }).plan
  it('is probed at the same addresses, once each', () => {
    const both: Zone = { [DIRECT]: [srv('x.a.example', 5370)] }
    expect(portProbes(plan(5369, both), 5269)).toEqual([{ kind: 'starttls', source: 'port-probe', target: 'x.a.example', port: 5269, address: '192.0.2.1', family: 4 }])
  })
  it('is not probed where it was advertised', () => expect(portProbes(plan(5269), 5269)).toEqual([]))
  it('is not probed after a fallback', () => expect(portProbes(ask({ 'A a.example': [a('192.0.2.1')] }).plan, 5269)).toEqual([]))
})

it('ends, asks nothing twice and gives one plan for one set of answers, whatever is answered and in whatever order', () => {
  fc.assert(fc.property(zones(), fc.boolean(), fc.func(fc.nat()), (zone, secure, rank) => {
    const { plan, asked, answers } = ask(zone, { secure: () => secure })
    expect(new Set(asked.map(({ purpose, type, name }) => `${purpose} ${type} ${name}`)).size).toBe(asked.length)
    expect(asked.length).toBeLessThanOrEqual(60)
    expect(plan.endpoints.length).toBeLessThanOrEqual(80)
    const shuffled = answers.toSorted((a, b) => rank(a.name, a.type, a.purpose) - rank(b.name, b.type, b.purpose)).map(answer => ({ ...answer, records: answer.records.toReversed() }))
    expect(discover({ domain: 'a.example', answers: shuffled, options: OPTIONS })).toEqual({ plan })
  }), { numRuns: 300 })
})

it('asks the same next questions for the same answers in another order', () => {
  fc.assert(fc.property(zones(), fc.nat(40), (zone, count) => {
    const answers = ask(zone).answers.slice(0, count)
    const sorted = (list: readonly DnsAnswer[]) => {
      const step = discover({ domain: 'a.example', answers: list, options: OPTIONS })
      return 'ask' in step ? step.ask.map(question => JSON.stringify(question)).sort() : step
    }
    expect(sorted(answers.toReversed())).toEqual(sorted(answers))
  }), { numRuns: 200 })
})

type Zone = Record<string, DnsRecord[] | DnsOutcome>

/** Random zones over few names, so that names meet. */
function zones (): fc.Arbitrary<Zone> {
  const names = ['a.example', 'x.a.example', 'y.a.example', 'localhost', '192.0.2.7']
  const failing = fc.constantFrom(...DNS_OUTCOMES.filter(outcome => outcome !== 'answer'))
  const target = fc.constantFrom(...names.slice(1), '.', '2001:db8::1', '\u00FC.example', '', 'a b')
  const records = fc.array(fc.tuple(target, fc.constantFrom(0, 5269, 5270), fc.nat(2), fc.nat(2)).map(fields => srv(...fields)), { minLength: 1, maxLength: 14 })
  const four = fc.array(fc.nat(9).map(last => a(`192.0.2.${last}`)), { minLength: 1, maxLength: 12 })
  const six = fc.array(fc.nat(9).map((last): DnsRecord => ({ type: 'AAAA', ttl: 60, address: `2001:db8::${last}` })), { minLength: 1, maxLength: 12 })
  return fc.record({
    [SERVER]: fc.oneof(records, failing), [DIRECT]: fc.oneof(failing, records), 'SOA a.example': failing, 'SOA .': failing,
    ...Object.fromEntries(names.flatMap(name => [[`A ${name}`, fc.oneof(four, failing)], [`AAAA ${name}`, fc.oneof(failing, six)]])),
  }, { requiredKeys: [] }) as fc.Arbitrary<Zone>
}

function ask (zone: Zone, { secure = () => false, overrides = [], only = {} }: { secure?: (question: Question) => boolean, overrides?: DiscoveryOptions['overrides'], only?: Partial<DiscoveryOptions> } = {}): { plan: Plan, asked: Question[], answers: DnsAnswer[] } {
  const answers: DnsAnswer[] = []
  const asked: Question[] = []
  for (let round = 0; round < 6; round++) {
    const step = discover({ domain: 'a.example', answers, options: { ...OPTIONS, overrides, ...only } })
    if ('plan' in step) return { plan: step.plan, asked, answers }
    asked.push(...step.ask)
    answers.push(...step.ask.map(question => answer(question, zone[`${question.type} ${question.name}`] ?? 'nodata', secure(question))))
  }
  throw new Error('it never ended')
}

function endpoints (zone: Zone): string[] {
  return ask(zone).plan.endpoints.map(({ source, kind, target, port, address }) => `${source} ${kind} ${target}:${port} ${address}`)
}

function srv (target: string, port = 5269, priority = 0, weight = 0): DnsRecord {
  return { type: 'SRV', ttl: 60, priority, weight, port, target }
}

function a (address: string): DnsRecord {
  return { type: 'A', ttl: 60, address }
}

function answer ({ name, type, purpose }: Question, found: DnsRecord[] | DnsOutcome, authenticated: boolean): DnsAnswer {
  return {
    name, type, purpose, resolver: '192.0.2.53:53', transport: 'udp', atMs: 0, ms: 1, authenticated, aliases: [], extended: [],
    ...(typeof found === 'string' ? { outcome: found, records: [] } : { outcome: 'answer', records: found }),
  }
}

describe('for whoever wants to connect', () => {
  const connect = (zone: Zone, services?: DiscoveryOptions['services']) => ask(zone, { only: { purpose: 'connect', ...(services === undefined ? {} : { services }) } }).asked.map(({ purpose, type }) => `${purpose} ${type}`)

  it('nothing is asked that leads to no endpoint: no existence, no TLSA, no control', () => {
    expect(connect({})).toEqual(['xmpp-server SRV', 'xmpps-server SRV', 'fallback A', 'fallback AAAA'])
    expect(connect({ [SERVER]: 'servfail' })).toEqual(['xmpp-server SRV', 'xmpps-server SRV'])
  })
  it('only the service that is of use is asked for', () => {
    expect(connect({ [SERVER]: [srv('x.a.example')], 'A x.a.example': [a('192.0.2.1')] }, ['xmpp-server'])).toEqual(['xmpp-server SRV', 'target A', 'target AAAA'])
  })
})
