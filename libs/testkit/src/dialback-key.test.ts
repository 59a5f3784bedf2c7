import { expect, it } from 'vitest'
import { dialbackKey } from './dialback-key.ts'

const PAIR = { receiving: 'xmpp.example.com', originating: 'example.org', streamId: 'D60000229F' }

it('is the key of the example of XEP-0185', () => {
  expect(dialbackKey('prosody', 's3cr3tf0rd14lb4ck', PAIR)).toBe('37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643')
})

it('depends on the secret, the pair and the stream; jabberd2 leaves its own domain out', () => {
  for (const server of ['prosody', 'ejabberd', 'jabberd2'] as const) {
    const keys = [dialbackKey(server, 'secret', PAIR), dialbackKey(server, 'other', PAIR), dialbackKey(server, 'secret', { ...PAIR, receiving: 'example.net' }), dialbackKey(server, 'secret', { ...PAIR, streamId: 'other' })]
    if (server !== 'jabberd2') keys.push(dialbackKey(server, 'secret', { ...PAIR, originating: 'example.net' }))
    expect(new Set(keys).size).toBe(keys.length)
  }
})
