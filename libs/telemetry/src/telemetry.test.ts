import { defineCounter, defineGauge, defineHistogram, type Metric } from '@dialtone/kernel'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createTelemetry, type Telemetry } from './telemetry.ts'

const asked = defineCounter('dialtone_asked_total', 'Questions', ['kind'])
const plain = defineCounter('dialtone_plain_total', 'Without labels')
const height = defineGauge('dialtone_height', 'How high', ['of'])
const took = defineHistogram('dialtone_took_seconds', 'How long', ['stage'], [0.1, 1])

it('writes counters, gauges and histograms as Prometheus reads them', async () => {
  const telemetry = createTelemetry()
  telemetry.meter.add(asked, { kind: 'a' })
  telemetry.meter.add(asked, { kind: 'a' }, 2.5)
  telemetry.meter.set(height, { of: 'it' }, -3)
  for (const seconds of [0.05, 0.1, 0.5, 7]) telemetry.meter.observe(took, { stage: 'tls' }, seconds)
  const text = await textOf(telemetry)
  expect(linesOf(text, 'dialtone_asked')).toEqual(['# HELP dialtone_asked_total Questions', '# TYPE dialtone_asked_total counter', 'dialtone_asked_total{kind="a"} 3.5'])
  expect(linesOf(text, 'dialtone_height').at(-1)).toBe('dialtone_height{of="it"} -3')
  expect(linesOf(text, 'dialtone_took_seconds').slice(2)).toEqual([
    'dialtone_took_seconds_bucket{stage="tls",le="0.1"} 2',
    'dialtone_took_seconds_bucket{stage="tls",le="1"} 3',
    'dialtone_took_seconds_bucket{stage="tls",le="+Inf"} 4',
    'dialtone_took_seconds_sum{stage="tls"} 7.65',
    'dialtone_took_seconds_count{stage="tls"} 4',
  ])
  expect(text.endsWith('\n')).toBe(true)
})

it('a registered counter without labels is 0 before its first event; a gauge says nothing that nobody set', async () => {
  const telemetry = createTelemetry()
  telemetry.register([plain, asked, defineGauge('dialtone_unset', 'Never set')])
  const text = await textOf(telemetry)
  expect(linesOf(text, 'dialtone_plain')).toContain('dialtone_plain_total 0')
  expect(linesOf(text, 'dialtone_asked')).toHaveLength(2)
  expect(linesOf(text, 'dialtone_unset')).toHaveLength(2)
})

it('escapes label values and help', async () => {
  const telemetry = createTelemetry()
  telemetry.meter.set(defineGauge('dialtone_odd', 'one\\two\nthree', ['x']), { x: 'a"b\\c\nd\u0000\ud800' }, Number.POSITIVE_INFINITY)
  expect(linesOf(await textOf(telemetry), 'dialtone_odd')).toEqual(['# HELP dialtone_odd one\\\\two\\nthree', '# TYPE dialtone_odd gauge', 'dialtone_odd{x="a\\"b\\\\c\\nd\ufffd\ufffd"} +Inf'])
})

for (const [name, count] of [
  ['a label that is not declared', ({ meter }) => meter.add(asked, { kind: 'a', other: 'b' })],
  ['a label that is missing', ({ meter }) => meter.add(asked)],
  ['a counter that goes down', ({ meter }) => meter.add(plain, {}, -1)],
  ['a gauge that is observed', ({ meter }) => meter.observe(height, { of: 'it' }, 1)],
  ['a histogram that is set', ({ meter }) => meter.set(took, { stage: 'x' }, 1)],
  ['a count that is no number', ({ meter }) => meter.add(plain, {}, Number.NaN)],
] satisfies [string, (telemetry: Telemetry) => void][]) {
  it(`${name} throws where it is tested, and is counted where it runs`, async () => {
    expect(() => count(createTelemetry())).toThrow('was refused')
    const running = createTelemetry({ strict: false })
    count(running)
    expect(await textOf(running)).toMatch(/^dialtone_metrics_refused_total\{metric="dialtone_[a-z_]+",why="(labels|value)"\} 1$/m)
  })
}

it('refuses two declarations of one name, and a declaration that is none', () => {
  const telemetry = createTelemetry()
  telemetry.register([asked, { ...asked }])
  expect(() => telemetry.register([{ ...asked, labels: ['other'] }])).toThrow('another declaration has its name')
  expect(() => telemetry.register([{ ...asked, name: 'dialtone-asked' }])).toThrow('its name is not one')
  expect(() => telemetry.register([{ ...took, name: 'dialtone_x', buckets: [1, 1] }])).toThrow('buckets do not increase')
})

it('keeps no more series than the bound, and counts what it refused', async () => {
  const telemetry = createTelemetry({ mostSeries: 10 })
  for (let i = 0; i < 1000; i++) telemetry.meter.add(asked, { kind: `peer-${i}` })
  telemetry.meter.add(asked, { kind: 'peer-3' })
  const text = await textOf(telemetry)
  expect(linesOf(text, 'dialtone_asked_total{')).toHaveLength(10)
  expect(text).toContain('dialtone_asked_total{kind="peer-3"} 2')
  expect(text).toContain('dialtone_metrics_refused_total{metric="dialtone_asked_total",why="bound"} 990')
})

