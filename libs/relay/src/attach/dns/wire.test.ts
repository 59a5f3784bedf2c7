import * as fc from 'fast-check'
import { decode, encode } from 'dns-packet'
import { describe, expect, it } from 'vitest'
import { question } from '../test-support/dns-client.ts'
import { forClient, readAnswer } from './answer.ts'
import { tell } from './view.ts'
import { keyOf, readQuery, udpRoom, writeError, writeReply } from './wire.ts'

const SPEC = { gateway: { name: 'gateway.ours.example', addresses: ['192.0.2.1', '2001:db8::1'] } }
const asked = question('_xmpp-server._tcp.partner.example', 'SRV')
/** A message in which some bytes are others, and which is cut or longer. */
const mutated = (message: Buffer) => fc.tuple(fc.array(fc.tuple(fc.nat(message.length - 1), fc.nat(255)), { maxLength: 8 }), fc.nat(message.length), fc.uint8Array({ maxLength: 20 }), fc.boolean()).map(([changes, cut, more, whole]) => {
  const copy = Buffer.from(message)
  for (const [at, byte] of changes) copy[at] = byte
  return Buffer.concat([whole ? copy : copy.subarray(0, cut), more])
})

describe('whatever comes', () => {
  it('a question is read or refused, and what is answered is what was asked, in the room that there is', () => {
    fc.assert(fc.property(fc.oneof(mutated(asked), fc.uint8Array({ maxLength: 600 }).map(bytes => Buffer.from(bytes))), message => {
      const query = readQuery(message)
      if (query === undefined) return
      if ('rcode' in query) {
        expect(decode(writeError(query)).id).toBe(query.id)
        return
      }
      const told = tell(SPEC, domain => domain === 'ours.example', query)
      const reply = writeReply(query, { ...told ?? { rcode: 5 }, recursion: false }, udpRoom(query))
      expect(reply.length).toBeLessThanOrEqual(udpRoom(query))
      expect(reply.subarray(12, 12 + query.question.length)).toEqual(Buffer.from(query.question))
      expect(() => decode(reply)).not.toThrow()
    }), { numRuns: 3000 })
  })

  it('an answer is taken as a whole or not at all', () => {
    const query = readQuery(asked)
    if (query === undefined || 'rcode' in query) throw new Error('it is a question')
    const answer = encode({
      type: 'response', id: 7, questions: [{ name: '_xmpp-server._tcp.partner.example', type: 'SRV' }],
      answers: [{ name: '_xmpp-server._tcp.partner.example', type: 'SRV', ttl: 300, data: { port: 5269, target: 'xmpp.partner.example' } }], authorities: [{ name: 'partner.example', type: 'NS', ttl: 90, data: 'ns.partner.example' }],
      additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 4096, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }],
    })
    fc.assert(fc.property(mutated(answer), fc.nat(500), (message, age) => {
      const read = readAnswer(message, query, 7)
      if (read === undefined) return
      const sent = forClient(read, query, age)
      expect(sent).toHaveLength(message.length)
      expect(sent.readUInt16BE(0)).toBe(query.id)
      for (const at of read.ttls) expect(sent.readUInt32BE(at)).toBeLessThanOrEqual(0x7FFFFFFF)
    }), { numRuns: 3000 })
    expect(readAnswer(answer, query, 7)).toMatchObject({ ttl: 90, rcode: 0, truncated: false })
  })
})

it('has one key for what has one answer', () => {
  const keys = (...questions: Buffer[]) => new Set(questions.map(each => {
    const query = readQuery(each)
    return query === undefined || 'rcode' in query ? 'none' : keyOf(query)
  })).size
  expect(keys(question('a.example', 'A', { id: 1 }), question('A.EXAMPLE', 'A', { id: 2, edns: 512 }))).toBe(1)
  expect(keys(question('a.example', 'A'), question('a.example', 'AAAA'), question('a.example', 'A', { dnssec: true }), question('a.example', 'A', { edns: false }), question('a.example', 'A', { flags: 0x0110 }))).toBe(5)
})
