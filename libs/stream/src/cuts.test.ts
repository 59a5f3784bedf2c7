// However the bytes are cut, the same is read, in time that grows with the bytes and in memory that does not.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Parser } from '@xmpp/xml'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFramer, type Framer } from './framer.ts'
import type { FramerSink } from './frame.ts'
import { AFTER_AUTHENTICATION, BEFORE_AUTHENTICATION, type Limits } from './limits.ts'

const HEADER = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'>"
const FOLDER = join(import.meta.dirname, '..', 'transcripts')
const TRANSCRIPTS = readdirSync(FOLDER).map(name => [name, new Uint8Array(readFileSync(join(FOLDER, name)))] as const)

describe('what a server sent', () => {
  for (const [name, bytes] of TRANSCRIPTS) {
    it(`${name}: whole, bytewise and cut at every byte it is the same`, () => {
      const whole = read([bytes])
      expect(whole.at(-1)).toBe('end')
      expect(whole.length).toBeGreaterThan(5)
      expect(read(pieces(bytes, 1))).toEqual(whole)
      for (let cut = 1; cut < bytes.length; cut++) expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole)
    })

    it(`${name}: spoilt at any byte, and cut anyhow, it ends with the same error at the same byte`, () => {
      fc.assert(fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), cuts(bytes.length), (at, byte, where) => {
        const spoilt = Uint8Array.from(bytes)
        spoilt[at] = byte
        expect(read(cutAt(spoilt, where))).toEqual(read([spoilt]))
      }), { numRuns: 300 })
    })
  }

  it('every limit strikes at the same byte, however the bytes are cut', { timeout: 60_000 }, () => {
    for (const limit of Object.keys(AFTER_AUTHENTICATION) as (keyof Limits)[]) {
      for (const [, bytes] of TRANSCRIPTS) {
        for (const most of [0, 1, 5, 40, 300]) {
          const limits = { ...AFTER_AUTHENTICATION, [limit]: most }
          const whole = read([bytes], limits)
          for (const size of [1, 7, 64, 513]) expect(read(pieces(bytes, size), limits)).toEqual(whole)
        }
      }
    }
  })

  it('large chunks, which are read where they lie, and small ones, which are copied, are the same', () => {
    const long = Buffer.concat([encode(HEADER), ...Array.from({ length: 400 }, (_, at) => encode(`<message id='${at}'><body>${'é€😀x'.repeat(at)}</body></message>\n`))])
    const whole = read([long], AFTER_AUTHENTICATION)
    expect(whole).toHaveLength(401)
    fc.assert(fc.property(fc.array(fc.oneof(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 40_000 })), { minLength: 1, maxLength: 30 }), sizes => {
      const chunks: Uint8Array[] = []
      for (let at = 0, k = 0; at < long.length; at += sizes[k++ % sizes.length] ?? 1) chunks.push(long.subarray(at, at + (sizes[k % sizes.length] ?? 1)))
      expect(read(chunks, AFTER_AUTHENTICATION)).toEqual(whole)
    }), { numRuns: 20 })
  })
})

