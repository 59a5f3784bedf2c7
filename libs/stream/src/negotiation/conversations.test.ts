// Whole conversations through framer and tables: however they are cut and mutated, nothing throws, the same happens for every cut, and nothing of a
// pair that is not authenticated is delivered.
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { canonicalDomain } from '../domain.ts'
import type { HeaderFrame } from '../frame.ts'
import { createFramer, type Framer } from '../framer.ts'
import { AFTER_AUTHENTICATION, BEFORE_AUTHENTICATION } from '../limits.ts'
import { readHeader } from '../read-header.ts'
import { readEvent, type Event } from './event.ts'
import { advance, begin, type Command as OutCommand, type Plan, type State as OutState } from './initiating.ts'
import { accept, advanceReceiving, type Event as InEvent, type State as InState } from './receiving.ts'
import type { Command as InCommand } from './receiving-command.ts'
import type { Offer } from './rules.ts'
import { FOOTER, dialbackAnswerText, dialbackKeyText, dialbackQuestionText, externalText, featuresText, headerText } from './write.ts'

const [PEER, OURS] = ['partner.example', 'ours.example']
const OPEN = headerText({ from: PEER, to: OURS, id: 'i' })
const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
const STANZAS = `<message from='a@${PEER}/x' to='b@${OURS}'><body>x &lt; <![CDATA[y]]> é</body></message>\n<presence from='${PEER}' to='${OURS}'/><iq from='${PEER}' to='b@gone.example' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`
const MANAGEMENT = "<enable xmlns='urn:xmpp:sm:3'/><r xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='3'/>"

/** What a peer sends to the receiving side, cut where it has to wait for an answer. */
const TO_US: readonly (readonly string[])[] = [
  [OPEN + STARTTLS, OPEN + "<bidi xmlns='urn:xmpp:bidi'/>" + externalText('='), OPEN + STANZAS + MANAGEMENT + STANZAS + FOOTER],
  [OPEN + STARTTLS, OPEN + dialbackKeyText(PEER, OURS, 'good') + dialbackKeyText('b.example', OURS, 'bad') + dialbackQuestionText(PEER, OURS, 'q', 'k'), STANZAS + dialbackAnswerText('result', PEER, OURS, { type: 'valid' }) + STANZAS + FOOTER],
  [OPEN + dialbackKeyText(PEER, OURS, 'good') + externalText('=') + STARTTLS, OPEN + externalText('cGFydG5lci5leGFtcGxl'), OPEN + dialbackKeyText('denied.example', OURS, 'good') + STANZAS + '</stream:stream>'],
]
const features = (given: Partial<Parameters<typeof featuresText>[0]>) => featuresText({ starttls: 'absent', external: false, dialback: true, bidi: true, streamManagement: true, limits: { maxBytes: 10_000 }, ...given })
/** What a peer answers to the initiating side. */
const FROM_US: readonly (readonly string[])[] = [
  [OPEN + features({ starttls: 'required' }), "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", OPEN + features({ external: true }), "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", OPEN + features({ bidi: false }),
    "<enabled xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='0'/>" + STANZAS + FOOTER],
  [OPEN + features({ starttls: 'optional' }), "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", OPEN + features({ external: true }), "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>",
    dialbackAnswerText('result', PEER, OURS, { type: 'valid' }), STANZAS + "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>" + FOOTER],
]

const OFFER: Offer = {
  kind: 'starttls',
  rules: ({ from, to }) => ({
    served: to === OURS, ours: from === OURS, denied: from === 'denied.example', tls: 'optional', dialback: 'always', external: true, withoutDialback: false, bidi: true, legacy: true, streamManagement: true, limits: { maxBytes: 262_144 },
  }),
}
const PLAN: Plan = { kind: 'starttls', tls: 'offered', authenticate: ['external', 'dialback'], pair: { from: OURS, to: PEER }, bidi: true, streamManagement: true }

