import { createFramer, readEvent, BEFORE_AUTHENTICATION, type Event, type HeaderFrame } from '@dialtone/stream'
import { expect, it } from 'vitest'
import { DEVIATIONS, deviationOf } from './deviations.ts'

it.each(DEVIATIONS)('reads what $server sends when $when', ({ bytes, condition, means }) => {
  const error = eventOf(bytes)
  expect(error).toMatchObject({ on: 'stream-error', condition })
  if (error?.on === 'stream-error') expect(deviationOf(error)).toMatchObject({ condition, means })
})

it.each([
  ['another condition with the same words', { condition: 'policy-violation', text: 'Attempt to connect from a host we serve' }],
  ['the words in the middle of others', { condition: 'undefined-condition', text: 'There was no attempt to connect from a host we serve' }],
  ['a bare condition', { condition: 'undefined-condition' }],
  ['a refusal without a reason', { condition: 'policy-violation', text: 'Access denied by service policy' }],
])('makes nothing of %s', (_, error) => {
  expect(deviationOf(error)).toBeUndefined()
})

function eventOf (bytes: string): Event | undefined {
  let header: HeaderFrame | undefined
  let event: Event | undefined
  const framer = createFramer({ limits: BEFORE_AUTHENTICATION }, {
    header: frame => { header = frame },
    element: frame => { if (header !== undefined) event = readEvent(frame, header) },
    end: () => undefined,
    error: ({ detail }) => { throw new Error(detail) },
  })
  framer.write(new TextEncoder().encode(`<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>${bytes}`))
  return event
}
