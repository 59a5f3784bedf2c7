import { constantFrom, assert, option, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { childrenOf, toElement, type Element } from '../element.ts'
import type { HeaderFrame } from '../frame.ts'
import { createFramer } from '../framer.ts'
import { AFTER_AUTHENTICATION } from '../limits.ts'
import { bounceText, type Bounce } from './bounce.ts'
import { headerText } from './write.ts'

const MESSAGE: Bounce = { kind: 'message', from: 'b@partner.example/x', to: 'a@ours.example', id: '7', condition: 'remote-server-timeout', type: 'wait', by: 'gw.ours.example', text: 'nobody answers <there>' }

describe('a stanza error', () => {
  it('says who could not be reached, why, and who says so', () => {
    expect(bounceText(MESSAGE)).toBe("<message from='b@partner.example/x' to='a@ours.example' id='7' type='error'><error type='wait' by='gw.ours.example'>" +
      "<remote-server-timeout xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>nobody answers &lt;there&gt;</text></error></message>")
    expect(bounceText({ kind: 'presence', from: 'b', to: 'a', lang: 'de', condition: 'not-allowed', type: 'cancel' })).toBe(
      "<presence from='b' to='a' type='error' xml:lang='de'><error type='cancel'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>")
    expect(bounceText({ kind: 'message', from: 'b', to: 'a', condition: 'policy-violation', type: 'modify', tooBig: true })).toContain("<stanza-too-big xmlns='urn:xmpp:errors'/></error>")
  })

  it('keeps the child of an iq up to 1 KiB, in our own spelling, and never that of a message (row R5)', () => {
    const child = (size: number, unit = 'x') => read(`<iq><q:query xmlns:q="urn:q">${unit.repeat(size)}</q:query></iq>`)
    const iq = { ...MESSAGE, kind: 'iq', child: child(2) } as const
    expect(bounceText(iq)).toContain("type='error'><query xmlns='urn:q'>xx</query><error ")
    const around = "<query xmlns='urn:q'></query>".length
    expect(bounceText({ ...iq, child: child(1024 - around) })).toContain('<query')
    expect(bounceText({ ...iq, child: child(1025 - around) })).not.toContain('<query')
    expect(bounceText({ ...iq, child: child(340, 'é') })).toContain('<query')
    expect(bounceText({ ...iq, child: child(500, 'é') })).not.toContain('<query')
    expect(bounceText({ ...iq, kind: 'message' })).not.toContain('<query')
  })

  it('is one canonical stanza of type error, whatever is in it', () => {
    const hostile = string({ unit: constantFrom('a', '<', '>', '&', "'", '"', ']]>', '\t', '\n', '\r', '\u0000', '\uFFFE', '\uD800', '😀', '</error>'), maxLength: 12 })
    assert(property(constantFrom('message', 'presence', 'iq'), hostile, hostile, option(hostile, { nil: undefined }), hostile, (kind, one, two, three, condition) => {
      let seen = 0
      const text = bounceText({ kind, from: one, to: two, ...(three === undefined ? {} : { id: three, text: three, by: three, lang: 'en' }), condition, type: 'cancel' })
      const framer = createFramer({ limits: AFTER_AUTHENTICATION }, {
        header: () => undefined,
        element: frame => {
          seen++
          expect([frame.kind, frame.typeIs('error'), frame.canonical]).toEqual([kind, true, true])
        },
        end: () => undefined,
        error: ({ detail }) => { throw new Error(`${detail}: ${text}`) },
      })
      framer.write(new TextEncoder().encode(headerText({}) + text))
      expect(seen).toBe(1)
    }), { numRuns: 500 })
  })
})

/** The first child of a stanza. */
function read (text: string): Element {
  let header: HeaderFrame | undefined
  let found: Element | undefined
  createFramer({ limits: AFTER_AUTHENTICATION }, {
    header: frame => { header = frame },
    element: frame => { found = childrenOf(toElement(frame, header as HeaderFrame))[0] },
    end: () => undefined,
    error: ({ detail }) => { throw new Error(detail) },
  }).write(new TextEncoder().encode(headerText({}) + text))
  if (found === undefined) throw new Error('no child')
  return found
}
