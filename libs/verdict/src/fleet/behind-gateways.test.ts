import { expect, it } from 'vitest'
import { CONFIG, PUBLIC, TIMEOUT, domainOf, internal, published, stopped } from '../test-support/fleet.ts'

const FAILING = { failing: [{ gateway: 'edge', reason: 'unreachable' }], working: [] }
const answering = [published('out1'), published('out2')]

it('a gateway that answers for a server that it does not reach: down, though the world gets through every stage', () => {
  expect(domainOf(answering).state).toBe('up')
  expect(domainOf(answering, { insideWays: FAILING })).toMatchObject({
    cause: 'service.down', state: 'down', side: 'ours', hop: 'gateway', actor: 'gateway-operator', confidence: 'proved', evidence: [{ text: 'no stream to the server behind it: unreachable', vantage: 'gateway edge' }],
    sentence: 'ours.example: our gateway gets no stream to the server behind it (no stream to the server behind it: unreachable).',
  })
})

it('is likely where the server answers inside vantages: it lies between the two', () => {
  expect(domainOf([...answering, internal('in1')], { insideWays: FAILING })).toMatchObject({ cause: 'service.down', confidence: 'likely', sentence: expect.stringContaining('which answers inside vantages') })
})

it('is degraded while another gateway gets through', () => {
  expect(domainOf(answering, { insideWays: { ...FAILING, working: ['core'] } })).toMatchObject({ cause: 'service.down', state: 'degraded', evidence: [{ vantage: 'gateway core' }, { vantage: 'gateway edge' }] })
})

it('is degraded while it is known of one peer alone, and says of which', () => {
  const ofOne = { gateway: 'edge', reason: 'stream-failed', forPeer: 'partner.example' }
  expect(domainOf(answering, { insideWays: { failing: [ofOne], working: [] } })).toMatchObject({
    cause: 'service.down', state: 'degraded', evidence: [{ text: 'no stream to the server behind it for what partner.example sends: stream-failed' }],
    sentence: expect.stringContaining('our gateway gets no stream to the server behind it for what partner.example sends'),
  })
  // Two gateways, two peers: it is the server of both.
  expect(domainOf(answering, { insideWays: { failing: [ofOne, { ...ofOne, gateway: 'core' }], working: [] } }).state).toBe('degraded')
  expect(domainOf(answering, { insideWays: { failing: [ofOne, { ...ofOne, gateway: 'core', forPeer: 'other.example' }], working: [] } }).state).toBe('down')
  expect(domainOf(answering, { insideWays: { failing: [ofOne, { gateway: 'core', reason: 'unreachable' }], working: [] } }).state).toBe('down')
})

it('gives way to what closes the way in, and to what we stop on purpose', () => {
  const closed = domainOf([published('out1', stopped(PUBLIC, TIMEOUT)), published('out2', stopped(PUBLIC, TIMEOUT)), internal('in1')], { insideWays: FAILING })
  expect(closed.cause).toBe('path.inbound-blocked')
  expect(domainOf(answering, { insideWays: FAILING, config: { ...CONFIG, stoppedByUs: 'gateway edge is told to be stopped' } }).cause).toBe('policy.refused-by-us')
})

it('is nothing where every gateway gets through', () => expect(domainOf(answering, { insideWays: { failing: [], working: ['edge'] } })).toEqual(domainOf(answering)))
