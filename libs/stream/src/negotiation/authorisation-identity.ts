// What `<auth/>` carries for EXTERNAL (RFC 4422 appendix A, XEP-0178 §3): an authorisation identity in base64, `=` for an empty one.
import { strictUtf8 } from '../strict-utf8.ts'

/** The identity: '' for none, undefined when it is no base64 (RFC 4648 §4, padding included) or no UTF-8. */
export function readAuthorisationIdentity (text: string): string | undefined {
  if (text === '' || text === '=') return ''
  const bytes = fromBase64(text)
  return bytes === undefined ? undefined : strictUtf8(bytes)
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function fromBase64 (text: string): Uint8Array | undefined {
  // A domain has no more than 1023 octets (RFC 7622 §3.2), in base64 no more than 1364.
  if (text.length > 1364 || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  const digits = text.replace(/=+$/, '')
  const bytes = new Uint8Array(Math.floor(digits.length * 3 / 4))
  let bits = 0
  let held = 0
  let at = 0
  for (const digit of digits) {
    bits = ((bits << 6) | ALPHABET.indexOf(digit)) & 0xFFFF
    held += 6
    if (held < 8) continue
    held -= 8
    bytes[at++] = (bits >> held) & 0xFF
  }
  return (bits & ((1 << held) - 1)) === 0 ? bytes : undefined
}
