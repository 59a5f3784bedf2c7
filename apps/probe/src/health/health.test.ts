import type { Bus } from '@dialtone/contracts'
import { createTelemetry } from '@dialtone/telemetry'
import { afterEach, expect, it } from 'vitest'
import { createHealth, type Health, type HealthOptions } from './health.ts'
import type { Standing } from './standing.ts'
import { met } from './test-support.ts'

const running: Health[] = []
afterEach(async () => { for (const health of running.splice(0)) await health.stop() })

it('is well when nothing is wrong, and says so in metrics', async () => {
  const { health, text } = agent()
  await health.look()
  expect(health.aside()).toBeUndefined()
  expect(health.findings()).toEqual([])
  expect(await text()).toContain('dialtone_agent_trouble{vantage="here",agent="one",what="uplink"} 0')
  expect(await text()).toContain('dialtone_agent_clock_offset_seconds{vantage="here",agent="one"} 0')
})

for (const [name, aheadMs, expected, aside] of [
  ['a second is nothing', 1000, [], undefined],
  ['three seconds are a finding', 3000, [{ what: 'clock', unhealthy: false, says: "this clock is 3.0 s ahead of control's: set it, best by NTP" }], undefined],
  ['a minute behind is unhealthy', -60_000, [{ what: 'clock', unhealthy: true, says: "this clock is 60.0 s behind control's: set it, best by NTP" }], 'clock'],
] as const) {
  it(`clock: ${name}`, async () => {
    const { health } = agent({ aheadMs })
    await health.look()
    expect(health.clockOffsetMs()).toBe(aheadMs)
    expect(health.findings()).toEqual(expected)
    expect(health.aside()).toBe(aside)
  })
}

it('clock: half of the time that asking took is taken off, and the rest is not accused', async () => {
  const { health } = agent({ aheadMs: 2400, askingMs: 1000 })
  await health.look()
  expect(health.clockOffsetMs()).toBe(2400)
  expect(health.findings()).toEqual([])
})

