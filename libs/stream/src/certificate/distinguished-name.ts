// Distinguished names (RFC 5280 §4.1.2.4) as text for people, after RFC 4514: an attribute that holds a comma cannot look like two.
import { strictUtf8 } from '../strict-utf8.ts'
import { BMP_STRING, SEQUENCE, SET, UTF8_STRING, childrenOfDer, latin1, oidOf, type Der } from './der.ts'

/** The text and the values of its common names; undefined when it is no name. */
export function nameOf (der: Uint8Array, name: Der): { text: string, commonNames: string[] } | undefined {
  const parts: string[] = []
  const commonNames: string[] = []
  const sets = childrenOfDer(der, name)
  if (sets === undefined) return undefined
  for (const set of sets) {
    const pairs = set.tag === SET ? childrenOfDer(der, set) : undefined
    if (pairs === undefined || pairs.length === 0) return undefined
    const texts: string[] = []
    for (const pair of pairs) {
      const [type, value, ...more] = (pair.tag === SEQUENCE ? childrenOfDer(der, pair) : undefined) ?? []
      const oid = oidOf(der, type)
      if (oid === '' || value === undefined || more.length > 0) return undefined
      const text = textOf(der, value)
      if (oid === COMMON_NAME) commonNames.push(text)
      texts.push(`${LABELS[oid] ?? oid}=${escaped(text)}`)
    }
    parts.push(texts.join('+'))
  }
  return { text: parts.join(', '), commonNames }
}

function textOf (der: Uint8Array, value: Der): string {
  if (value.tag === UTF8_STRING) return strictUtf8(der, value.start, value.end) ?? latin1(der, value)
  if (value.tag !== BMP_STRING || (value.end - value.start) % 2 !== 0) return latin1(der, value)
  let text = ''
  for (let at = value.start; at < value.end; at += 2) text += String.fromCharCode(((der[at] as number) << 8) | (der[at + 1] as number))
  return text
}

/** RFC 4514 §2.4. */
function escaped (text: string): string {
  return text.replace(/[",+;<>\\]|^[ #]| $|\p{Cc}|\p{Cs}/gu, character => /\p{C}/u.test(character) ? `\\${(character.codePointAt(0) as number).toString(16).padStart(2, '0')}` : `\\${character}`)
}

const COMMON_NAME = '2.5.4.3'
const LABELS: Record<string, string | undefined> = { [COMMON_NAME]: 'CN', '2.5.4.6': 'C', '2.5.4.7': 'L', '2.5.4.8': 'ST', '2.5.4.10': 'O', '2.5.4.11': 'OU' }
