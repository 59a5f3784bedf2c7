/** Addresses and blocks: the shape that a schema asks for is not yet an address, and what is none would stop a listener or a guard in the middle of something. */
import type { GatewaySpec, LintFinding } from '@dialtone/contracts'
import { finding, zonesOf, type LintRule } from './subject.ts'

/** An IPv4 address in four decimal numbers, or an IPv6 address (RFC 4291 §2.2) without a zone. */
export function isAddress (text: string): boolean {
  return text.includes(':') ? isSix(text) : isFour(text)
}

/** An address, a slash, and how many of its bits count. */
export function isBlock (text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/')
  return more.length === 0 && isAddress(address) && /^\d{1,3}$/.test(bits) && Number(bits) <= (address.includes(':') ? 128 : 32)
}

function isFour (text: string): boolean {
  return /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?!$)|$)){4}$/.test(text)
}

function isSix (text: string): boolean {
  const last = text.lastIndexOf(':')
  const dotted = text.includes('.')
  if (dotted && !isFour(text.slice(last + 1))) return false
  const [left = '', right, ...more] = (dotted ? `${text.slice(0, last)}:0:0` : text).split('::')
  const groups = [left, ...right === undefined ? [] : [right]].flatMap(half => half === '' ? [] : half.split(':'))
  return more.length === 0 && groups.every(group => /^[0-9a-f]{1,4}$/i.test(group)) && (right === undefined ? groups.length === 8 : groups.length < 8)
}

export const addressRules: LintRule = function * ({ gateways, domains, peers }) {
  for (const { name, spec } of gateways) {
    for (const [pointer, text, block] of places(spec)) {
      if (block ? isBlock(text) : isAddress(text)) continue
      yield bad(`Gateway/${name}`, pointer, text, block)
    }
  }
  for (const [kind, list] of [['Domain', domains], ['Peer', peers]] as const) {
    for (const { name, spec: { allowNets = [] } } of list) for (const [i, block] of allowNets.entries()) if (!isBlock(block)) yield bad(`${kind}/${name}`, `/spec/allowNets/${i}`, block, true)
  }
}

function bad (self: string, pointer: string, text: string, block: boolean): LintFinding {
  return block
    ? finding('error', 'no-block', self, pointer, `'${text}' is no block of addresses; write one like 10.0.0.0/8 or fd00::/8`)
    : finding('error', 'no-address', self, pointer, `'${text}' is no IPv4 or IPv6 address; write one like 192.0.2.1 or 2001:db8::1`)
}

function * places (spec: GatewaySpec): Generator<[pointer: string, text: string, block: boolean]> {
  for (const [at, { listen, components, responder, resolver, sourceAddress, from, proxies, allowNets }] of zonesOf(spec).entries()) {
    const pointer = `/spec/zones/${at}`
    for (const [path, list] of [['listen', listen], ['components/accept/listen', components?.accept?.listen], ['responder/listen', responder?.listen], ['responder/forwardTo', responder?.forwardTo]] as const) {
      for (const [i, { address }] of (list ?? []).entries()) yield [`${pointer}/${path}/${i}/address`, address, false]
    }
    for (const [i, address] of (responder?.gateway.addresses ?? []).entries()) yield [`${pointer}/responder/gateway/addresses/${i}`, address, false]
    if (resolver !== undefined) yield [`${pointer}/resolver/address`, resolver.address, false]
    if (sourceAddress !== undefined) yield [`${pointer}/sourceAddress`, sourceAddress, false]
    for (const [path, list] of [['from', from], ['proxies', proxies], ['allowNets', allowNets], ['responder/clients', responder?.clients]] as const) {
      for (const [i, block] of (list ?? []).entries()) yield [`${pointer}/${path}/${i}`, block, true]
    }
  }
}
