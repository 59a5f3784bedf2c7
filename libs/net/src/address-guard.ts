// Addresses that come from DNS are hostile: what may not be connected to, unless the operator allows its network.
import { BlockList, isIP } from 'node:net'
import { OperatorError, quoted } from '@dialtone/kernel'
import { createKept } from './kept.ts'

/** IANA special-purpose registries, as far as a connection to them reaches what DNS should not name. Documentation ranges are ordinary. */
const REFUSED: readonly [string, string][] = [
  ['0.0.0.0/8', 'this network'], ['10.0.0.0/8', 'private'], ['100.64.0.0/10', 'carrier-grade NAT'], ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local or metadata'], ['172.16.0.0/12', 'private'], ['192.0.0.0/24', 'protocol assignments'], ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'benchmarking'], ['224.0.0.0/4', 'multicast'], ['240.0.0.0/4', 'reserved'],
  ['::/128', 'unspecified'], ['::1/128', 'loopback'], ['fc00::/7', 'unique local'], ['fe80::/10', 'link-local'], ['fec0::/10', 'site-local'], ['ff00::/8', 'multicast'],
]
const LISTS = REFUSED.map(([block, what]) => ({ what, block, list: listOf([block]) }))
const allowed = createKept<BlockList>({ most: 1000 })

/** Why an address is refused, or undefined. An IPv4 address inside an IPv6 one (mapped, 6to4, NAT64) is judged as both. */
export function guarded (address: string, allowNets: readonly string[]): string | undefined {
  // What is no address would be looked up by the system, past the resolver that was named and past this guard.
  if (isIP(address) === 0) return `${quoted(address, 60)} is no address`
  for (const form of [address, ...embedded(address)]) {
    const family = isIP(form) === 6 ? 'ipv6' : 'ipv4'
    const hit = LISTS.find(({ list }) => list.check(form, family))
    if (hit !== undefined && !allowList(allowNets).check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')) return `${address} is ${hit.what} (${hit.block})`
  }
  return undefined
}

/** A CIDR block, or one address. Throws OperatorError when it is none. */
export function parseCidr (text: string): { address: string, prefix: number, family: 'ipv4' | 'ipv6' } {
  const [address = '', digits, ...more] = text.split('/')
  const version = isIP(address)
  const most = version === 6 ? 128 : 32
  const prefix = digits === undefined ? most : /^\d{1,3}$/.test(digits) ? Number(digits) : Number.NaN
  if (version === 0 || more.length > 0 || !(prefix >= 0 && prefix <= most)) throw new OperatorError('usage', `--allow-net '${quoted(text, 60)}' is no network: write one like 10.0.0.0/8 or fd00::/8`)
  return { address, prefix, family: version === 6 ? 'ipv6' : 'ipv4' }
}

function allowList (allowNets: readonly string[]): BlockList {
  const key = allowNets.join(' ')
  const known = allowed.get(key)
  if (known !== undefined) return known
  const list = listOf(allowNets)
  allowed.set(key, list)
  return list
}

function listOf (blocks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const block of blocks) {
    const { address, prefix, family } = parseCidr(block)
    list.addSubnet(address, prefix, family)
  }
  return list
}

/** The IPv4 addresses that an IPv6 address carries: mapped (::ffff/96), NAT64 (64:ff9b::/96), 6to4 (2002::/16). */
function embedded (address: string): string[] {
  if (isIP(address) !== 6) return []
  const groups = expand(address)
  const v4 = (high: number, low: number) => `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
  const head = groups.slice(0, 6).map(group => group.toString(16)).join(':')
  if (head === '0:0:0:0:0:ffff' || head === '64:ff9b:0:0:0:0' || head === '0:0:0:0:0:0') return [v4(groups[6] ?? 0, groups[7] ?? 0)]
  return groups[0] === 0x2002 ? [v4(groups[1] ?? 0, groups[2] ?? 0)] : []
}

function expand (address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const plain = dotted === null ? address : `${dotted[1]}${(Number(dotted[2]) * 256 + Number(dotted[3])).toString(16)}:${(Number(dotted[4]) * 256 + Number(dotted[5])).toString(16)}`
  const [left = '', right] = (plain.split('%')[0] ?? '').split('::')
  const head = left === '' ? [] : left.split(':')
  const tail = right === undefined || right === '' ? [] : right.split(':')
  const zeros = right === undefined ? [] : Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0')
  return [...head, ...zeros, ...tail].map(group => Number.parseInt(group, 16))
}
