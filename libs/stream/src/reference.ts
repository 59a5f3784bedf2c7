// References: the five predefined entities and characters by number, nothing else (RFC 6120 §11.1).
import type { StreamCondition } from '@dialtone/contracts'
import { isXmlCharacter } from './characters.ts'
import { characterOf } from './decode.ts'

/** Room for an entity's name, or for a number with leading zeros. */
export const REFERENCE_BYTES = 64

const SEMICOLON = 0x3B

/** Why what stands between '&' and ';' may not stand there. */
export function referenceProblem (name: string): { condition: StreamCondition, detail: string } | undefined {
  const character = characterOf(name)
  if (character !== undefined && isXmlCharacter(character.codePointAt(0) ?? 0)) return undefined
  return character === undefined && /^[A-Za-z_][\w.-]*$/.test(name)
    ? { condition: 'restricted-xml', detail: 'a reference to an entity that is not predefined' }
    : { condition: 'not-well-formed', detail: 'a malformed reference' }
}

/** Where the reference that begins at `at` ends; `at` itself when it is cut by `end` or may not stand there: then the states say why. */
export function pastReference (data: Uint8Array, at: number, end: number): number {
  if (at + 3 >= end) return at
  const third = data[at + 2]
  switch (data[at + 1]) {
    case 0x6C: // &lt;
    case 0x67: // &gt;
      return third === 0x74 && data[at + 3] === SEMICOLON ? at + 4 : at
    case 0x61: // &amp; &apos;
      if (third === 0x6D) return at + 4 < end && data[at + 3] === 0x70 && data[at + 4] === SEMICOLON ? at + 5 : at
      return third === 0x70 && at + 5 < end && data[at + 3] === 0x6F && data[at + 4] === 0x73 && data[at + 5] === SEMICOLON ? at + 6 : at
    case 0x71: // &quot;
      return third === 0x75 && at + 5 < end && data[at + 3] === 0x6F && data[at + 4] === 0x74 && data[at + 5] === SEMICOLON ? at + 6 : at
    case 0x23: // &#10; &#xA;
      return pastNumber(data, at, third === 0x78 ? at + 3 : at + 2, third === 0x78 ? 16 : 10, end)
    default:
      return at
  }
}

/** Whether the reference at data[at … past), which `pastReference` passed, is spelled as our serialiser spells what needs one. */
export function isOwnReference (data: Uint8Array, at: number, past: number, inValue: boolean): boolean {
  if (data[at + 1] !== 0x23) return true
  // &#xD; and, in a value, &#x9; and &#xA;
  if (past - at !== 5 || data[at + 2] !== 0x78) return false
  const digit = data[at + 3]
  return digit === 0x44 || (inValue && (digit === 0x39 || digit === 0x41))
}

function pastNumber (data: Uint8Array, at: number, digits: number, base: 10 | 16, end: number): number {
  let point = 0
  let i = digits
  for (; i < end && i < digits + 7; i++) {
    const digit = digitOf(data[i] as number)
    if (digit >= base) break
    point = point * base + digit
  }
  return i > digits && i < end && data[i] === SEMICOLON && isXmlCharacter(point) ? i + 1 : at
}

function digitOf (byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 16
}
