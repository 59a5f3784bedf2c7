import { describe, expect, it } from 'vitest'
import { createFramer } from './framer.ts'
import { BEFORE_AUTHENTICATION } from './limits.ts'
import { readHeader } from './read-header.ts'

const STREAM = "xmlns:stream='http://etherx.jabber.org/streams'"

describe('headers', () => {
  for (const [name, text, expected] of [
    ['a whole one', `<?xml version='1.0'?><stream:stream ${STREAM} xmlns='jabber:server' xmlns:db='jabber:server:dialback' id='1' from='a.example' to='b.example' version='1.0' xml:lang='de'>`,
      { header: { id: '1', from: 'a.example', to: 'b.example', version: '1.0', lang: 'de', contentNamespace: 'jabber:server', dialbackNamespace: true, dialbackPrefix: 'db' } }],
    ['from before XMPP 1.0', `<stream:stream ${STREAM} xmlns='jabber:server' id='1'>`, { header: { id: '1', contentNamespace: 'jabber:server', dialbackNamespace: false } }],
    ['a version that does not exist', `<stream:stream ${STREAM} xmlns='jabber:server' version='2.0'>`, { header: { version: '2.0', contentNamespace: 'jabber:server', dialbackNamespace: false } }],
    ['of a client port', `<stream:stream ${STREAM} xmlns='jabber:client' version='1.0'>`, { header: { version: '1.0', contentNamespace: 'jabber:client', dialbackNamespace: false } }],
    ['dialback under another prefix', `<stream:stream ${STREAM} xmlns='jabber:server' xmlns:dialback='jabber:server:dialback'>`, { header: { contentNamespace: 'jabber:server', dialbackNamespace: true, dialbackPrefix: 'dialback' } }],
    ['dialback under two prefixes', `<stream:stream ${STREAM} xmlns='jabber:server' xmlns:a='jabber:server:dialback' xmlns:db='jabber:server:dialback'>`, { header: { contentNamespace: 'jabber:server', dialbackNamespace: true, dialbackPrefix: 'db' } }],
    ['another prefix than stream', "<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:server' version='1.0'>", { header: { version: '1.0', contentNamespace: 'jabber:server', dialbackNamespace: false } }],
    ['X5: an attribute that only looks like from', `<stream:stream ${STREAM} xmlns='jabber:server' id=" from='evil.example'" xmlns:x='urn:x' x:from='evil.example'>`, { header: { id: " from='evil.example'", contentNamespace: 'jabber:server', dialbackNamespace: false } }],
    ['the wrong stream namespace', "<stream:stream xmlns:stream='http://etherx.jabber.org/stream' xmlns='jabber:server'>", { refused: 'invalid-namespace' }],
    ['no stream at all', '<html>', { refused: 'bad-format' }],
    ['another root in the stream namespace', `<stream:features ${STREAM}>`, { refused: 'bad-format' }],
  ] as const) it(name, () => expect(header(text)).toEqual(expected))
})

function header (text: string): ReturnType<typeof readHeader> | undefined {
  let seen: ReturnType<typeof readHeader> | undefined
  const framer = createFramer({ limits: BEFORE_AUTHENTICATION }, {
    header: frame => { seen = readHeader(frame) },
    element: () => undefined,
    end: () => undefined,
    error: ({ condition, detail }) => { throw new Error(`${condition}: ${detail}`) },
  })
  framer.write(new TextEncoder().encode(text))
  return seen
}