it('a removed series is gone, and makes room', async () => {
  const telemetry = createTelemetry({ mostSeries: 1 })
  telemetry.meter.set(height, { of: 'a' }, 1)
  telemetry.meter.remove(height, { of: 'a' })
  telemetry.meter.set(height, { of: 'b' }, 2)
  expect(linesOf(await textOf(telemetry), 'dialtone_height{')).toEqual(['dialtone_height{of="b"} 2'])
})

it('a family says what there is at each scrape, several give to one metric, and each ends by itself', async () => {
  const telemetry = createTelemetry()
  const domains = new Map([['a.example', 1]])
  const end = telemetry.family(height, () => [...domains].map(([of, value]) => ({ labels: { of }, value })))
  telemetry.family(height, () => [{ labels: { of: 'other.example' }, value: 5 }])
  domains.set('b.example', 2)
  expect(linesOf(await textOf(telemetry), 'dialtone_height').slice(2)).toEqual(['dialtone_height{of="a.example"} 1', 'dialtone_height{of="b.example"} 2', 'dialtone_height{of="other.example"} 5'])
  end()
  expect(linesOf(await textOf(telemetry), 'dialtone_height').slice(2)).toEqual(['dialtone_height{of="other.example"} 5'])
})

it('a family that throws, and two that say the same series, do not spoil the scrape of a running app', async () => {
  const telemetry = createTelemetry({ strict: false })
  telemetry.family(height, () => [{ labels: { of: 'a' }, value: 1 }])
  telemetry.family(height, function * () {
    yield { labels: { of: 'a' }, value: 2 }
    throw new Error('broken')
  })
  telemetry.meter.add(asked, { kind: 'x' })
  const text = await textOf(telemetry)
  expect(linesOf(text, 'dialtone_height{')).toEqual(['dialtone_height{of="a"} 1'])
  expect(text).toContain('dialtone_asked_total{kind="x"} 1')
  expect(text).toContain('why="twice"} 1')
  expect(text).toContain('why="failed"} 1')
})

it('a family that says a series twice, or throws, throws where it is tested', async () => {
  const twice = createTelemetry()
  twice.family(height, () => [{ labels: { of: 'a' }, value: 1 }, { labels: { of: 'a' }, value: 2 }])
  await expect(textOf(twice)).rejects.toThrow('twice')
  const broken = createTelemetry()
  broken.family(height, () => { throw new Error('broken') })
  await expect(textOf(broken)).rejects.toThrow('broken')
})

it('other work gets its turn while much is rendered, and nothing is missing', async () => {
  const telemetry = createTelemetry()
  telemetry.family(height, () => many(60_000))
  let turns = 0
  const over = new AbortController()
  const other = (async () => {
    while (!over.signal.aborted) {
      await turn()
      turns += 1
    }
  })()
  const text = await textOf(telemetry)
  over.abort()
  await other
  expect(linesOf(text, 'dialtone_height{')).toHaveLength(60_000)
  expect(turns).toBeGreaterThan(3)
})

it('scrapes at the same time share one rendering; the next one is new', async () => {
  const telemetry = createTelemetry()
  let renderings = 0
  telemetry.family(height, () => {
    renderings += 1
    return many(20_000)
  })
  const texts = await Promise.all(Array.from({ length: 50 }, () => textOf(telemetry)))
  expect(new Set(texts).size).toBe(1)
  expect(renderings).toBe(1)
  await textOf(telemetry)
  expect(renderings).toBe(2)
})

it('readers that take their time do not pile up renderings', async () => {
  const telemetry = createTelemetry()
  let renderings = 0
  telemetry.family(height, () => {
    renderings += 1
    return many(5000)
  })
  const slow: AsyncIterator<string>[] = []
  for (let i = 0; i < 12; i++) {
    const reader = telemetry.expose()[Symbol.asyncIterator]()
    slow.push(reader)
    await reader.next()
    // The last piece of its rendering exists when a full read of the newest is over.
    if (i < 4) await textOf(telemetry)
  }
  const before = renderings
  await textOf(telemetry)
  expect(renderings).toBe(before)
  for (const reader of slow) await reader.return?.()
  await textOf(telemetry)
  expect(renderings).toBe(before + 1)
})

it('a scrape that nobody reads on stops being rendered', async () => {
  const telemetry = createTelemetry()
  let said = 0
  telemetry.family(height, function * () {
    for (const value of many(5_000_000)) {
      said += 1
      yield value
    }
  })
  for await (const piece of telemetry.expose()) if (piece.length > 0) break
  let before = -1
  while (before !== said) {
    before = said
    await turn()
    await turn()
  }
  expect(said).toBeLessThan(4_000_000)
})

it('knows the process, where it is one', async () => {
  const text = await textOf(createTelemetry({ process: true }))
  expect(text).toMatch(/^process_cpu_seconds_total \d/m)
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds \d/m)
  expect(text).toMatch(/^# TYPE dialtone_metrics_series gauge$/m)
})

function * many (count: number): Generator<{ labels: { of: string }, value: number }> {
  for (let i = 0; i < count; i++) yield { labels: { of: `domain-${i}.example` }, value: i }
}

async function textOf (telemetry: Telemetry): Promise<string> {
  let text = ''
  for await (const piece of telemetry.expose()) text += piece
  return text
}

function linesOf (text: string, name: Metric['name']): string[] {
  return text.split('\n').filter(line => line.replace(/^# (HELP|TYPE) /, '').startsWith(name))
}
