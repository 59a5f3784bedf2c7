import { describe, expect, it } from 'vitest'
import type { Failure, Observation } from '@dialtone/contracts'
import { answer, asked, at, endpoint, observation, srv } from '../test-support/observation.ts'
import { casesOf, detailsOf } from '../test-support/cases.ts'
import { addressExpected } from './address-expected.ts'
import { addressFamilies } from './address-families.ts'
import { addressPublic } from './address-public.ts'
import { addressBytes, sameAddress } from '@dialtone/discovery'
import { specialPurpose } from './special-purpose.ts'
import { familyWorks } from './family-works.ts'

const REFUSED: Failure = { at: 'tcp', why: 'refused' }

it.each(casesOf(addressFamilies, {
  both: { 'two families': found('192.0.2.1', '2001:db8::1') },
  'ipv4-only': { 'IPv4': asked(answer('target', [at('192.0.2.1')]), answer('target', 'nodata', { type: 'AAAA' })) },
  'ipv6-only': { 'IPv6': asked(answer('target', 'nodata'), answer('target', [at('2001:db8::1')], { type: 'AAAA' })) },
  'not-known': { 'no answer about IPv6': asked(answer('target', [at('192.0.2.1')]), answer('target', 'timeout', { type: 'AAAA' })), 'no answer at all': asked(answer('target', 'servfail')) },
}))('%s', (_, outcome, seen) => expect(seen()).toEqual([outcome]))

it.each(casesOf(familyWorks, {
  both: { 'two headers': families(undefined, undefined) },
  'ipv6-dead': { 'IPv6 refuses': families(undefined, REFUSED) },
  'ipv4-dead': { 'IPv4 is dropped': families({ at: 'tcp', why: 'timeout' }, undefined) },
  neither: { 'both refuse': families(REFUSED, REFUSED) },
  'not-tested': { 'a vantage without IPv6': families(undefined, { at: 'probe', why: 'no-address-family' }), 'addresses that the guard refuses': families({ at: 'guard', why: 'address-refused' }, { at: 'guard', why: 'address-refused' }) },
}))('%s', (_, outcome, seen) => expect(seen()).toEqual([outcome]))

it.each(casesOf(addressExpected, {
  expected: { 'the same address, written otherwise': { seen: found('2001:db8::1'), expecting: { expectedAddresses: ['2001:0DB8:0:0::0001'] } } },
  missing: { 'one of two': { seen: found('192.0.2.1'), expecting: { expectedAddresses: ['192.0.2.1', '192.0.2.2'] } } },
  unexpected: { 'another': { seen: found('192.0.2.9', '192.0.2.1'), expecting: { expectedAddresses: ['192.0.2.1'] } } },
  'not-known': {
    'no answer': { seen: asked(answer('target', 'timeout')), expecting: { expectedAddresses: ['192.0.2.1'] } },
    'no answer about the family of the missing one': { seen: asked(answer('target', [at('192.0.2.1')]), answer('target', 'timeout', { type: 'AAAA' })), expecting: { expectedAddresses: ['192.0.2.1', '2001:db8::1'] } },
  },
}))('%s', (_, outcome, seen) => expect(seen()).toEqual([outcome]))

it('s2s.address-expected says nothing where nothing is expected', () => expect(detailsOf(addressExpected, found('192.0.2.1'))).toEqual([]))

it.each(casesOf(addressPublic, {
  public: { 'documentation addresses': found('192.0.2.1', '2001:db8::1') },
  permitted: { 'a private address of a permitted network': { ...found('192.0.2.1', '10.0.0.1'), asked: { ...found().asked, allowNets: ['10.0.0.0/8'] } } },
  private: {
    'a private address beside a public one': found('192.0.2.1', '10.0.0.1'),
    'one beside another that is permitted': { ...found('10.0.0.1', '127.0.0.1'), asked: { ...found().asked, allowNets: ['10.0.0.1'] } },
  },
  'not-known': { 'no answer': asked(answer('target', 'timeout')) },
}))('%s', (_, outcome, seen) => expect(seen()).toEqual([outcome]))

it('s2s.address-public names the range', () => expect(detailsOf(addressPublic, found('10.0.0.1', 'fd00::1'))).toEqual(['10.0.0.1 (private), fd00::1 (unique local)']))

describe('an address', () => {
  for (const [text, what] of [
    ['10.255.0.1', 'private'], ['172.15.0.1', undefined], ['172.16.0.1', 'private'], ['172.31.255.255', 'private'], ['172.32.0.1', undefined], ['100.64.0.1', 'carrier-grade NAT'], ['100.128.0.1', undefined],
    ['169.254.169.254', 'link-local'], ['127.0.0.1', 'loopback'], ['0.0.0.0', 'this network'], ['198.19.0.1', 'benchmarking'], ['224.0.0.1', 'multicast'], ['255.255.255.255', 'reserved'], ['192.0.2.1', undefined],
    ['::', 'unspecified'], ['::1', 'loopback'], ['fe80::1%eth0', 'link-local'], ['fd12::1', 'unique local'], ['ff02::1', 'multicast'], ['2001:db8::1', undefined], ['::ffff:10.0.0.1', 'private'], ['::ffff:a00:1', 'private'],
    ['no address', undefined],
  ] as const) it(`${text} is ${what ?? 'ordinary'}`, () => expect(specialPurpose(text)).toBe(what))

  it('is the same however it is written', () => {
    expect(sameAddress('2001:db8::1', '2001:0db8:0000::0:1')).toBe(true)
    expect(sameAddress('::ffff:192.0.2.1', '192.0.2.1')).toBe(true)
    expect(sameAddress('192.0.2.1', '192.0.2.2')).toBe(false)
    expect(sameAddress('x', 'x')).toBe(true)
  })

  for (const text of ['', '1.2.3', '1.2.3.256', '1:2', '1::2::3', '1:2:3:4:5:6:7:8:9', '::g', ':::', '1:2:3:4:5:6:7::8', '12345::']) it(`is not '${text}'`, () => expect(addressBytes(text)).toBeUndefined())
})

function found (...addresses: string[]): Observation {
  return asked(answer('xmpp-server', [srv('xmpp.partner.example')]), ...addresses.map(address => answer('target', [at(address)], { type: address.includes(':') ? 'AAAA' : 'A' })))
}

/** One endpoint of each family: working, or failing at the connect. */
function families (four: Failure | undefined, six: Failure | undefined): Observation {
  const of = (address: string, failure: Failure | undefined) => endpoint({ address }, failure === undefined ? undefined : { at: 'tcp', failure })
  return observation({ endpoints: [of('192.0.2.1', four), of('2001:db8::1', six)] })
}
