// Bytes that the framer has proved, as strings. Nothing here is fit for bytes that it has not.

/** UTF-8 to string. */
export function decodeUtf8 (bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = ''
  let at = from
  while (at < to) {
    const end = pastAscii(bytes, at, to)
    if (end > at) text = text === '' ? asciiText(bytes, at, end) : text + asciiText(bytes, at, end)
    if (end === to) return text
    const byte = bytes[end] as number
    const length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    let point = byte & (0xFF >> (length + 1))
    for (let k = 1; k < length; k++) point = (point << 6) | ((bytes[end + k] as number) & 0x3F)
    text += String.fromCodePoint(point)
    at = end + length
  }
  return text
}

/** An attribute value as an XML processor reports it: references replaced, literal white space made spaces (XML 1.0 §3.3.3). */
export function decodeValue (bytes: Uint8Array, from: number, to: number): string {
  return decodeUtf8(bytes, from, to).replace(/\r\n|[\t\n\r]/g, ' ').replace(REFERENCE, replacement)
}

/** Character data as an XML processor reports it: line ends made line feeds (XML 1.0 §2.11), references replaced. */
export function decodeText (bytes: Uint8Array, from: number, to: number): string {
  return decodeCdata(bytes, from, to).replace(REFERENCE, replacement)
}

/** The content of a CDATA section: line ends made line feeds, nothing replaced. */
export function decodeCdata (bytes: Uint8Array, from: number, to: number): string {
  return decodeUtf8(bytes, from, to).replace(/\r\n?/g, '\n')
}

/** The character that a reference stands for; undefined when it is none of the five names and no numeric reference. */
export function characterOf (reference: string): string | undefined {
  const known = PREDEFINED[reference]
  if (known !== undefined) return known
  const [, hex, decimal] = /^#(?:x([0-9a-fA-F]+)|([0-9]+))$/.exec(reference) ?? []
  const point = hex !== undefined ? Number.parseInt(hex, 16) : decimal !== undefined ? Number(decimal) : Number.NaN
  return point <= 0x10FFFF ? String.fromCodePoint(point) : undefined
}

const PREDEFINED: Record<string, string | undefined> = Object.assign(Object.create(null), { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" })
const REFERENCE = /&([^;]+);/g

function replacement (_: string, name: string): string {
  return characterOf(name) ?? ''
}

function pastAscii (bytes: Uint8Array, at: number, to: number): number {
  let end = at
  while (end < to && (bytes[end] as number) < 0x80) end++
  return end
}

/** ASCII to string. Short ones, an address or an id, are made faster from a few bytes at a time than from a view. */
export function asciiText (b: Uint8Array, from: number, to: number): string {
  let text = ''
  let at = from
  for (; at + 64 <= to; at += Math.min(to - at, 4096)) text += String.fromCharCode.apply(null, b.subarray(at, Math.min(to, at + 4096)) as unknown as number[])
  for (; at + 16 <= to; at += 16) text += sixteen(b, at)
  if (at + 8 <= to) {
    text += eight(b, at)
    at += 8
  }
  if (at + 4 <= to) {
    text += four(b, at)
    at += 4
  }
  for (; at < to; at++) text += String.fromCharCode(b[at] as number)
  return text
}

function sixteen (b: Uint8Array, at: number): string {
  return String.fromCharCode(
    b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!, b[at + 6]!, b[at + 7]!,
    b[at + 8]!, b[at + 9]!, b[at + 10]!, b[at + 11]!, b[at + 12]!, b[at + 13]!, b[at + 14]!, b[at + 15]!,
  )
}

function eight (b: Uint8Array, at: number): string {
  return String.fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!, b[at + 4]!, b[at + 5]!, b[at + 6]!, b[at + 7]!)
}

function four (b: Uint8Array, at: number): string {
  return String.fromCharCode(b[at]!, b[at + 1]!, b[at + 2]!, b[at + 3]!)
}
