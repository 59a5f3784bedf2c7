import { expect, it } from 'vitest'
import type { Connection } from '@dialtone/net'
import { made } from '../../core/test-support/made.ts'
import { ComponentReader } from './reader.ts'
import { ComponentStream, STREAM_LIMITS } from './stream.ts'

it('does not read a component that sends what is not carried and takes no answers, until it takes them', () => {
  const { core } = made()
  let unsent = 0
  let pauses = 0
  const put = ({ length }: { length: number }) => { unsent += length }
  const connection: Connection = {
    received: 0, get unsent () { return unsent }, write: put, send: put, pause: () => { pauses++ }, resume: () => { pauses-- }, flow: () => undefined, destroy: () => undefined,
    read: () => Promise.resolve({ end: true }), end: () => Promise.resolve('clean'),
    secure: () => Promise.reject(new Error('not here')), secureAsServer: () => Promise.reject(new Error('not here')),
  }
  const reader = new ComponentReader({ header: () => undefined, element: () => undefined, end: () => undefined, error: ({ detail }) => { throw new Error(detail) } })
  const say = (text: string) => reader.write(new TextEncoder().encode(text))
  say("<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>")
  const stream = new ComponentStream({ id: 'c', zone: 'inside', mode: 'connect', domain: 'foreign.example', remote: '', lang: undefined, connection, reader, surroundings: core.context, intake: core, limits: STREAM_LIMITS, stanzaBytes: 262_144 })
  const one = `<message from='a@not-ours.example' to='b@foreign.example' id='${'x'.repeat(4000)}'/>`
  const flood = () => {
    for (let read = 0; read < 1000; read++) {
      say(one)
      if (pauses > 0) return
    }
  }
  flood()
  expect(pauses).toBe(1)
  expect(unsent).toBeLessThan(65_536 + 2 * one.length)
  unsent = 0
  stream.taken()
  expect(pauses).toBe(0)
  flood()
  expect(pauses).toBe(1)
  stream.abort()
  expect(pauses).toBe(0)
})
