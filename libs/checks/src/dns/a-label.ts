/**
 * A-labels back to Unicode (RFC 3492), to see whether they are any, and to show a person the name that was meant. Decodes only; the other way,
 * with its tables, is done where a name comes in. Bounded: a label has at most 63 octets.
 */

/** The U-label, or undefined when the text after `xn--` is no Punycode, or decodes to something that needed no encoding. */
export function decodeALabel (label: string): string | undefined {
  if (label.length > 63 || !/^xn--/i.test(label)) return undefined
  const encoded = label.slice(4).toLowerCase()
  const dash = encoded.lastIndexOf('-')
  const output = Array.from(encoded.slice(0, Math.max(0, dash)), character => character.codePointAt(0) ?? 0)
  const digits = Array.from(encoded.slice(dash + 1), character => DIGITS.indexOf(character))
  if (encoded === '' || dash === 0 || digits.length === 0 || digits.includes(-1) || output.some(point => point > 127)) return undefined
  let at = 0
  let code = 128
  let bias = 72
  let position = 0
  while (at < digits.length) {
    const before = position
    let weight = 1
    for (let k = BASE; ; k += BASE) {
      const digit = digits[at++]
      if (digit === undefined) return undefined
      position += digit * weight
      const threshold = Math.min(Math.max(k - bias, 1), 26)
      if (digit < threshold) break
      weight *= BASE - threshold
      if (position > 0x7F_FF_FF_FF || weight > 0x7F_FF_FF_FF) return undefined
    }
    const count = output.length + 1
    bias = adapted(position - before, count, before === 0)
    code += Math.floor(position / count)
    position %= count
    if (code > 0x10_FF_FF || (code >= 0xD8_00 && code <= 0xDF_FF)) return undefined
    output.splice(position++, 0, code)
  }
  const text = String.fromCodePoint(...output)
  // A U-label is in NFC and lower case (RFC 5891 §4.2, RFC 5893); all else is an encoding that nobody arrives at.
  return text === text.normalize('NFC') && text === text.toLowerCase() ? text : undefined
}

const BASE = 36
const DIGITS = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** RFC 3492 §6.1. */
function adapted (delta: number, count: number, first: boolean): number {
  let left = first ? Math.floor(delta / 700) : delta >> 1
  left += Math.floor(left / count)
  let k = 0
  for (; left > 455; k += BASE) left = Math.floor(left / (BASE - 1))
  return k + Math.floor(36 * left / (left + 38))
}
