import type { ConfigurationView, GatewaySpec } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { createExpectations } from './expectations.ts'
import { usualConfiguration } from './test-support/rig.ts'

const inside = (...domains: string[]): NonNullable<GatewaySpec['zones']> => [{ name: 'world', side: 'external', listen: [] }, { name: 'plant', side: 'internal', listen: [], domains }]

for (const [what, gateways, stopped] of [
  ['a gateway that runs', { edge: { desired: 'running', zones: inside('edge.example') } }, []],
  ['a gateway that drains stops the domains behind it, and no other', { edge: { desired: 'draining', zones: inside('edge.example') } }, ['edge.example', 'edge.example partner.example']],
  ['one behind which all of ours are', { edge: { desired: 'stopped', zones: inside('*.example') } }, ['edge.example', 'ours.example', 'edge.example partner.example', 'ours.example partner.example']],
  ['one whose inside is a component', { edge: { desired: 'draining', zones: [{ name: 'plant', side: 'internal', listen: [], components: { accept: { listen: [], domains: { 'edge.example': 'env:SECRET' } } } }] } }, ['edge.example', 'edge.example partner.example']],
  ['one that does not say whose it is', { edge: { desired: 'draining' } }, ['edge.example', 'ours.example', 'edge.example partner.example', 'ours.example partner.example']],
  ['while another carries the same domain, one may drain', { edge: { desired: 'draining', zones: inside('edge.example') }, second: { desired: 'running', zones: inside('edge.example') } }, []],
  ['one of other domains does not replace it', { edge: { desired: 'draining', zones: inside('edge.example') }, other: { desired: 'running', zones: inside('ours.example') } }, ['edge.example', 'edge.example partner.example']],
  ['a peer that is held is held for those behind the gateway', { edge: { desired: 'running', zones: inside('edge.example'), peers: { 'partner.example': 'held' } } }, ['edge.example partner.example']],
] as const satisfies readonly (readonly [string, Record<string, GatewaySpec>, readonly string[]])[]) {
  it(`stopped on purpose: ${what}`, () => {
    const { domain, pair } = createExpectations(viewOf(gateways))
    const ours = ['edge.example', 'ours.example']
    const found = [...ours.filter(name => domain(name)?.stoppedByUs !== undefined), ...ours.filter(name => pair(name, 'partner.example')?.stoppedByUs !== undefined).map(name => `${name} partner.example`)]
    expect(found).toEqual(stopped)
  })
}

it('knows which gateways are to carry a domain: those that run, and have it behind them or do not say what they have', () => {
  const { gatewaysOf } = createExpectations(viewOf({
    edge: { desired: 'running', zones: inside('edge.example') }, other: { desired: 'running', zones: inside('ours.example') }, any: { desired: 'running' }, away: { desired: 'draining', zones: inside('edge.example') },
    drained: { desired: 'running', zones: inside('edge.example').map(zone => ({ ...zone, desired: 'draining' as const })) },
  }))
  expect([...gatewaysOf('edge.example')].toSorted()).toEqual(['any', 'edge'])
})

it('the retry window of a peer is that of its schedule', () => {
  const view = usualConfiguration()
  view.put('Schedule', 'default', { retryWindowSeconds: 60 })
  view.put('Schedule', 'slow', {})
  view.put('Peer', 'second.example', { schedule: 'slow' })
  const { pair } = createExpectations(view)
  expect([pair('ours.example', 'partner.example')?.retryWindowMs, pair('ours.example', 'second.example')?.retryWindowMs]).toEqual([60_000, undefined])
})

function viewOf (gateways: Readonly<Record<string, GatewaySpec>>): ConfigurationView {
  const view = usualConfiguration()
  view.put('Domain', 'edge.example', {})
  for (const [name, spec] of Object.entries(gateways)) view.put('Gateway', name, spec)
  return view
}