it('clock: no answer is no finding, and an answer counts until this clock is set', async () => {
  const { health, time, bus, text } = agent({ aheadMs: 60_000 })
  bus.answering = false
  await health.look()
  expect(health.clockOffsetMs()).toBeUndefined()
  expect(await text()).not.toMatch(/^dialtone_agent_clock_offset_seconds\{/m)
  bus.answering = true
  await health.look()
  expect(health.aside()).toBe('clock')
  bus.answering = false
  time.pass(120_000)
  await health.look()
  expect(health.aside()).toBe('clock')
  time.set(-60_000)
  expect(health.aside()).toBeUndefined()
  await health.look()
  expect(health.clockOffsetMs()).toBeUndefined()
})

it('clock: asks once a minute, and not at all while the bus is gone', async () => {
  const { health, time, bus } = agent()
  await health.look()
  const asked = bus.asked
  await health.look()
  expect(bus.asked).toBe(asked)
  time.pass(61_000)
  bus.connected = false
  await health.look()
  expect(bus.asked).toBe(asked)
  bus.connected = true
  await health.look()
  expect(bus.asked).toBeGreaterThan(asked)
})

it('event loop: what began before it was held, or while it was, is set aside; what began after is not', async () => {
  let current = 10
  const take = (): number => {
    const longest = current
    current = 0
    return longest
  }
  const { health, time } = agent({ loop: { peek: () => current, take, stop: () => undefined } })
  const before = time.elapsed()
  await health.look()
  time.pass(5000)
  current = 3000
  expect(health.aside(before)).toBe('event-loop')
  await health.look()
  expect(health.aside()).toBe('event-loop')
  expect(health.findings()).toMatchObject([{ what: 'event-loop', unhealthy: true }])
  time.pass(5000)
  await health.look()
  expect(health.aside()).toBeUndefined()
  expect(health.aside(before)).toBe('event-loop')
  expect(health.aside(time.elapsed())).toBeUndefined()
})

it('event loop: the real one is measured', async () => {
  const { health } = agent({}, true)
  const until = performance.now() + 20_000
  while (health.eventLoopLagMs() < 100) {
    if (performance.now() > until) throw new Error('a held loop was not noticed')
    await new Promise(resolve => { setTimeout(resolve, 30) })
    const held = performance.now() + 300
    while (performance.now() < held) { /* holds it */ }
    await new Promise(resolve => { setTimeout(resolve, 30) })
    await health.look()
  }
  expect(health.eventLoopLagMs()).toBeGreaterThan(100)
})

it('uplink: everything silent at once, and confirmed, is us; one answer ends it', async () => {
  const { health, way, time, text } = agent()
  for (const domain of ['a.example', 'b.example', 'c.example']) health.note(met(domain, 'ok'))
  for (const domain of ['a.example', 'b.example']) health.note(met(domain, 'timeout'))
  await health.look()
  expect(health.aside()).toBeUndefined()
  expect(way.asked).toHaveLength(0)
  health.note(met('c.example', 'unreachable'))
  way.open = false
  await health.look()
  expect(health.aside()).toBe('uplink')
  expect(await text()).toContain('dialtone_agent_trouble{vantage="here",agent="one",what="uplink"} 2')
  expect(way.asked[0]).toHaveLength(3)
  time.pass(5000)
  health.note(met('b.example', 'refused'))
  await health.look()
  expect(health.aside()).toBeUndefined()
})

it('uplink: a firewall that drops all of 5269, and a resolver that died, are facts about the network', async () => {
  const { health, way, time } = agent()
  for (const domain of ['a.example', 'b.example', 'c.example']) health.note(met(domain, 'ok'))
  for (const domain of ['a.example', 'b.example', 'c.example']) health.note(met(domain, 'timeout'))
  await health.look()
  expect(way.asked).toHaveLength(1)
  expect(health.aside()).toBeUndefined()
  for (const domain of ['a.example', 'b.example', 'c.example']) health.note(met(domain, 'no-resolver'))
  await health.look()
  expect(way.asked).toHaveLength(1)
  time.pass(31_000)
  await health.look()
  expect(way.asked).toHaveLength(2)
  expect(health.aside()).toBeUndefined()
})

for (const [name, before, after] of [
  ['what never answered does not count', [], ['a.example', 'b.example', 'c.example', 'd.example']],
  ['one network is one network', ['a.example', 'b.one.example'], ['a.example', 'b.one.example']],
  ['one domain is not all', ['a.example'], ['a.example']],
] as const) {
  it(`uplink: ${name}`, async () => {
    const { health, way } = agent()
    way.open = false
    for (const domain of before) health.note(met(domain, 'ok'))
    for (const domain of after) health.note(met(domain, 'timeout'))
    await health.look()
    expect(health.aside()).toBeUndefined()
  })
}

it('uplink: it is over when something answers that is asked again, without any check', async () => {
  const { health, way, time } = agent()
  for (const answer of ['ok', 'timeout'] as const) for (const domain of ['a.example', 'b.example']) health.note(met(domain, answer))
  way.open = false
  await health.look()
  expect(health.aside()).toBe('uplink')
  way.open = true
  time.pass(5000)
  await health.look()
  expect(health.aside()).toBeUndefined()
})

for (const [name, atStart, now, sourceAddress, says] of [
  ['the last address gone', { addresses: ['192.0.2.1'], usable: [4] }, { addresses: [], usable: [] }, undefined, 'no interface has an address any more'],
  ['the default route gone', { addresses: ['192.0.2.1'], usable: [4], routed: [4] }, { addresses: ['192.0.2.1'], usable: [4], routed: [] }, undefined, 'there is no default route any more'],
  ['the source address gone', { addresses: ['192.0.2.1', '192.0.2.2'], usable: [4] }, { addresses: ['192.0.2.1'], usable: [4] }, '192.0.2.2', 'the source address 192.0.2.2 is on no interface of this machine'],
  ['a machine that has only its loopback, as at the start', { addresses: ['127.0.0.1'], usable: [], routed: [] }, { addresses: ['127.0.0.1'], usable: [], routed: [] }, undefined, undefined],
  ['one family of two', { addresses: ['192.0.2.1', '2001:db8::1'], usable: [4, 6] }, { addresses: ['192.0.2.1'], usable: [4] }, undefined, undefined],
] satisfies [string, Standing, Standing, string | undefined, string | undefined][]) {
  it(`uplink, from the machine: ${name}`, async () => {
    let standing: Standing = atStart
    const { health } = agent({ standing: () => standing, ...(sourceAddress === undefined ? {} : { sourceAddress }) })
    standing = now
    await health.look()
    expect(health.findings().map(finding => finding.says)).toEqual(says === undefined ? [] : [says])
    expect(health.aside()).toBe(says === undefined ? undefined : 'uplink')
  })
}

it('stops while it looks', async () => {
  const { health, bus } = agent()
  bus.answering = 'never'
  const looked = health.look()
  await health.stop()
  await looked
  expect(health.findings()).toEqual([])
})

type Given = Partial<Pick<HealthOptions, 'standing' | 'loop'>> & { aheadMs?: number, askingMs?: number, sourceAddress?: string }

function agent ({ aheadMs = 0, askingMs = 0, sourceAddress, ...given }: Given = {}, realLoop = false) {
  let elapsed = 1000
  let ahead = aheadMs
  const time = {
    now: () => 1_800_000_000_000 + elapsed + ahead,
    elapsed: () => elapsed,
    pass: (ms: number) => { elapsed += ms },
    set: (ms: number) => { ahead += ms },
  }
  const bus = {
    connected: true,
    answering: true as boolean | 'never',
    asked: 0,
    request: (async (_type: unknown, _to: unknown, _body: unknown, { signal }: { signal?: AbortSignal }) => {
      bus.asked += 1
      if (bus.answering === 'never') await new Promise(resolve => { signal?.addEventListener('abort', resolve) })
      if (bus.answering !== true) return { failed: 'no-responders', says: 'nobody tells the time' }
      time.pass(askingMs / 2)
      const at = new Date(time.now() - ahead).toISOString()
      time.pass(askingMs / 2)
      return { answer: { at } }
    }) as unknown as Bus['request'],
  }
  const way = { open: true, asked: [] as unknown[] }
  const telemetry = createTelemetry()
  const health = createHealth({
    clock: time, bus, meter: telemetry.meter, everyMs: 0, labels: { vantage: 'here', agent: 'one' },
    vantage: () => ({ controlName: '.', ...(sourceAddress === undefined ? {} : { sourceAddress }) }),
    answers: async places => {
      way.asked.push(places)
      return way.open
    },
    ...(realLoop ? {} : { loop: { peek: () => 0, take: () => 0, stop: () => undefined } }),
    ...given,
  })
  running.push(health)
  const text = async (): Promise<string> => {
    let all = ''
    for await (const piece of telemetry.expose()) all += piece
    return all
  }
  return { health, time, bus, way, text }
}
