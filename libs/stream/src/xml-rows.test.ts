// Rows X1 to X9: each attack first works on a reader without our rules, then fails on the framer or on what reads its frames.
import { readFileSync, globSync } from 'node:fs'
import { resolve } from 'node:path'
import { Parser } from '@xmpp/xml'
import { expect, it } from 'vitest'
import { toElement } from './element.ts'
import { createFramer } from './framer.ts'
import type { HeaderFrame } from './frame.ts'
import { AFTER_AUTHENTICATION, BEFORE_AUTHENTICATION, type Limits } from './limits.ts'
import { readEvent, type Event } from './negotiation/event.ts'
import { headerText } from './negotiation/write.ts'

const HEADER = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' id='1' version='1.0'>"

it('X1: a document type ends the stream before anything is expanded', () => {
  const attack = "<!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY lol2 '&lol;&lol;'>]><message><body>&lol2;</body></message>"
  expect(() => unguarded(attack)).not.toThrow()
  for (const chunk of [1, 7, 1000]) expect(read(attack, chunk)).toEqual({ events: [], error: 'restricted-xml' })
})

it('X2: no other parser reads XML: stream alone depends on one', () => {
  const root = resolve(import.meta.dirname, '../../..')
  const parsers = /xml|sax|ltx|expat|jsdom|cheerio/i
  const users = globSync(['apps/*/package.json', 'libs/*/package.json'], { cwd: root }).filter(file => {
    const { dependencies = {} } = JSON.parse(readFileSync(resolve(root, file), 'utf8')) as { dependencies?: Record<string, string> }
    return Object.keys(dependencies).some(name => parsers.test(name))
  })
  expect(users).toEqual(['libs/stream/package.json'])
})

it('X3: what never ends is refused at its limit, before and after authentication, and nothing of it is kept', () => {
  for (const [name, begins, goesOn, megabytes] of [
    ['a value of 10 MB without its quote', "<message to='", 'x', 10],
    ['a million empty children', '<message>', '<a/>', 4],
    ['a hundred thousand levels', '<message>', '<a>', 0.3],
    ['a tag without end', '<message ', ' ', 4],
    ['a name without end', '<m', 'm', 4],
  ] as const) {
    const flood = encode(goesOn.repeat(1e6 * megabytes / goesOn.length))
    for (const limits of [UNLIMITED, BEFORE_AUTHENTICATION, AFTER_AUTHENTICATION]) {
      const { refused, kept, consumed } = flooded(HEADER + begins, flood, limits)
      if (limits === UNLIMITED) expect([name, refused, kept]).toEqual([name, undefined, begins.length + flood.length])
      else {
        expect([name, refused, kept]).toEqual([name, 'policy-violation', 0])
        expect(consumed).toBeLessThanOrEqual(HEADER.length + limits.elementBytes)
      }
    }
  }
  const header = encode(HEADER.slice(0, -1) + ' '.repeat(10_000))
  expect(flooded('', header, UNLIMITED, 1).refused).toBeUndefined()
  expect(flooded('', header, BEFORE_AUTHENTICATION, 1)).toMatchObject({ refused: 'policy-violation', consumed: BEFORE_AUTHENTICATION.headerBytes, kept: 0 })
})

it('X4: bytes that two parsers would read differently are refused', () => {
  const overlong = Uint8Array.from([...encode("<message to='a"), 0xC0, 0xBC, ...encode("b.example'/>")])
  expect(unguarded(Buffer.from(overlong).toString('utf8'))).toEqual(['message'])
  expect(read(overlong)).toEqual({ events: [], error: 'not-well-formed' })
  // And what is accepted means the same after it was written again.
  const once = frameOf("<message to='a&apos;&#x3C;b' xml:lang='de'><body>&amp;amp; &lt;/body&gt;</body></message>")
  expect(frameOf(once.tree).tree).toBe(once.tree)
  expect(frameOf(once.tree).to).toBe("a'<b")
})

it('X5: a decoy inside another attribute is not the address', () => {
  const stanza = `<message a="from='evil.example' to='victim.example'" from='honest.example' to='b.example'/>`
  expect(/from='([^']+)'/.exec(stanza)?.[1]).toBe('evil.example')
  expect(frameOf(stanza)).toMatchObject({ from: 'honest.example', to: 'b.example' })
})

