import type { NetworkInterfaceInfo } from 'node:os'
import { expect, it } from 'vitest'
import { usableFamilies } from './usable-families.ts'

for (const [name, address, families] of [
  ['a global address', '2001:db8::5', [4, 6]],
  ['a link-local address alone', 'fe80::1', [4]],
  ['a unique-local address, which leads to no peer', 'fd00::2', [4]],
  ['loopback alone', '::1', [4]],
] as const) it(`${name} gives ${families.join(' and ')}`, () => expect(usableFamilies([], interfaces(address))).toEqual(families))

it('an IPv6 block that the operator permits is meant to be reached', () => {
  expect(usableFamilies(['fd00::/8'], interfaces('fd00::2'))).toEqual([4, 6])
})

function interfaces (address: string): NodeJS.Dict<NetworkInterfaceInfo[]> {
  return { eth0: [{ address, family: 'IPv6', netmask: 'ffff::', mac: '00:00:00:00:00:00', internal: false, cidr: null, scopeid: 0 }] }
}
