// DER (X.690), as far as certificates need it: definite and shortest lengths, one-byte tags, nothing beyond the input. Failure is undefined, never a throw.

/** One element: its tag byte, where it begins, and where its content lies. */
export type Der = { tag: number, at: number, start: number, end: number }

export const BOOLEAN = 0x01
export const INTEGER = 0x02
export const BIT_STRING = 0x03
export const OCTET_STRING = 0x04
export const OBJECT_IDENTIFIER = 0x06
export const UTF8_STRING = 0x0C
export const IA5_STRING = 0x16
export const UTC_TIME = 0x17
export const GENERALIZED_TIME = 0x18
export const BMP_STRING = 0x1E
export const SEQUENCE = 0x30
export const SET = 0x31

/** Elements of one level beyond this are refused: no certificate in use has more. */
const MOST = 1024

/** The element that begins at `at` and ends at or before `end`. */
export function readDer (bytes: Uint8Array, at: number, end: number): Der | undefined {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined || at + 2 > end || (tag & 0x1F) === 0x1F) return undefined
  if (first < 0x80) return at + 2 + first <= end ? { tag, at, start: at + 2, end: at + 2 + first } : undefined
  const count = first & 0x7F
  if (count === 0 || count > 3 || at + 2 + count > end) return undefined
  let length = 0
  for (let k = 0; k < count; k++) length = length * 256 + (bytes[at + 2 + k] as number)
  const start = at + 2 + count
  const shortest = length >= 0x80 && bytes[at + 2] !== 0
  return shortest && start + length <= end ? { tag, at, start, end: start + length } : undefined
}

/** The one element that fills a range exactly. */
export function onlyDer (bytes: Uint8Array, at: number, end: number): Der | undefined {
  const element = readDer(bytes, at, end)
  return element?.end === end ? element : undefined
}

/** The elements inside one; undefined when they do not fill it exactly. */
export function childrenOfDer (bytes: Uint8Array, parent: Der | undefined): Der[] | undefined {
  if (parent === undefined) return undefined
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
export function oidOf (bytes: Uint8Array, element: Der | undefined): string {
  if (element?.tag !== OBJECT_IDENTIFIER || element.end === element.start || element.end - element.start > 64) return ''
  const arcs: number[] = []
  let arc = 0
  let begun = false
  for (let at = element.start; at < element.end; at++) {
    const byte = bytes[at] as number
    if (!begun && byte === 0x80) return ''
    arc = arc * 128 + (byte & 0x7F)
    if (arc > Number.MAX_SAFE_INTEGER / 256) return ''
    begun = byte >= 0x80
    if (begun) continue
    arcs.push(arc)
    arc = 0
  }
  // One that stops within an arc would read as another, shorter identifier.
  if (begun) return ''
  const [first = 0, ...rest] = arcs
  const top = first < 80 ? Math.floor(first / 40) : 2
  return [top, first - top * 40, ...rest].join('.')
}

/** A small number that is not negative: what path lengths are. */
export function smallIntegerOf (bytes: Uint8Array, element: Der): number | undefined {
  const { tag, start, end } = element
  const first = bytes[start] ?? 0x80
  if (tag !== INTEGER || end === start || end - start > 4 || first >= 0x80 || (end - start > 1 && first === 0 && (bytes[start + 1] as number) < 0x80)) return undefined
  let value = 0
  for (let at = start; at < end; at++) value = value * 256 + (bytes[at] as number)
  return value
}

/** Latin-1 view of the content: what a printable or IA5 string holds. */
export function latin1 (bytes: Uint8Array, { start, end }: Der): string {
  let text = ''
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at] as number)
  return text
}

export function hexOf (bytes: Uint8Array, { start, end }: Der): string {
  let text = ''
  for (let at = start; at < end; at++) text += (bytes[at] as number).toString(16).padStart(2, '0')
  return text
}

/** Whether two elements are the same bytes. */
export function sameDer (bytes: Uint8Array, a: Der, b: Der): boolean {
  if (a.end - a.at !== b.end - b.at) return false
  for (let k = 0; k < a.end - a.at; k++) if (bytes[a.at + k] !== bytes[b.at + k]) return false
  return true
}

/** UTCTime and GeneralizedTime (RFC 5280 §4.1.2.5) as milliseconds since the epoch; NaN when malformed or no such day. */
export function timeOf (bytes: Uint8Array, element: Der): number {
  if ((element.tag !== UTC_TIME && element.tag !== GENERALIZED_TIME) || element.end - element.start > 15) return Number.NaN
  const digits = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(latin1(bytes, element))
  if (digits?.[1]?.length !== (element.tag === UTC_TIME ? 2 : 4)) return Number.NaN
  const [year = 0, ...rest] = digits.slice(1).map(Number)
  const [month = 0, day = 0, hour = 0, minute = 0, second = 0] = rest
  const full = element.tag === GENERALIZED_TIME ? year : year + (year < 50 ? 2000 : 1900)
  const time = new Date(0)
  time.setUTCFullYear(full, month - 1, day)
  time.setUTCHours(hour, minute, second)
  const exists = time.getUTCMonth() === month - 1 && time.getUTCDate() === day && time.getUTCHours() === hour && time.getUTCMinutes() === minute && time.getUTCSeconds() === second
  return exists ? time.getTime() : Number.NaN
}