it('X6: prefixes mean what was declared, not what they look like', () => {
  const rebound = "<stream:error xmlns:stream='urn:x'/>"
  expect(rebound.startsWith('<stream:error')).toBe(true)
  expect(read(rebound).events).toMatchObject([{ on: 'unknown-element', name: '{urn:x}error' }])
  expect(read("<x:error xmlns:x='http://etherx.jabber.org/streams'><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></x:error>").events).toMatchObject([{ on: 'stream-error', condition: 'host-unknown' }])
  expect(read("<message xmlns='jabber:client' to='b.example'/>").events).toMatchObject([{ on: 'unknown-element', name: '{jabber:client}message' }])
})

it('X7: first-level elements that steer a stream are never taken for stanzas', () => {
  for (const nonza of [
    "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<enabled xmlns='urn:xmpp:sm:3'/>", "<bidi xmlns='urn:xmpp:bidi'/>",
    "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>evil.example</see-other-host></stream:error>", "<db:result type='valid' from='a' to='b'/>",
  ]) {
    expect(unguarded(nonza)).toHaveLength(1)
    expect(read(nonza).events.map(({ on }) => on)).not.toContain('stanza')
  }
})

it('X8: a header is always ours: what a peer sent never leaves it', () => {
  const crafted = "a.example' xmlns='jabber:client"
  expect(`<stream:stream from='${crafted}'>`).toContain("xmlns='jabber:client")
  expect(headerText({ from: crafted, to: 'b.example' })).toContain("from='a.example&apos; xmlns=&apos;jabber:client'")
})

it('X9: an attribute twice, by name or by namespace, and an endless xml:lang', () => {
  const twice = "<message to='a.example' to='b.example'/>"
  expect(unguarded(twice)).toEqual(['message'])
  for (const attack of [twice, "<message xmlns:p='urn:x' xmlns:q='urn:x' p:a='1' q:a='2'/>"]) expect(read(attack).error).toBe('not-well-formed')
  expect(read(`<message xml:lang='${'x'.repeat(36)}'/>`).error).toBe('policy-violation')
  expect(read(`<message xml:lang='${'x'.repeat(35)}'/>`).error).toBeUndefined()
})

/** The guard off. */
const UNLIMITED = Object.fromEntries(Object.keys(AFTER_AUTHENTICATION).map(name => [name, Number.POSITIVE_INFINITY])) as Limits

function flooded (begins: string, flood: Uint8Array, limits: Limits, chunk = 65_536): { refused: string | undefined, kept: number, consumed: number } {
  let refused: string | undefined
  const framer = createFramer({ limits }, { header: () => undefined, element: () => undefined, end: () => undefined, error: ({ condition }) => { refused = condition } })
  framer.write(encode(begins))
  for (let at = 0; at < flood.length; at += chunk) framer.write(flood.subarray(at, at + chunk))
  return { refused, kept: framer.pending, consumed: framer.counts.bytes }
}

/** Names of the elements that a lenient parser delivers for the same text. */
function unguarded (text: string): string[] {
  const names: string[] = []
  const parser = new Parser()
  parser.on('element', element => { names.push(element.getName()) })
  parser.write(HEADER)
  parser.write(text)
  return names
}

function read (text: string | Uint8Array, chunk = 65_536): { events: Event[], error?: string } {
  const bytes = typeof text === 'string' ? encode(HEADER + text) : Uint8Array.from([...encode(HEADER), ...text])
  const seen: { events: Event[], error?: string } = { events: [] }
  let header: HeaderFrame | undefined
  const framer = createFramer({ limits: AFTER_AUTHENTICATION }, {
    header: frame => { header = frame },
    element: frame => { if (header !== undefined) seen.events.push(readEvent(frame, header)) },
    end: () => undefined,
    error: ({ condition }) => { seen.error = condition },
  })
  for (let at = 0; at < bytes.length; at += chunk) framer.write(bytes.subarray(at, at + chunk))
  return seen
}

/** What one stanza is read as: its addresses, and its tree written again. */
function frameOf (stanza: string): { from?: string | undefined, to?: string | undefined, tree: string } {
  let header: HeaderFrame | undefined
  const seen: { from?: string | undefined, to?: string | undefined, tree: string }[] = []
  const framer = createFramer({ limits: AFTER_AUTHENTICATION }, {
    header: frame => { header = frame },
    element: frame => { if (header !== undefined) seen.push({ from: frame.from, to: frame.to, tree: toElement(frame, header).toString() }) },
    end: () => undefined,
    error: ({ detail }) => { throw new Error(detail) },
  })
  framer.write(encode(HEADER + stanza))
  if (seen[0] === undefined) throw new Error('no frame')
  return seen[0]
}

function encode (text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