describe('time', () => {
  it('a stanza of 256 KiB byte by byte costs about four times one of 64 KiB', () => {
    const [small, large] = [65_536, 262_000].map(size => pieces(stanza(size), 1)) as [Uint8Array[], Uint8Array[]]
    expect(ratio(() => feed(small), () => feed(large), 4 * 2.5)).toBeLessThan(4 * 2.5)
  })

  it('unfinished text in 1 KiB chunks is linear, in values, CDATA and tags too', () => {
    for (const make of [
      (size: number) => `<a>${'x'.repeat(size)}`, (size: number) => `<a b='${'x'.repeat(size)}`, (size: number) => `<a><![CDATA[${']'.repeat(size)}`,
      (size: number) => `<a>${'&amp;'.repeat(size / 5)}`, (size: number) => `<a>${'<b/>'.repeat(size / 4)}`, (size: number) => `<a${' '.repeat(size)}`, (size: number) => `<a>${'é'.repeat(size / 2)}`,
    ]) {
      const [small, large] = [131_072, 524_288].map(size => pieces(encode(HEADER + make(size)), 1024)) as [Uint8Array[], Uint8Array[]]
      expect(ratio(() => feed(small), () => feed(large), 4 * 2.5)).toBeLessThan(4 * 2.5)
    }
  })

  it('names made to collide, and prefixes looked for among 256 declarations, cost a bounded factor', () => {
    // Aa and BB have one hash, so every name below has the same and has to be compared with every other.
    const names = (first: string, second: string) => Array.from({ length: 64 }, (_, at) => Array.from({ length: 6 }, (_, bit) => (at >> bit) % 2 === 0 ? first : second).join(''))
    const tag = (list: readonly string[]) => `<a ${list.map(name => `${name}='1'`).join(' ')}/>`
    const [different, equal] = [names('Aa', 'Bc'), names('Aa', 'BB')].map(list => [encode(HEADER + tag(list).repeat(300))]) as [Uint8Array[], Uint8Array[]]
    expect(ratio(() => feed(different), () => feed(equal), 10)).toBeLessThan(10)

    const declarations = (count: number) => Array.from({ length: count / 64 }, (_, at) => `<b ${Array.from({ length: 64 }, (_, k) => `xmlns:p${at}-${k}='urn:x'`).join(' ')}>`)
    const nested = (count: number) => [encode(`${HEADER}<a xmlns:q='urn:q'>${declarations(count).join('')}${"<q:c q:d='1'/>".repeat(4000)}${'</b>'.repeat(count / 64)}</a>`)]
    expect(ratio(() => feed(nested(0)), () => feed(nested(192)), 40)).toBeLessThan(40)
  })
})

describe('memory', () => {
  it('white space between stanzas leaves nothing, where the library keeps every piece', () => {
    const library = new Parser()
    library.write(HEADER)
    for (let k = 0; k < 1000; k++) library.write(' <a/>')
    expect(library.root?.children.length).toBeGreaterThanOrEqual(999)

    const framer = quiet(AFTER_AUTHENTICATION)
    framer.write(encode(HEADER))
    for (let k = 0; k < 1000; k++) framer.write(encode(' <a/>'))
    expect([framer.counts.elements, framer.pending]).toEqual([1000, 0])
  })

  it('what waits is never more than one item, and never the chunk that it came in', () => {
    const framer = quiet(AFTER_AUTHENTICATION)
    framer.write(encode(HEADER + '<a/>'.repeat(200_000) + '<b c='))
    expect(framer.pending).toBe('<b c='.length)
    framer.write(encode(`'${'x'.repeat(5000)}'/>${'<a/>'.repeat(200_000)}<b`))
    expect(framer.pending).toBe(2)
  })

  it('an endless item is refused at its limit, whatever it consists of', () => {
    for (const endless of ['<a>x', "<a b='x", '<a>&amp;', '<a><b>', '<a><b/>', '<a ', '<x', '<a><![CDATA[]', ' ', '<a>é']) {
      const framer = quiet(BEFORE_AUTHENTICATION)
      framer.write(encode(HEADER))
      const more = encode(endless.replace(/^.*?(.)$/su, '$1').repeat(1000))
      let most = 0
      framer.write(encode(endless))
      for (let k = 0; k < 50 && framer.phase === 'stream'; k++) {
        framer.write(more)
        most = Math.max(most, framer.pending)
      }
      expect([endless, framer.phase]).toEqual([endless, 'dead'])
      expect(most).toBeLessThanOrEqual(BEFORE_AUTHENTICATION.elementBytes)
    }
  })
})

