// The special-purpose ranges of addresses (IANA registries of RFC 6890).
import { addressBytes } from '@dialtone/discovery'

/** A range of addresses that public DNS should not name. Documentation ranges are ordinary: examples and tests use them. */
type Range = { bytes: readonly number[], bits: number, what: string }

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
