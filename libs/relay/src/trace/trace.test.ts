import { createFramer, type ElementFrame, type HeaderFrame, AFTER_AUTHENTICATION, dialbackKeyText, externalText, headerText } from '@dialtone/stream'
import { expect, it } from 'vitest'
import { assignmentOf, fakeClock, worldOf } from '../core/test-support/made.ts'
import { MOST_TRACE_SECONDS, Trace } from './trace.ts'

const IN = { id: 'in-1', zone: 'outside', pairs: [{ from: 'peer.example', to: 'inside.example' }], names: undefined }
const OUT = { id: 'out-1', zone: 'outside', pairs: [{ from: 'inside.example', to: 'peer.example' }], names: undefined }

it('tells names, domains, sizes and conditions, and nothing that anybody said, nor a key', () => {
  const { trace, hear } = made()
  trace.start({}, 60)
  hear(IN, "<message from='romeo.secret@peer.example/secret' to='juliet.secret@inside.example' id='secret' type='chat'><body>secret words</body><x xmlns='urn:x' named='secret'>secret</x></message>")
  hear(IN, "<iq from='peer.example' to='inside.example' id='secret' type='secret'><query xmlns='jabber:iq:private'><secretive>secret</secretive></query></iq>")
  trace.said(OUT, headerText({ from: 'inside.example', to: 'peer.example', id: 'secret' }))
  trace.said(OUT, dialbackKeyText('inside.example', 'peer.example', 'secret'))
  trace.said(OUT, externalText('c2VjcmV0') + "<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>secret</text></stream:error></stream:stream>")
  trace.said(OUT, ' ')
  const { lines } = trace.read(0)
  const text = lines.join('\n')
  expect(text).not.toMatch(/secret(?!ive)|c2VjcmV0/)
  expect(lines.map(line => line.replace(/^\S+ /, ''))).toEqual([
    expect.stringMatching(/^outside in-1 peer.example>inside.example in: message\{jabber:server\} from=peer.example to=inside.example id=\(6\) type=chat \[body\{jabber:server\} \[text of 12\], x\{urn:x\} named=\(6\) \[text of 6\]\] \(\d+ bytes\)$/),
    expect.stringMatching(/type=\(6\) \[query\{jabber:iq:private\} \[secretive\{jabber:iq:private\} \[text of 6\]\]\] \(\d+ bytes\)$/),
    expect.stringMatching(/^outside out-1 inside.example>peer.example out: stream header id=\(6\) from=inside.example to=peer.example/),
    expect.stringContaining('out: result{jabber:server:dialback} from=inside.example to=peer.example [text of 6]'),
    expect.stringContaining('auth{urn:ietf:params:xml:ns:xmpp-sasl} mechanism=EXTERNAL [text of 8]'),
    expect.stringContaining('error{http://etherx.jabber.org/streams} [policy-violation{'),
    expect.stringContaining('out: footer'),
    expect.stringContaining('out: white space (1 bytes)'),
  ])
})

it('is of the streams that are meant, and ends by itself', () => {
  const { trace, hear, clock } = made()
  expect(trace.on).toBe(false)
  const stanza = "<presence from='a@peer.example' to='b@inside.example'/>"
  const count = (selection: Parameters<Trace['start']>[0]) => {
    trace.start(selection, 60)
    const from = trace.next
    hear(IN, stanza)
    trace.said(OUT, stanza)
    hear({ ...IN, id: 'in-2', pairs: [{ from: 'other.example', to: 'inside.example' }] }, stanza)
    return trace.read(from).lines.length
  }
  expect([count({}), count({ peer: 'peer.example' }), count({ stream: 'in-2' }), count({ zone: 'inside' }), count({ peer: 'other.example', ours: 'inside.example' })]).toEqual([3, 2, 1, 0, 1])
  trace.start({}, 100_000)
  clock.pass(MOST_TRACE_SECONDS * 1000)
  hear(IN, stanza)
  trace.tick()
  expect([trace.on, trace.read(trace.next - 1).left]).toEqual([false, 0])
})

it('keeps so many lines and no more, and goes on where somebody has read', () => {
  const { trace, hear } = made()
  trace.start({}, 60)
  for (let number = 0; number < 3000; number++) hear(IN, `<message from='a@peer.example' to='b@inside.example'><body>${'x'.repeat(number % 7)}</body></message>`)
  const first = trace.read(0)
  expect([first.lines.length, first.next]).toEqual([500, 1500])
  let { next } = first
  let lines = 500
  for (let read = trace.read(next); read.lines.length > 0; read = trace.read(next)) {
    lines += read.lines.length
    next = read.next
  }
  expect([lines, next]).toEqual([2000, 3000])
  trace.start({}, 60)
  expect(trace.read(0)).toMatchObject({ lines: [], next: 3000 })
})

it('gives one line for an element, whatever it is made of', () => {
  const { trace, hear } = made()
  trace.start({}, 60)
  hear(IN, `<message from='a@peer.example' to='b@inside.example'>${`<${'n'.repeat(500)} ${'a'.repeat(300)}='1'/>`.repeat(100)}</message>`)
  const [line = ''] = trace.read(0).lines
  expect(line.length).toBeLessThan(900)
  expect(line).not.toMatch(/[\n\r]/)
})

function made () {
  const clock = fakeClock()
  const world = worldOf(assignmentOf(), clock)
  const trace = new Trace(() => world, clock)
  const hear = (of: Parameters<Trace['element']>[0], stanza: string) => {
    let header: HeaderFrame | undefined
    const framer = createFramer({ limits: AFTER_AUTHENTICATION }, { header: read => { header = read }, element: (frame: ElementFrame) => trace.element(of, frame, header as HeaderFrame), end: () => undefined, error: ({ detail }) => { throw new Error(detail) } })
    framer.write(new TextEncoder().encode(headerText({}) + stanza))
  }
  return { trace, hear, clock }
}
