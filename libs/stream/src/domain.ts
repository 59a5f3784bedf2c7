/**
 * Domains in the one form in which they are compared (RFC 7622 §3.2, RFC 5891 §4.4): A-labels, lower case, no final dot. Whatever is no domain
 * has no such form and equals nothing. Compatibility characters (full width, ligatures) are not folded: they never make two names one.
 */

/** The A-label form, or undefined: empty or long labels, spaces, '@', '*', control characters, anything beyond letters, digits, marks, '-' and '_'. */
export function canonicalDomain (text: string): string | undefined {
  if (text.length === 0 || text.length > 1023) return undefined
  const labels: string[] = []
  for (const label of (text.endsWith('.') ? text.slice(0, -1) : text).split('.')) {
    const ascii = toALabel(label)
    if (ascii === undefined) return undefined
    labels.push(ascii)
  }
  const domain = labels.join('.')
  return domain.length <= 253 ? domain : undefined
}

/** The domain of a JID (RFC 7622 §3.1): without what follows the first '/', then without what precedes the first '@'. */
export function domainOf (jid: string): string | undefined {
  const [bare = ''] = jid.split('/', 1)
  return canonicalDomain(bare.slice(bare.indexOf('@') + 1))
}

function toALabel (label: string): string | undefined {
  // Before the loop over its characters: a label of 63 octets has no more than 59 characters.
  if (label.length === 0 || label.length > 63) return undefined
  if (/^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/.test(label)) return label
  const lower = label.normalize('NFC').toLowerCase().normalize('NFC')
  if (!/^[\p{L}\p{M}\p{N}_](?:[\p{L}\p{M}\p{N}_-]*[\p{L}\p{M}\p{N}_])?$/u.test(lower) || /^\p{M}/u.test(lower)) return undefined
  const ascii = /^[\0-\x7F]*$/.test(lower) ? lower : punycode(Array.from(lower, character => character.codePointAt(0) as number))
  return ascii !== undefined && ascii.length <= 63 ? ascii : undefined
}

/** RFC 3492 §6.3, with the prefix of RFC 5890. Quadratic in at most 63 characters. */
function punycode (points: readonly number[]): string | undefined {
  const basic = points.filter(point => point < 0x80)
  let out = String.fromCharCode(...basic) + (basic.length > 0 ? '-' : '')
  let n = 0x80
  let delta = 0
  let bias = 72
  for (let handled = basic.length; handled < points.length;) {
    const next = Math.min(...points.filter(point => point >= n))
    delta += (next - n) * (handled + 1)
    n = next
    for (const point of points) {
      if (point < n) delta++
      if (point !== n) continue
      out += variableLength(delta, bias)
      bias = adapted(delta, handled + 1, handled === basic.length)
      delta = 0
      handled++
    }
    delta++
    n++
  }
  return `xn--${out}`
}

const BASE = 36
const T_MIN = 1
const T_MAX = 26

function variableLength (delta: number, bias: number): string {
  let out = ''
  let left = delta
  for (let k = BASE; ; k += BASE) {
    const threshold = k <= bias ? T_MIN : Math.min(k - bias, T_MAX)
    if (left < threshold) return out + digit(left)
    out += digit(threshold + (left - threshold) % (BASE - threshold))
    left = Math.floor((left - threshold) / (BASE - threshold))
  }
}

function adapted (delta: number, handled: number, first: boolean): number {
  let left = Math.floor(delta / (first ? 700 : 2))
  left += Math.floor(left / handled)
  let k = 0
  for (; left > Math.floor((BASE - T_MIN) * T_MAX / 2); k += BASE) left = Math.floor(left / (BASE - T_MIN))
  return k + Math.floor((BASE - T_MIN + 1) * left / (left + 38))
}

function digit (value: number): string {
  return String.fromCharCode(value < 26 ? value + 97 : value - 26 + 48)
}
