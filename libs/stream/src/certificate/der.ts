// DER (X.690), as far as certificates need it: definite lengths, bounded depth, nothing beyond the input. Failure is undefined, never a throw.

/** One element: its tag byte, and where its content lies. */
export type Der = { tag: number, start: number, end: number }

export const SEQUENCE = 0x30
export const SET = 0x31
export const INTEGER = 0x02
export const BIT_STRING = 0x03
export const OCTET_STRING = 0x04
export const OBJECT_IDENTIFIER = 0x06
export const BOOLEAN = 0x01

/** Elements of one level beyond this are refused: no certificate in use has more. */
const MOST = 1024

/** The element that begins at `at` and ends at or before `end`. */
export function readDer (bytes: Uint8Array, at: number, end: number): Der | undefined {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined || at + 2 > end || (tag & 0x1F) === 0x1F) return undefined
  if (first < 0x80) return at + 2 + first <= end ? { tag, start: at + 2, end: at + 2 + first } : undefined
  const count = first & 0x7F
  if (count === 0 || count > 3 || at + 2 + count > end) return undefined
  let length = 0
  for (let k = 0; k < count; k++) length = length * 256 + (bytes[at + 2 + k] as number)
  const start = at + 2 + count
  return start + length <= end ? { tag, start, end: start + length } : undefined
}

/** The elements inside one; undefined when they do not fill it exactly. */
export function childrenOfDer (bytes: Uint8Array, parent: Der): Der[] | undefined {
  const found: Der[] = []
  for (let at = parent.start; at < parent.end;) {
    const child = readDer(bytes, at, parent.end)
    if (child === undefined || found.length >= MOST) return undefined
    found.push(child)
    at = child.end
  }
  return found
}

/** An object identifier in dotted form; '' when it is none. */
export function oidOf (bytes: Uint8Array, { tag, start, end }: Der): string {
  if (tag !== OBJECT_IDENTIFIER || end === start || end - start > 64) return ''
  const arcs: number[] = []
  let arc = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number
    arc = arc * 128 + (byte & 0x7F)
    if (arc > Number.MAX_SAFE_INTEGER / 256) return ''
    if (byte < 0x80) {
      arcs.push(arc)
      arc = 0
    }
  }
  const [first = 0, ...rest] = arcs
  const top = first < 80 ? Math.floor(first / 40) : 2
  return [top, first - top * 40, ...rest].join('.')
}

/** Latin-1 view of the content: what a printable or IA5 string holds, and for UTF-8 its bytes. */
export function latin1 (bytes: Uint8Array, { start, end }: Der): string {
  let text = ''
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] as number)
  return text
}

/** UTCTime and GeneralizedTime (RFC 5280 §4.1.2.5) as milliseconds since the epoch; NaN when malformed. */
export function timeOf (bytes: Uint8Array, element: Der): number {
  const text = latin1(bytes, element)
  const [, year, month, day, hour, minute, second] = (element.tag === 0x17 ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/).exec(text) ?? []
  if (year === undefined || (element.tag !== 0x17 && element.tag !== 0x18)) return Number.NaN
  const full = element.tag === 0x18 ? Number(year) : Number(year) + (Number(year) < 50 ? 2000 : 1900)
  return Date.UTC(full, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
}
