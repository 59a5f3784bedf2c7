/**
 * Whom a responder answers. It forwards questions of its clients to resolvers, and what anybody may ask is an open resolver: others use it to multiply traffic with forged senders
 * (RFC 5358).
 */
import type { LintFinding } from '@dialtone/contracts'
import { PRIVATE_NETS } from '../defaults.ts'
import { isBlock } from './addresses.ts'
import { addressKey } from './sockets.ts'
import { finding, zonesOf, type LintRule } from './subject.ts'

/** Link-local senders are on the same wire. */
const INSIDE = [...PRIVATE_NETS, '169.254.0.0/16', 'fe80::/10']

export const responderRules: LintRule = function * ({ gateways }) {
  for (const { name, spec } of gateways) {
    for (const [at, zone] of zonesOf(spec).entries()) {
      for (const [i, block] of (zone.responder?.clients ?? []).entries()) {
        if (isBlock(block)) yield * clients(`Gateway/${name}`, `/spec/zones/${at}/responder/clients/${i}`, block, zone.name)
      }
    }
  }
}

function * clients (self: string, pointer: string, block: string, zone: string): Generator<LintFinding> {
  const { bits, wide } = prefixOf(block)
  if (bits === '') yield finding('error', 'open-resolver', self, pointer, `the responder of zone '${zone}' would be an open resolver: '${block}' is every address, and anybody could use it against others; name the networks of the inside servers alone`)
  else if (!INSIDE.some(net => within({ bits, wide }, prefixOf(net)))) yield finding('warning', 'public-clients', self, pointer, `'${block}' is not private: to whoever else has such an address the responder of zone '${zone}' would be an open resolver; name the networks of the inside servers alone, and let no other traffic from there reach it`)
}

/** The bits that count of a block, as text, and how many its addresses have. An IPv4 block inside IPv6 (RFC 4291 §2.5.5.2) is itself. */
function prefixOf (block: string): { bits: string, wide: 32 | 128 } {
  const [address = '', length = ''] = block.split('/')
  const key = addressKey(address)
  if (!key.includes(':')) return { bits: binary(key.split('.'), 10, 8).slice(0, Number(length) - (address.includes(':') ? 96 : 0)), wide: 32 }
  const bits = binary(key.split(':'), 16, 16).slice(0, Number(length))
  return bits.startsWith(MAPPED) ? { bits: bits.slice(MAPPED.length), wide: 32 } : { bits, wide: 128 }
}

const MAPPED = '0'.repeat(80) + '1'.repeat(16)

function binary (parts: readonly string[], radix: number, width: number): string {
  return parts.map(part => parseInt(part, radix).toString(2).padStart(width, '0')).join('')
}

function within (inner: ReturnType<typeof prefixOf>, outer: ReturnType<typeof prefixOf>): boolean {
  return inner.wide === outer.wide && inner.bits.startsWith(outer.bits)
}
