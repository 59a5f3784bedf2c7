import type { DeepConnection, Observation } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { casesOf, detailsOf } from '../test-support/cases.ts'
import { connection, deeply, features } from '../test-support/deep.ts'
import { ask } from '../check.ts'
import { DEFAULT_JUDGE_CONFIG } from '@dialtone/contracts'
import { bidiOffer } from './bidi-offer.ts'
import { ping } from './ping.ts'
import { pingTime } from './ping-time.ts'
import { software } from './software.ts'

const ponged = (pong: DeepConnection['ping']): Observation => deeply({ connections: [connection('external', pong === undefined ? {} : { ping: pong })] })

it.each(casesOf(ping, {
  result: { 'mod_ping': ponged({ answer: 'result', ms: 30 }) },
  'service-unavailable': { 'a server without it': ponged({ answer: 'error', condition: 'service-unavailable', ms: 30 }) },
  'other-error': { 'a server that forbids it': ponged({ answer: 'error', condition: 'forbidden', ms: 30 }) },
  none: { 'no stream to us': ponged({ answer: 'none', ms: 10_000 }) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it.each(casesOf(pingTime, {
  quick: { 'a few milliseconds': ponged({ answer: 'result', ms: 30 }) },
  slow: { 'four seconds': ponged({ answer: 'error', ms: 4000 }) },
  unanswered: { 'none': ponged({ answer: 'none', ms: 10_000 }) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('s2s.ping says how long, and on whose stream the answer came', () => {
  expect(detailsOf(ping, ponged({ answer: 'error', condition: 'forbidden', source: '192.0.2.1:40000', ms: 30 }))).toEqual(['forbidden, 30 ms, from 192.0.2.1:40000'])
  expect(detailsOf(pingTime, ponged({ answer: 'result', ms: 1234 }))).toEqual(['there and back 1.2 s, after 8 ms for our stream'])
})

it.each(casesOf(bidiOffer, {
  offered: { 'after TLS': deeply({ connections: [connection('external', { featuresAgain: features({ bidi: true }) })] }) },
  'not-offered': { 'before TLS alone': deeply({ connections: [connection('dialback', { features: features({ bidi: true }) })] }) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it.each(casesOf(software, {
  told: { 'a server with mod_version': deeply({ connections: [connection('external', { ping: { answer: 'result', ms: 30 }, software: { name: 'Prosody', version: '0.12.3' } })] }) },
  'not-told': { 'one without': ponged({ answer: 'result', ms: 30 }) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('s2s.software is not asked of who does not answer a ping', () => {
  expect(detailsOf(software, deeply({ connections: [connection('external', { ping: { answer: 'result', ms: 30 }, software: { name: 'Prosody', version: '0.12.3' } })] }))).toEqual(['Prosody 0.12.3'])
  expect(ask(software, ponged({ answer: 'none', ms: 10_000 }), DEFAULT_JUDGE_CONFIG)).toEqual([])
})

it('finds per connection, with the endpoint that it is about', () => {
  const [finding] = ask(ping, ponged({ answer: 'result', ms: 30 }), DEFAULT_JUDGE_CONFIG)
  expect(finding).toMatchObject({ check: 's2s.ping', endpoint: 'e', vantage: 'here' })
})
