import type { Plan, PlannedEndpoint } from '@dialtone/discovery'
import { describe, expect, it } from 'vitest'
import { published } from './published.ts'

const at = (address: string, port = 5269): PlannedEndpoint => ({ kind: 'starttls', source: 'srv', target: 'xmpp.ours.example', address, family: address.includes(':') ? 6 : 4, port })
const planOf = (outcome: Plan['outcome'], ...endpoints: PlannedEndpoint[]): Plan => ({ outcome, endpoints, leftOut: 0 })

describe('the records of the probe\'s domain', () => {
  for (const [name, place, publicAddresses, plan, expected] of [
    ['lead here', '192.0.2.1', [], planOf('srv', at('192.0.2.1')), 'leads-here'],
    ['lead here among others', '192.0.2.1', [], planOf('srv', at('192.0.2.9'), at('192.0.2.1')), 'leads-here'],
    ['lead here, written otherwise', '2001:db8:0::1', [], planOf('srv', at('2001:DB8::1')), 'leads-here'],
    ['lead to another port here', '192.0.2.1', [], planOf('srv', at('192.0.2.1', 5270)), 'elsewhere'],
    ['lead to another host', '192.0.2.1', [], planOf('srv', at('192.0.2.2')), 'elsewhere'],
    ['lead through a NAT, whatever the port', '10.0.0.1', ['192.0.2.7'], planOf('srv', at('192.0.2.7', 443)), 'leads-here'],
    ['lead past the NAT', '10.0.0.1', ['192.0.2.7'], planOf('srv', at('192.0.2.8')), 'elsewhere'],
    ['lead to one of our addresses, where we listen on all of them', '0.0.0.0', [], planOf('srv', at('192.0.2.1')), 'leads-here'],
    ['lead to one of our addresses, where we listen on all of IPv6', '::', [], planOf('srv', at('192.0.2.1')), 'leads-here'],
    ['lead to an address that is not ours, where we listen on all of them', '0.0.0.0', [], planOf('srv', at('192.0.2.77')), 'elsewhere'],
    ['may lead through a NAT that nobody named', '10.0.0.1', [], planOf('srv', at('192.0.2.77')), 'unknown'],
    ['lead to another address than is named for every address', '::', ['2001:db8::7'], planOf('srv', at('2001:db8::8')), 'elsewhere'],
    ['lead to none of our ports', '0.0.0.0', [], planOf('srv', at('192.0.2.1', 5270)), 'elsewhere'],
    ['lead nowhere', '192.0.2.1', [], planOf('nxdomain'), 'nowhere'],
    ['are not known', '192.0.2.1', [], planOf('servfail'), 'unknown'],
    ['were not answered', '192.0.2.1', [], planOf('unanswered'), 'unknown'],
    ['have no resolver to ask', '192.0.2.1', [], planOf('resolver-unavailable'), 'unknown'],
  ] as const) {
    it(name, () => {
      const seen = published({ domain: 'ours.example', places: [{ address: place, port: 5269, kind: 'starttls' }] }, publicAddresses, { dns: [], plan }, ['127.0.0.1', '::1', '192.0.2.1'])
      expect(seen).toMatchObject({ domain: 'ours.example', published: expected, places: [place.includes(':') ? `[${place}]:5269` : `${place}:5269`] })
    })
  }

  it('may lead through a NAT to a machine without a public address', () => {
    const seen = (local: string[]) => published({ domain: 'ours.example', places: [{ address: '::', port: 5269, kind: 'starttls' }] }, [], { dns: [], plan: planOf('srv', at('192.0.2.77')) }, local).published
    expect(seen(['127.0.0.1', '::1', 'fe80::1', '192.168.1.4'])).toBe('unknown')
    expect(seen(['127.0.0.1', '192.168.1.4', '192.0.2.5'])).toBe('elsewhere')
  })
})
