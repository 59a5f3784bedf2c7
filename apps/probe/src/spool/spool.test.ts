import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { PROBE_DEFAULTS } from '../configuration/config.ts'
import { openSpool, type Spool, type SpoolOptions } from './spool.ts'

const made: string[] = []
afterEach(() => { for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true }) })

it('gives back what was put in, in order, until it is done', async () => {
  const { spool } = open()
  const places = texts(5).map(text => spool.put(Buffer.from(text)))
  expect(held(spool)).toEqual(texts(5))
  for (const at of places.slice(0, 2)) if (at !== undefined) spool.done(at)
  expect(held(spool)).toEqual(texts(5).slice(2))
  expect(spool.counts()).toMatchObject({ waiting: 3, dropped: 0 })
  await spool.stop()
})

it('remembers over a restart what was delivered and what was not', async () => {
  const { spool, directory } = open()
  const places = texts(5).map(text => spool.put(Buffer.from(text)))
  if (places[1] !== undefined) spool.done(places[1])
  await spool.stop()
  const again = open({ directory })
  expect(held(again.spool)).toEqual(['0', '2', '3', '4'].map(at => texts(5)[Number(at)]))
  again.spool.put(Buffer.from('new'))
  expect(held(again.spool).at(-1)).toBe('new')
  await again.spool.stop()
})

it('leaves no file behind when everything is delivered', async () => {
  const { spool, directory } = open()
  for (const text of texts(3)) {
    const at = spool.put(Buffer.from(text))
    if (at !== undefined) spool.done(at)
  }
  await spool.stop()
  expect(readdirSync(directory)).toEqual([])
})

it('loses nothing to kill -9', () => {
  const { directory, spool } = open()
  const script = `
    const { openSpool } = await import(${JSON.stringify(join(import.meta.dirname, 'spool.ts'))})
    const spool = openSpool({ directory: ${JSON.stringify(directory)}, mostBytes: 1e7, mostCount: 1000 })
    for (let at = 0; at < 100; at++) spool.put(Buffer.from('seen ' + at))
    spool.done({ segment: 1, number: 0 })
    spool.put(Buffer.from('last'))
    process.kill(process.pid, 'SIGKILL')
  `
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
  expect(signal).toBe('SIGKILL')
  expect(spool.counts().waiting).toBe(0)
  const left = held(open({ directory }).spool)
  expect(left).toHaveLength(100)
  expect([left[0], left.at(-1)]).toEqual(['seen 1', 'last'])
})

for (const [name, damage] of [
  ['cut in the middle', (file: string) => truncateSync(file, statSync(file).size - 3)],
  ['half a head', (file: string) => appendFileSync(file, Buffer.from([0, 44]))],
  ['bytes that are nothing', (file: string) => appendFileSync(file, Buffer.alloc(500, 7))],
] as const) {
  it(`reads up to a last record that is torn: ${name}`, async () => {
    const { spool, directory } = open()
    for (const text of texts(5)) spool.put(Buffer.from(text))
    await spool.stop()
    damage(join(directory, readdirSync(directory)[0] ?? ''))
    const again = open({ directory })
    expect(again.told).toEqual(['torn 1'])
    const left = held(again.spool)
    expect(texts(5).slice(0, left.length)).toEqual(left)
    expect(left.length).toBeGreaterThanOrEqual(4)
    again.spool.put(Buffer.from('after'))
    await again.spool.stop()
    expect(held(open({ directory }).spool).at(-1)).toBe('after')
  })
}

it('loses only what the disk has spoilt, and counts it, once', async () => {
  const { spool, directory } = open()
  const places = texts(100).map(text => spool.put(Buffer.from(text)))
  if (places[40] !== undefined) spool.done(places[40])
  await spool.stop()
  const file = join(directory, readdirSync(directory)[0] ?? '')
  const bytes = readFileSync(file)
  const turn = (text: string, from = 0) => {
    const at = bytes.indexOf(text) + from
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  }
  // A body; the length of another; the mark of a third; one that was delivered.
  turn('observation 1')
  turn('observation 20', -8)
  turn('observation 30', -17)
  turn('observation 40')
  writeFileSync(file, bytes)
  const again = open({ directory })
  const lost = ['1', '20', '30', '40'].map(number => `observation ${number}`)
  expect(held(again.spool)).toEqual(texts(100).filter(text => !lost.includes(text)))
  expect(again.told).toEqual(['damaged 3'])
  expect(again.spool.counts()).toMatchObject({ waiting: 96, dropped: 3 })
  await again.spool.stop()
  const third = open({ directory })
  expect([third.spool.counts().waiting, third.told]).toEqual([96, []])
  await third.spool.stop()
})

