// Bytes that the framer has proved, as strings. Nothing here is fit for bytes that it has not.

/** UTF-8 to string. */
export function decodeUtf8 (bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = ''
  for (let at = from; at < to;) {
    let byte = bytes[at] as number
    let end = at
    while (end < to && end - at < 4096 && (byte = bytes[end] as number) < 0x80) end++
    if (end > at) {
      text += String.fromCharCode.apply(null, bytes.subarray(at, end) as unknown as number[])
      at = end
      continue
    }
    const length = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    let point = byte & (0xFF >> (length + 1))
    for (let k = 1; k < length; k++) point = (point << 6) | ((bytes[at + k] as number) & 0x3F)
    text += String.fromCodePoint(point)
    at += length
  }
  return text
}

/** An attribute value as an XML processor reports it: references replaced, literal white space made spaces (XML 1.0 §3.3.3). */
export function decodeValue (bytes: Uint8Array, from: number, to: number): string {
  const raw = decodeUtf8(bytes, from, to)
  if (!/[&\t\n\r]/.test(raw)) return raw
  return raw.replace(/\r\n|[\t\n\r]/g, ' ').replace(/&([^;]+);/g, (_, name: string) => characterOf(name) ?? '')
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
