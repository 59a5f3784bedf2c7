// Secrets of zones: how strong they can be at most, and one of its own for each zone (gateways.md 7.1 D3, D5).
import { hkdfSync } from 'node:crypto'
import { OperatorError } from '@dialtone/kernel'
import { secretTextOf } from '@dialtone/net'

const REFUSED_BITS = 64
/** XEP-0185 §2. */
const WANTED_BITS = 128
/** So few different characters are a pattern, no randomness, whatever alphabet they come from. */
const FEW_CHARACTERS = 6
const ALPHABETS: readonly [RegExp, number][] = [[/^[0-9]*$/, 10], [/^([0-9a-f]*|[0-9A-F]*)$/, 16], [/^([a-z]*|[A-Z]*)$/, 26], [/^[A-Za-z0-9+/_-]*=*$/, 64], [/^[ -~]*$/, 95]]

/** The most bits of randomness that a text can hold: all of its characters drawn from the smallest usual alphabet that has them. What people make up holds fewer. */
export function mostBits (text: string): number {
  const characters = text.replace(/=+$/, '')
  const distinct = new Set(characters).size
  const alphabet = distinct <= FEW_CHARACTERS ? distinct : ALPHABETS.find(([pattern]) => pattern.test(characters))?.[1] ?? 256
  return Math.floor(Buffer.byteLength(characters) * Math.log2(Math.max(1, alphabet)))
}

/** The text of a dialback secret. `weak`: what to tell the operator of one that should be stronger. Throws an OperatorError on one that can be guessed. */
export function strongSecret (held: Buffer, named: string): { text: string, weak?: string } {
  const text = secretTextOf(held, named)
  const bits = mostBits(text)
  const mend = 'who guesses it can pass for every domain of the zone; make one with: openssl rand -base64 32'
  if (bits < REFUSED_BITS) throw new OperatorError('weak-secret', `${named} holds ${bits} bits at most, and fewer than ${REFUSED_BITS} are refused: ${mend}`)
  return bits >= WANTED_BITS ? { text } : { text, weak: `${named} holds ${bits} bits at most; XEP-0185 wants ${WANTED_BITS} or more: ${mend}` }
}

/** The secret of one zone from that of the gateway (HKDF-SHA256, RFC 5869): the same on every gateway that has the master and a zone of this name, and of no use in another zone. */
export function zoneSecret (master: string, zone: string): string {
  return Buffer.from(hkdfSync('sha256', master, '', `dialback|${zone}`, 32)).toString('hex')
}
