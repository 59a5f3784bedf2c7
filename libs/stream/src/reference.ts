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

/** Where one of the five predefined references that begins at `at` ends; `at` itself when it is another or cut by `end`. A matter of speed. */
export function pastPredefined (data: Uint8Array, at: number, end: number): number {
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
    default:
      return at
  }
}
