// Addresses as numbers: equality whatever the spelling (RFC 5952), and the special-purpose ranges (IANA registries of RFC 6890).

/** A range of addresses that public DNS should not name. Documentation ranges are ordinary: examples and tests use them. */
type Range = { bytes: readonly number[], bits: number, what: string }

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

/** Whether the address lies in a block such as 10.0.0.0/8 or fd00::/8, or is the one that is named; never in what is no block. */
export function isInBlock (address: string, block: string): boolean {
  const [text = '', length = '128'] = block.split('/')
  const [bytes, start] = [addressBytes(address), addressBytes(text)]
  return bytes !== undefined && start !== undefined && /^\d{1,3}$/.test(length) && isWithin(bytes, { bytes: start, bits: Number(length), what: block })
}

/** What makes an address unreachable from the Internet, in a word or two; undefined for an ordinary one. */
export function specialPurpose (text: string): string | undefined {
  const bytes = addressBytes(text)
  return bytes === undefined ? undefined : RANGES.find(range => isWithin(bytes, range))?.what
}

const RANGES: readonly Range[] = [
  ['0.0.0.0', 8, 'this network'], ['10.0.0.0', 8, 'private'], ['100.64.0.0', 10, 'carrier-grade NAT'], ['127.0.0.0', 8, 'loopback'], ['169.254.0.0', 16, 'link-local'],
  ['172.16.0.0', 12, 'private'], ['192.0.0.0', 24, 'protocol assignments'], ['192.168.0.0', 16, 'private'], ['198.18.0.0', 15, 'benchmarking'], ['224.0.0.0', 4, 'multicast'], ['240.0.0.0', 4, 'reserved'],
  ['::', 128, 'unspecified'], ['::1', 128, 'loopback'], ['fc00::', 7, 'unique local'], ['fe80::', 10, 'link-local'], ['fec0::', 10, 'site-local'], ['ff00::', 8, 'multicast'],
].map(([text, bits, what]) => ({ bytes: addressBytes(String(text)) ?? [], bits: Number(bits), what: String(what) }))

function isWithin (bytes: readonly number[], range: Range): boolean {
  if (bytes.length !== range.bytes.length) return false
  return range.bytes.every((byte, at) => {
    const bits = Math.max(0, Math.min(8, range.bits - at * 8))
    const mask = (0xFF << (8 - bits)) & 0xFF
    return (byte & mask) === ((bytes[at] ?? 0) & mask)
  })
}

function fourBytes (text: string): number[] | undefined {
  if (!/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return undefined
  const bytes = text.split('.').map(Number)
  return bytes.every(byte => byte < 256) ? bytes : undefined
}

function bytesOf (groups: readonly string[]): number[] {
  return groups.flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255])
}