it('counts what is missing at the end, beyond the one that a crash cut', async () => {
  const { spool, directory } = open()
  for (const text of texts(10)) spool.put(Buffer.from(text))
  await spool.stop()
  const file = join(directory, readdirSync(directory)[0] ?? '')
  const bytes = readFileSync(file)
  for (const number of [7, 8, 9]) bytes.write('O', bytes.indexOf(`observation ${number}`))
  writeFileSync(file, bytes)
  const again = open({ directory })
  expect(again.told).toEqual(['torn 1', 'damaged 2'])
  expect(again.spool.counts()).toMatchObject({ waiting: 7, dropped: 2 })
  await again.spool.stop()
})

it('has room for an hour of ten thousand targets without the bus, for what waits long is compressed', async () => {
  const { spool, directory } = open({ mostBytes: PROBE_DEFAULTS.spoolMegabytes * 2 ** 20, mostCount: PROBE_DEFAULTS.spoolObservations })
  const body = (at: number) => Buffer.from(JSON.stringify({ at, steps: Array.from({ length: 100 }, (_, step) => ({ stage: 'tls', outcome: 'ok', atMs: step * at, ms: step })) }))
  for (let at = 0; at < 3000; at++) spool.put(body(at))
  const { bytes, waiting } = spool.counts()
  expect(waiting).toBe(3000)
  // The first thousand as it is.
  expect(bytes).toBeLessThan(body(1000).length * (1000 + 2000 / 2))
  await spool.stop()
  const again = open({ directory, mostBytes: 1e9, mostCount: 1e6 })
  expect(again.spool.oldest(3000).map(one => one.body().toString())).toEqual(Array.from({ length: 3000 }, (_, at) => body(at).toString()))
  await again.spool.stop()
  expect(PROBE_DEFAULTS.spoolObservations).toBeGreaterThan(600_000)
  expect(PROBE_DEFAULTS.spoolMegabytes * 2 ** 20).toBeGreaterThan(600_000 * 6000)
})

it('keeps within its bytes and its count: the oldest go, and are counted', async () => {
  const bytes = open({ mostBytes: 1_000_000, mostCount: 100_000 })
  for (let at = 0; at < 400; at++) bytes.spool.put(Buffer.alloc(10_000, at))
  const { waiting, bytes: size, dropped } = bytes.spool.counts()
  expect(size).toBeLessThanOrEqual(1_000_000)
  expect(waiting + dropped).toBe(400)
  expect(waiting).toBeGreaterThan(70)
  expect(bytes.spool.oldest(1)[0]?.body()[0]).toBe(dropped % 256)
  await bytes.spool.stop()

  const count = open({ mostBytes: 1e9, mostCount: 200 })
  for (let at = 0; at < 1000; at++) count.spool.put(Buffer.from('x'))
  expect(count.spool.counts().waiting).toBeLessThanOrEqual(200)
  expect(count.spool.counts().dropped).toBeGreaterThanOrEqual(800)
  await count.spool.stop()
})

it('gives files back while it is emptied', async () => {
  const { spool, directory } = open({ mostBytes: 4_000_000 })
  for (let at = 0; at < 300; at++) spool.put(Buffer.alloc(10_000))
  expect(readdirSync(directory).length).toBeGreaterThan(3)
  for (let batch = spool.oldest(32); batch.length > 0; batch = spool.oldest(32)) for (const { at } of batch) spool.done(at)
  expect(readdirSync(directory).length).toBe(1)
  await spool.stop()
})

it('says what to do where it cannot be', () => {
  expect(() => openSpool({ directory: join(import.meta.filename, 'spool'), mostBytes: 1, mostCount: 1 })).toThrow('make it writable for the agent')
})

function open (options: Partial<SpoolOptions> = {}): { spool: Spool, directory: string, told: string[] } {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'spool-'))
  made.push(directory)
  const told: string[] = []
  return { spool: openSpool({ mostBytes: 1e7, mostCount: 1000, ...options, directory, told: ({ what, count }) => told.push(`${what} ${count}`) }), directory, told }
}

function held (spool: Spool): string[] {
  return spool.oldest(1000).map(({ body }) => body().toString())
}

function texts (count: number): string[] {
  return Array.from({ length: count }, (_, at) => `observation ${at}`)
}
