import { isIP } from 'node:net'
import { array, assert, constantFrom, ipV4, ipV6, nat, oneof, property, string, tuple } from 'fast-check'
import { expect, it } from 'vitest'
import type { ZoneSpec } from '@dialtone/contracts'
import { isAddress, isBlock } from './addresses.ts'
import { lintGateways } from './lint.ts'

const soup = array(constantFrom(':', '::', '.', '0', '1', '25', '255', '256', '01', 'f', 'ffff', 'fffff', 'g', '192.0.2.1', ''), { maxLength: 12 }).map(parts => parts.join(''))
const cut = tuple(oneof(ipV4(), ipV6()), nat(45), constantFrom('', ':', '.', '0', '1', 'f')).map(([address, at, put]) => address.slice(0, at) + put + address.slice(at + 1))

it('tells addresses as the platform does', () => {
  assert(property(oneof(ipV4(), ipV6(), soup, cut, string()), text => {
    if (!text.includes('%')) expect([text, isAddress(text)]).toEqual([text, isIP(text) !== 0])
  }), { numRuns: 5000 })
})

it('tells blocks', () => {
  for (const block of ['10.0.0.0/8', '0.0.0.0/0', '192.0.2.1/32', 'fd00::/8', '::/0', '::1/128', '::ffff:10.0.0.0/104']) expect(isBlock(block), block).toBe(true)
  for (const none of ['10.0.0.0', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8/8', '10.0.0/8', 'fd00::/129', 'fd00:/8', '/8', 'x/8', '10.0.0.0/0x8']) expect(isBlock(none), none).toBe(false)
})

it('finds them wherever they stand', () => {
  const listen = (address: string, port: number) => [{ address, port }]
  const outside: ZoneSpec = { name: 'outside', side: 'external', listen: listen('192.0.2.999', 5269), sourceAddress: '1.1.1.1.1', resolver: { address: 'fe80::g' }, from: ['::/129'], proxies: ['10.0.0.0/8', '10.0.0/8'] }
  const inside: ZoneSpec = {
    name: 'inside', side: 'internal', listen: listen('10.0.0.1', 5269), allowNets: ['300.0.0.0/8'], components: { accept: { listen: listen('10.0.0', 5347), domains: { 'sms.example': 'file:/s' } } },
    responder: { listen: listen('10.0.0.256', 53), clients: ['10.0.0.0/33'], gateway: { name: 'gw.example', addresses: ['1.2.3'] }, forwardTo: listen(':::', 53) },
  }
  const found = [...lintGateways({ gateways: [{ name: 'gw', spec: { desired: 'running', zones: [outside, inside] } }], policies: [], routes: [], domains: [], peers: [{ name: 'p.example', spec: { allowNets: ['1.1.1.1/'] } }], complete: true }, 0)]
  expect(found.filter(({ code }) => code === 'no-address' || code === 'no-block').map(({ resource, pointer }) => `${resource}${pointer}`)).toEqual([
    ...['listen/0/address', 'resolver/address', 'sourceAddress', 'from/0', 'proxies/1'].map(path => `Gateway/gw/spec/zones/0/${path}`),
    ...['components/accept/listen/0/address', 'responder/listen/0/address', 'responder/forwardTo/0/address', 'responder/gateway/addresses/0', 'allowNets/0', 'responder/clients/0'].map(path => `Gateway/gw/spec/zones/1/${path}`),
    'Peer/p.example/spec/allowNets/0',
  ])
})
