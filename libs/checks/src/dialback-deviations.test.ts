import { createFramer, readEvent, BEFORE_AUTHENTICATION, type Event, type HeaderFrame } from '@dialtone/stream'
import { expect, it } from 'vitest'
import { DIALBACK_DEVIATIONS, dialbackDeviationOf, dialbackMeaning } from './dialback-deviations.ts'

it.each(DIALBACK_DEVIATIONS)('reads what $server sends when $when', ({ bytes, condition, means }) => {
  const event = eventOf(bytes)
  expect(event).toMatchObject({ on: 'dialback-result', answer: { type: 'error', condition } })
  if (event?.on === 'dialback-result' && event.answer.type === 'error') expect(dialbackDeviationOf(event.answer)).toMatchObject({ condition, means })
})

it.each([
  ['forbidden without a text is a key that was denied', { condition: 'forbidden' }, 'denied'],
  ['forbidden with other words is one too', { condition: 'forbidden', text: 'No. Access denied by service policy' }, 'denied'],
  ['not-acceptable with words is a refusal', { condition: 'not-acceptable', text: 'not you' }, 'policy'],
  ['not-allowed with other words is a refusal', { condition: 'not-allowed', text: 'not you' }, 'policy'],
  ['remote-server-not-found without words leaves open why', { condition: 'remote-server-not-found' }, 'callback-failed'],
  ['remote-connection-failed is a connection that could not be opened, from anyone', { condition: 'remote-connection-failed', text: 'x' }, 'callback-blocked'],
  ['item-not-found is another host, from anyone', { condition: 'item-not-found' }, 'wrong-host'],
  ['policy-violation wants encryption', { condition: 'policy-violation' }, 'needs-encryption'],
  ['not-authorized wants a certificate', { condition: 'not-authorized' }, 'needs-certificate'],
  ['a condition that nobody knows means nothing', { condition: 'made-up' }, undefined],
  ['no condition means nothing', {}, undefined],
])('%s', (_, answer, means) => expect(dialbackMeaning(answer)).toBe(means))

function eventOf (bytes: string): Event | undefined {
  let header: HeaderFrame | undefined
  let event: Event | undefined
  const framer = createFramer({ limits: BEFORE_AUTHENTICATION }, {
    header: frame => { header = frame },
    element: frame => { if (header !== undefined) event = readEvent(frame, header) },
    end: () => undefined,
    error: ({ detail }) => { throw new Error(detail) },
  })
  framer.write(new TextEncoder().encode(`<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>${bytes}`))
  return event
}
