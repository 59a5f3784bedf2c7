import { isIP } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressBytes } from './address.ts'

describe('an address is what the platform takes for one', () => {
  const groups = fc.array(fc.constantFrom('0', '1', 'ff', '2001', 'db8', 'abcd', '12345', '', 'g', '10.0.0.1', '1.2.3'), { minLength: 1, maxLength: 9 })
  const dotted = fc.array(fc.constantFrom('0', '1', '10', '255', '256', '01', '001', '', 'x', '-1', ' 1'), { minLength: 1, maxLength: 5 })
  it.each([['IPv6', groups, ':'], ['IPv4', dotted, '.']] as const)('%s', (_, parts, between) => {
    fc.assert(fc.property(parts, list => {
      const text = list.join(between)
      expect({ text, address: addressBytes(text) !== undefined }).toEqual({ text, address: isIP(text) !== 0 })
    }), { numRuns: 20_000 })
  })
  it.each(['127.0.0.1', '::', '::1', '1::', '2001:db8::1', '::ffff:192.0.2.1', 'fe80::1%eth0', '1:2:3:4:5:6:7:8', '1:2:3:4:5:6:192.0.2.1'])('%s is one', text => expect(addressBytes(text)).toBeDefined())
  it.each(['127.0.0.001', '1.2.3', '0x7f.1', '1::2::3', ':::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '::1.2.3', 'localhost', '', '[::1]'])('%s is none', text => expect(addressBytes(text)).toBeUndefined())
})
