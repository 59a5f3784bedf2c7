// Literal addresses as numbers, strictly as they are written in DNS and by people (RFC 4291 §2.2, RFC 5952); no octal, no hexadecimal, no name.

/** 4 or 16 bytes, or undefined when the text is no address. An IPv4-mapped address gives its 4 bytes: it is one and the same host. */
export function addressBytes (text: string): number[] | undefined {
  if (!text.includes(':')) return fourBytes(text)
  const [bare = ''] = text.split('%')
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(bare)
  const tail = dotted === null ? [] : fourBytes(dotted[2] ?? '')
  if (tail === undefined) return undefined
  const head = dotted === null ? bare : (dotted[1] ?? '').replace(/([^:]):$/, '$1')
  const halves = head.split('::')
  if (halves.length > 2) return undefined
  const [left, right] = halves.map(half => half === '' ? [] : half.split(':'))
  const groups = [...left ?? [], ...right ?? []]
  if (!groups.every(group => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  const missing = 8 - tail.length / 2 - groups.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const bytes = [...bytesOf(left ?? []), ...Array.from({ length: missing * 2 }, () => 0), ...bytesOf(right ?? []), ...tail]
  return bytes.slice(0, 10).every(byte => byte === 0) && bytes[10] === 0xFF && bytes[11] === 0xFF ? bytes.slice(12) : bytes
}

/** The same host, however it is written. What is no address equals only itself. */
export function sameAddress (a: string, b: string): boolean {
  return a === b || (addressBytes(a)?.join('.') ?? a) === (addressBytes(b)?.join('.') ?? b)
}

function fourBytes (text: string): number[] | undefined {
  if (!/^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/.test(text)) return undefined
  const bytes = text.split('.').map(Number)
  return bytes.every(byte => byte < 256) ? bytes : undefined
}

function bytesOf (groups: readonly string[]): number[] {
  return groups.flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255])
}