it('whole, each ends as it should', () => {
  expect(TO_US.map(segments => heard(encoded(segments), 65_536).filter(line => line.startsWith('deliver')).length)).toEqual([4, 4, 2])
  expect(FROM_US.map(segments => answered(encoded(segments), 65_536).filter(line => line.startsWith('deliver')).length)).toEqual([2, 2])
  for (const segments of TO_US) expect(heard(encoded(segments), 65_536).at(-1)).toBe('close')
})

it('cut at every byte, the same happens', { timeout: 60_000 }, () => {
  for (const [conversations, run] of [[TO_US, heard], [FROM_US, answered]] as const) {
    for (const segments of conversations.map(encoded)) {
      const whole = run(segments, 65_536)
      expect(run(segments, 1)).toEqual(whole)
      const longest = Math.max(...segments.map(each => each.length))
      for (let size = 2; size < longest; size++) expect(run(segments, size)).toEqual(whole)
    }
  }
})

it('mutated, nothing throws, the same happens for every cut, and only what is authenticated is delivered', { timeout: 60_000 }, () => {
  const pieces = ['<', '>', '/', '&', "'", '"', ' ', '=', ':', '\n', 'é', '\u0000', '<a/>', '<!--', '<?x?>', '&x;', '&#64;', "xmlns='jabber:client'", " from='victim.example'", " type='valid'", STARTTLS, FOOTER, OPEN, STANZAS, MANAGEMENT,
    externalText('='), dialbackKeyText('victim.example', OURS, 'bad'), dialbackKeyText(OURS, OURS, 'good'), dialbackAnswerText('verify', 'victim.example', OURS, { type: 'valid' }, 'q'), "<message from='victim.example' to='ours.example'/>",
    "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>evil.example</see-other-host></stream:error>", "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"].map(encode)
  const change = fc.record({ segment: fc.nat(8), at: fc.nat(), how: fc.constantFrom('put', 'take', 'set', 'double'), piece: fc.constantFrom(...pieces), byte: fc.nat(255), count: fc.integer({ min: 1, max: 40 }) })
  let delivered = 0
  let closed = 0
  fc.assert(fc.property(fc.boolean(), fc.nat(2), fc.array(change, { maxLength: 3 }), fc.integer({ min: 2, max: 700 }), (inbound, which, changes, size) => {
    const segments = encoded((inbound ? TO_US[which % TO_US.length] : FROM_US[which % FROM_US.length]) ?? [])
    for (const { segment, at, how, piece, byte, count } of changes) {
      const k = segment % segments.length
      const bytes = [...segments[k] ?? []]
      const where = at % (bytes.length + 1)
      if (how === 'put') bytes.splice(where, 0, ...piece)
      else if (how === 'take') bytes.splice(where, count)
      else if (how === 'set') bytes[Math.min(where, bytes.length)] = byte
      else bytes.splice(where, 0, ...bytes.slice(where, where + count))
      segments[k] = Uint8Array.from(bytes)
    }
    const run = inbound ? heard : answered
    const whole = run(segments, 65_536)
    expect(run(segments, 1)).toEqual(whole)
    expect(run(segments, size)).toEqual(whole)
    delivered += whole.filter(line => line.startsWith('deliver')).length
    closed += whole.at(-1) === 'close' ? 1 : 0
    for (const line of whole) if (line.startsWith('deliver')) expect(line).not.toContain('victim.example')
    for (const line of whole) if (line.startsWith('verify-key')) expect(line).not.toMatch(/"from":"(?:ours|denied)\.example"/)
  }), { numRuns: 1000 })
  expect(delivered).toBeGreaterThan(200)
  expect(closed).toBeGreaterThan(200)
})

