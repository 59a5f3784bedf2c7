// DER as a certificate needs it (X.690 §10): values written whole, and read as far as an issuer's certificate is copied from.

export const SEQUENCE = 0x30, SET = 0x31, INTEGER = 0x02, BOOLEAN = 0x01, BITS = 0x03, OCTETS = 0x04, OID = 0x06, UTF8 = 0x0C, IA5 = 0x16, UTC_TIME = 0x17, GENERALIZED_TIME = 0x18

/** One value: its tag, its length in the shortest form, its content. */
export function der (tag: number, ...content: readonly Uint8Array[]): Buffer {
  const length = content.reduce((sum, piece) => sum + piece.length, 0)
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest & 255)
  const header = length < 0x80 ? [tag, length] : [tag, 0x80 | bytes.length, ...bytes]
  return Buffer.concat([Buffer.from(header), ...content])
}

/** An object identifier, as '1.2.840.10045.4.3.2'. */
export function oid (text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const arcs = [first * 40 + second, ...rest].flatMap(arc => {
    const groups = [arc & 0x7F]
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7F) | 0x80)
    return groups
  })
  return der(OID, Buffer.from(arcs))
}

/** UTCTime up to 2049, GeneralizedTime after it (RFC 5280 §4.1.2.5). Milliseconds since the epoch. */
export function time (at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/\.\d+Z$/, 'Z').replaceAll(/[-:T]/g, '')
  return digits < '2050' ? der(UTC_TIME, Buffer.from(digits.slice(2))) : der(GENERALIZED_TIME, Buffer.from(digits))
}

export type Value = { tag: number, /** With tag and length. */ whole: Buffer, content: Buffer }

/** The values in a row; undefined where the bytes are no DER. */
export function valuesIn (bytes: Buffer): Value[] | undefined {
  const values: Value[] = []
  for (let at = 0; at < bytes.length;) {
    const [tag, first] = [bytes[at], bytes[at + 1]]
    if (tag === undefined || first === undefined) return undefined
    const count = first < 0x80 ? 0 : first & 0x7F
    if (count > 4 || first === 0x80 || at + 2 + count > bytes.length) return undefined
    const length = count === 0 ? first : bytes.readUIntBE(at + 2, count)
    const begin = at + 2 + count
    if (begin + length > bytes.length) return undefined
    values.push({ tag, whole: bytes.subarray(at, begin + length), content: bytes.subarray(begin, begin + length) })
    at = begin + length
  }
  return values
}
