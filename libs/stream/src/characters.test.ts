// Every code point and every short sequence of bytes, against the definitions (XML 1.0 §2.2, §2.3) and the platform's own decoder.
import { expect, it } from 'vitest'
import { createFramer } from './framer.ts'
import { AFTER_AUTHENTICATION } from './limits.ts'

const LIMITS = { ...AFTER_AUTHENTICATION, elementBytes: 2 ** 30, nameBytes: 2 ** 30 }
/** [#x9 #xA #xD #x20-#xD7FF #xE000-#xFFFD #x10000-#x10FFFF], the Char production, as the specification writes it. */
const CHARACTER = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]$/u
const NAME_START = /^[A-Z_a-z\u{C0}-\u{D6}\u{D8}-\u{F6}\u{F8}-\u{2FF}\u{370}-\u{37D}\u{37F}-\u{1FFF}\u{200C}-\u{200D}\u{2070}-\u{218F}\u{2C00}-\u{2FEF}\u{3001}-\u{D7FF}\u{F900}-\u{FDCF}\u{FDF0}-\u{FFFD}\u{10000}-\u{EFFFF}]$/u
const NAME = /^[\u{300}-\u{36F}\u{203F}-\u{2040}\u{B7}.0-9-]$/u

it('exactly the characters of XML may stand in text, at whatever byte they are cut', () => {
  const wrong: number[] = []
  for (let point = 0; point <= 0x10FFFF; point += point < 0x3000 || point > 0xD700 && point < 0x10100 ? 1 : 97) {
    const encoded = utf8(point)
    const allowed = CHARACTER.test(String.fromCodePoint(point)) && point !== 0x3C && point !== 0x26
    if (accepts(['<a>', encoded, '</a>']) !== allowed || accepts(['<a>', ...Array.from(encoded, byte => Uint8Array.of(byte)), '</a>']) !== allowed) wrong.push(point)
  }
  expect(wrong).toEqual([])
})

it('exactly the names of XML are names, of elements and of attributes', () => {
  const wrong: number[] = []
  for (let point = 1; point <= 0x10FFFF; point += point < 0x3100 || point > 0xD700 && point < 0x10010 ? 1 : 4093) {
    const character = String.fromCodePoint(point)
    const start = NAME_START.test(character)
    const inside = start || NAME.test(character)
    const bytes = utf8(point)
    if (/[\s=/>:]/.test(character)) continue
    if (accepts(['<', bytes, '/>']) !== start || accepts(['<p:', bytes, " xmlns:p='u'/>"]) !== start || accepts(['<a ', bytes, "=''/>"]) !== start || accepts(['<a', bytes, '/>']) !== inside) wrong.push(point)
  }
  expect(wrong).toEqual([])
})

it('a character reference means a character of XML or ends the stream', () => {
  for (const [reference, allowed] of [
    ['&#9;', true], ['&#x9;', true], ['&#xD7FF;', true], ['&#xd800;', false], ['&#xDFFF;', false], ['&#xFFFD;', true], ['&#xFFFE;', false], ['&#x10FFFF;', true], ['&#x110000;', false], ['&#0;', false],
    ['&#8;', false], ['&#0000000000000065;', true], ['&#x000000000000041;', true], ['&#;', false], ['&#x;', false], ['&#X41;', false], ['&#-1;', false], ['&#6 5;', false], ['&#4294967361;', false], ['&;', false], ['&a', false],
  ] as const) {
    expect([reference, accepts([`<a>${reference}</a>`])]).toEqual([reference, allowed])
    expect([reference, accepts(Array.from(`<a b='${reference}'/>`))]).toEqual([reference, allowed])
  }
})

it('every sequence of two bytes, and every three and four with a lead, is UTF-8 for the framer as for the platform', { timeout: 300_000 }, () => {
  const edges = [0x00, 0x3C, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xF4, 0xFF]
  const wrong: number[][] = []
  const check = (bytes: number[]): void => {
    const text = decoded(bytes)
    const allowed = text !== undefined && Array.from(text).every(character => CHARACTER.test(character) && character !== '<' && character !== '&')
    for (const parts of [[Uint8Array.from(bytes)], bytes.map(byte => Uint8Array.of(byte))]) if (accepts(['<a>', ...parts, 'x</a>']) !== allowed) wrong.push(bytes)
  }
  for (let first = 0x80; first <= 0xFF; first++) {
    for (let second = 0; second <= 0xFF; second++) check([first, second])
    for (const second of edges) for (const third of edges) for (const fourth of first >= 0xF0 ? edges : [0x78]) check([first, second, third, fourth])
  }
  expect(wrong).toEqual([])
})

it('U+FEFF first is a character like any other and no byte order mark (RFC 6120 §11.6)', () => {
  expect(accepts(['\uFEFF'], '')).toBe(false)
  expect(accepts(['<a>\uFEFF</a>'])).toBe(true)
})

function accepts (parts: readonly (string | Uint8Array)[], header = '<s>'): boolean {
  let delivered = false
  const framer = createFramer({ limits: LIMITS }, { header: () => undefined, element: () => { delivered = true }, end: () => undefined, error: () => { delivered = false } })
  for (const part of [header, ...parts]) framer.write(typeof part === 'string' ? new TextEncoder().encode(part) : part)
  return delivered && framer.phase === 'stream'
}

/** Surrogates too, as an encoder that does not look would write them. */
function utf8 (point: number): Uint8Array {
  if (point < 0x80) return Uint8Array.of(point)
  if (point < 0x800) return Uint8Array.of(0xC0 | point >> 6, 0x80 | point & 0x3F)
  if (point < 0x10000) return Uint8Array.of(0xE0 | point >> 12, 0x80 | point >> 6 & 0x3F, 0x80 | point & 0x3F)
  return Uint8Array.of(0xF0 | point >> 18, 0x80 | point >> 12 & 0x3F, 0x80 | point >> 6 & 0x3F, 0x80 | point & 0x3F)
}

function decoded (bytes: readonly number[]): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes))
  } catch {
    return undefined
  }
}