/** The receiving side: everything that it is told to do, and what it heard, in words. */
function heard (segments: readonly Uint8Array[], size: number): string[] {
  let [state] = accept(OFFER)
  const said: string[] = []
  const step = (event: InEvent): readonly InCommand[] => {
    const before: InState = state
    const [next, ...told] = advanceReceiving(state, event)
    state = next
    said.push(`on ${event.on}`)
    for (const command of told) {
      said.push(command.do === 'close' ? 'close' : `${command.do} ${JSON.stringify(command)}`)
      if (command.do === 'deliver') expect((before.at === 'negotiating' || before.at === 'closing') && before.standing.authenticated.some(({ from, to }) => from === command.pair.from && to === command.pair.to)).toBe(true)
      // The authoritative server answers at once.
      if (command.do === 'verify-key') step({ on: 'dialback-judged', number: command.number, answer: command.key === 'good' ? { type: 'valid' } : { type: 'invalid' } })
    }
    return told
  }
  converse(segments, size, {
    step,
    over: () => state.at === 'closed',
    secured: () => 'secured' in state && state.secured,
    restarts: command => command.do === 'send-sasl-success' || command.do === 'start-tls',
    authenticated: () => 'standing' in state && state.standing.authenticated.length > 0,
  })
  return said
}

/** The initiating side, likewise. */
function answered (segments: readonly Uint8Array[], size: number): string[] {
  let [state]: [OutState, ...OutCommand[]] = begin(PLAN)
  const said: string[] = []
  converse(segments, size, {
    step: event => {
      if (event.on === 'dialback-judged') return []
      const [next, ...told] = advance(state, event)
      state = next
      said.push(`on ${event.on}`, ...told.map(command => command.do === 'close' ? 'close' : `${command.do} ${JSON.stringify(command)}`))
      return told
    },
    over: () => state.at === 'closed',
    secured: () => false,
    restarts: command => command.do === 'send-header' || command.do === 'start-tls',
    authenticated: () => state.at === 'established',
  })
  return said
}

type Side = { step: (event: InEvent) => readonly { do: string }[], over: () => boolean, secured: () => boolean, restarts: (command: { do: string }) => boolean, authenticated: () => boolean }

/** Reads the segments in chunks of `size`; a new stream gets a new reader, and what a peer sends ahead of STARTTLS's answer is counted. */
function converse (segments: readonly Uint8Array[], size: number, side: Side): void {
  let framer: Framer | undefined
  let pending: Event | undefined
  const read = (): Framer => {
    let header: HeaderFrame | undefined
    const take = (event: InEvent): void => {
      if (side.over()) return
      if (event.on === 'starttls' || event.on === 'proceed') {
        // Nothing behind it is read; the driver goes on when it knows how much that is.
        pending = event
        reader.stop()
        return
      }
      const told = side.step(event)
      if (side.over() || told.some(side.restarts)) reader.stop()
      else if (side.authenticated()) reader.raise(AFTER_AUTHENTICATION)
    }
    const reader: Framer = createFramer({ limits: BEFORE_AUTHENTICATION }, {
      header: frame => {
        header = frame
        const found = readHeader(frame)
        take('refused' in found
          ? { on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition: found.refused } }
          : { on: 'header', header: found.header, identity: side.secured() && canonicalDomain(found.header.from ?? '') === PEER })
      },
      element: frame => {
        const event = readEvent(frame, header as HeaderFrame)
        take(event.on === 'sasl-auth' ? { ...event, identity: side.secured() } : event)
      },
      end: () => take({ on: 'footer', received: 0 }),
      error: ({ condition, detail }) => take({ on: 'stopped', failure: { at: 'stream', why: 'broke-protocol', condition, detail } }),
    })
    return reader
  }
  for (const segment of segments) {
    for (let at = 0; at < segment.length && !side.over();) {
      framer ??= read()
      at += framer.write(segment.subarray(at, at + size))
      if (pending !== undefined) {
        const surplus = segment.subarray(at).filter(byte => byte > 0x20).length
        const event = pending
        pending = undefined
        const told = side.step(event.on === 'starttls' ? { ...event, surplus } : event)
        framer = undefined
        at = segment.length
        if (told.some(command => command.do === 'start-tls')) side.step({ on: 'secured', identity: false })
      } else if (framer.phase === 'stopped') framer = undefined
      else if (framer.phase === 'ended' || framer.phase === 'dead') return
    }
  }
  if (!side.over()) side.step({ on: 'silence', received: 0 })
}

function encoded (segments: readonly string[]): Uint8Array[] {
  return segments.map(encode)
}

function encode (text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