it('a frame that is read after its callback throws, instead of telling of another', () => {
  let kept: { from?: string | undefined, bytes: Uint8Array } | undefined
  const framer = createFramer({ limits: AFTER_AUTHENTICATION }, { ...nobody, element: frame => { kept = frame } })
  framer.write(encode(`${HEADER}<a from='x'/>`))
  expect(() => kept?.from).toThrow('after its callback')
  expect(() => kept?.bytes).toThrow('after its callback')
})

it('a framer that is written to from inside its callback throws, and so does one whose callback threw', () => {
  const inside: Framer = createFramer({ limits: AFTER_AUTHENTICATION }, { ...nobody, element: () => { inside.write(encode('<b/>')) } })
  expect(() => inside.write(encode(`${HEADER}<a/>`))).toThrow('inside its callback')
  expect(() => inside.write(encode('<b/>'))).toThrow('its callback threw')
})

const nobody: FramerSink = { header: () => undefined, element: () => undefined, end: () => undefined, error: () => undefined }

function quiet (limits: Limits): Framer {
  return createFramer({ limits }, nobody)
}

/** Everything that is delivered, in words. */
function read (chunks: readonly Uint8Array[], limits: Limits = AFTER_AUTHENTICATION): string[] {
  const seen: string[] = []
  const framer = createFramer({ limits }, {
    header: frame => seen.push(`header ${JSON.stringify([text(frame.bytes), frame.prefix, frame.name, frame.namespace, frame.attributes, Array.from(frame.namespaces)])}`),
    element: frame => seen.push(`element ${JSON.stringify([text(frame.bytes), frame.prefix, frame.name, frame.namespace, frame.id, frame.from, frame.to, frame.type, frame.lang, frame.kind, frame.canonical, frame.typeIs('error')])}`),
    end: () => seen.push('end'),
    error: error => seen.push(`error ${JSON.stringify(error)}`),
  })
  let consumed = 0
  let given = 0
  for (const chunk of chunks) {
    const before = framer.phase
    const took = framer.write(chunk)
    expect(took).toBeLessThanOrEqual(chunk.length)
    expect(took).toBeGreaterThanOrEqual(0)
    if (before === 'header' || before === 'stream') given += chunk.length
    consumed += took
  }
  if (framer.phase === 'header' || framer.phase === 'stream') expect(consumed).toBe(given)
  expect(framer.counts.bytes).toBe(consumed)
  return seen
}

function feed (chunks: readonly Uint8Array[]): void {
  const framer = quiet({ ...AFTER_AUTHENTICATION, elementBytes: 2 ** 24, attributeBytes: 2 ** 24, elements: 2 ** 24 })
  for (const chunk of chunks) framer.write(chunk)
  if (framer.phase !== 'stream') throw new Error(`the stream is ${framer.phase}`)
}

/**
 * How many times as long the second takes: the best of several rounds of each, and of more while that is not below the bound. A busy machine only
 * makes a round longer; what is quadratic is so in each.
 */
function ratio (small: () => void, large: () => void, bound: number): number {
  const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] as [number, number]
  for (let round = 0; round < 7 || (round < 60 && best[1] / best[0] >= bound); round++) {
    for (const [at, run] of [small, large].entries()) {
      const began = performance.now()
      run()
      best[at as 0 | 1] = Math.min(best[at as 0 | 1], performance.now() - began)
    }
  }
  return best[1] / best[0]
}

function stanza (size: number): Uint8Array {
  return encode(`${HEADER}<message><body>${'x'.repeat(size)}</body></message>`)
}

function pieces (bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size))
}

function cuts (length: number): fc.Arbitrary<number[]> {
  return fc.array(fc.nat(length), { maxLength: 8 }).map(where => [0, ...where.sort((a, b) => a - b), length])
}

function cutAt (bytes: Uint8Array, where: readonly number[]): Uint8Array[] {
  return where.slice(1).map((end, at) => bytes.subarray(where[at], end))
}

function encode (string: string): Uint8Array {
  return new TextEncoder().encode(string)
}

function text (bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
}
