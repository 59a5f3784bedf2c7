import { assert, constantFrom, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createFramer } from '../framer.ts'
import type { HeaderFrame } from '../frame.ts'
import { AFTER_AUTHENTICATION } from '../limits.ts'
import { readHeader } from '../read-header.ts'
import { readEvent, type Event } from './event.ts'
import {
  ACKNOWLEDGEMENT_REQUEST, BIDI_REQUEST, ENABLE, ENABLED, FOOTER, PROCEED, SASL_SUCCESS, STARTTLS, STARTTLS_FAILURE, acknowledgementText, dialbackAnswerText, dialbackKeyText, dialbackQuestionText, externalText, featuresText, headerText, saslFailureText,
  enableFailureText, streamErrorText,
} from './write.ts'

const PAIR = ['ours.example', 'partner.example'] as const
const [from, to] = PAIR
const STREAMS = "xmlns='urn:ietf:params:xml:ns:xmpp-streams'"
const STANZAS = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"
const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

describe('reads what we write', () => {
  for (const [name, text, event] of [
    ['starttls', STARTTLS, { on: 'starttls' }],
    ['proceed', PROCEED, { on: 'proceed' }],
    ['starttls failure', STARTTLS_FAILURE, { on: 'starttls-failure' }],
    ['SASL success', SASL_SUCCESS, { on: 'sasl-success' }],
    ['SASL failure', saslFailureText('invalid-authzid'), { on: 'sasl-failure', condition: 'invalid-authzid' }],
    ['EXTERNAL with an identity', externalText('b3Vycy5leGFtcGxl'), { on: 'sasl-auth', mechanism: 'EXTERNAL', authzid: 'ours.example' }],
    ['EXTERNAL without one', externalText(''), { on: 'sasl-auth', mechanism: 'EXTERNAL', authzid: '' }],
    ['bidi', BIDI_REQUEST, { on: 'bidi' }],
    ['a key', dialbackKeyText(from, to, '9'), { on: 'dialback-key', from, to, key: '9' }],
    ['a question', dialbackQuestionText(from, to, 'i', '9'), { on: 'dialback-question', from, to, id: 'i', key: '9' }],
    ['a result', dialbackAnswerText('result', from, to, { type: 'invalid' }), { on: 'dialback-result', from, to, answer: { type: 'invalid' } }],
    ['a denial', dialbackAnswerText('result', from, to, { type: 'error', condition: 'item-not-found', text: 'not <here>' }), { on: 'dialback-result', from, to, answer: { type: 'error', condition: 'item-not-found', text: 'not <here>' } }],
    ['an answer', dialbackAnswerText('verify', from, to, { type: 'valid' }, 'i'), { on: 'dialback-verified', from, to, id: 'i', answer: { type: 'valid' } }],
    ['what asks for stream management', ENABLE, { on: 'stream-management', name: 'enable' }],
    ['what enables it', ENABLED, { on: 'stream-management', name: 'enabled' }],
    ['what refuses it', enableFailureText('unexpected-request'), { on: 'stream-management', name: 'failed' }],
    ['what asks for an acknowledgement', ACKNOWLEDGEMENT_REQUEST, { on: 'stream-management', name: 'r' }],
    ['an acknowledgement', acknowledgementText(12), { on: 'stream-management', name: 'a', handled: 12 }],
    ['a stream error about an element that is too big', streamErrorText('policy-violation', undefined, true), { on: 'stream-error', condition: 'policy-violation', application: '{urn:xmpp:errors}stanza-too-big' }],
    ['a stream error', streamErrorText('host-unknown', 'who?'), { on: 'stream-error', condition: 'host-unknown', text: 'who?' }],
  ] as const) it(name, () => expect(events(headerText({ from, to }) + text)).toEqual([expect.objectContaining({ on: 'header' }), event]))

  it('features', () => {
    for (const starttls of ['absent', 'optional', 'required'] as const) {
      for (const flags of [{ external: false, dialback: false, bidi: false }, { external: true, dialback: true, bidi: true }]) {
        expect(events(headerText({ to }) + featuresText({ starttls, ...flags }))[1]).toEqual({
          on: 'features', features: { starttls, mechanisms: flags.external ? ['EXTERNAL'] : [], dialback: flags.dialback, dialbackErrors: flags.dialback, bidi: flags.bidi, streamManagement: false, other: [] },
        })
      }
    }
  })

  it('features with stream management and limits', () => {
    const [, seen] = events(headerText({}) + featuresText({ starttls: 'absent', external: false, dialback: false, bidi: false, streamManagement: true, limits: { maxBytes: 262_144, idleSeconds: 900 } }))
    expect(seen).toMatchObject({ on: 'features', features: { streamManagement: true, limits: { maxBytes: 262_144, idleSeconds: 900 }, other: [] } })
    expect(events(headerText({}) + featuresText({ starttls: 'absent', external: false, dialback: false, bidi: false, limits: { idleSeconds: 1 } }))[1]).toMatchObject({ features: { limits: { idleSeconds: 1 } } })
  })

  it('a header with a language', () => expect(events(headerText({ from, to, lang: 'de' }))).toEqual([{ on: 'header', header: expect.objectContaining({ lang: 'de', from, to }) }]))

  it('any text in any place, and nothing that it holds becomes markup', () => {
    const hostile = string({ unit: constantFrom('a', '<', '>', '&', "'", '"', ']]>', '\t', '\n', '\r', '\u0000', '\u001B', '\uFFFE', '\uD800', '😀', ' ', '&#0;', '<!--', '</stream:stream>'), maxLength: 12 })
    assert(property(hostile, hostile, hostile, (one, two, three) => {
      const seen = events(headerText({ from: one, to: two, id: three }) + dialbackKeyText(one, two, three) + dialbackAnswerText('verify', one, two, { type: 'error', condition: three, text: one }, three) +
        streamErrorText('reset', two) + externalText(one) + saslFailureText(three) + FOOTER)
      expect(seen.map(event => event.on)).toEqual(['header', 'dialback-key', 'dialback-verified', 'stream-error', 'sasl-auth', 'sasl-failure', 'footer'])
      expect(seen[0]).toEqual({ on: 'header', header: expect.objectContaining(named({ from: one, to: two, id: three })) })
      expect(seen[1]).toMatchObject({ from: legal(one), to: legal(two) })
    }), { numRuns: 300 })
  })
})

describe('reads what real servers send', () => {
  const open = "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:server' xmlns:db='jabber:server:dialback' version='1.0' id='1'>"
  for (const [name, text, event] of [
    ['Prosody repeats the key in its answer, with an id', "<db:result to='a.example' from='b.example' type='valid' id='7'>9</db:result>", { on: 'dialback-result', from: 'b.example', to: 'a.example', answer: { type: 'valid' } }],
    ['ejabberd says why', `<db:result to='a.example' from='b.example' type='error'><error type='cancel'><remote-server-not-found ${STANZAS}/><text xml:lang='en' ${STANZAS}>Connection failed: timeout</text></error></db:result>`,
      { on: 'dialback-result', from: 'b.example', to: 'a.example', answer: { type: 'error', condition: 'remote-server-not-found', text: 'Connection failed: timeout' } }],
    ['an error without a reason', "<db:verify to='a.example' from='b.example' id='7' type='error'/>", { on: 'dialback-verified', from: 'b.example', to: 'a.example', id: '7', answer: { type: 'error', condition: 'undefined-condition' } }],
    ['a type that nobody knows', "<db:result to='a.example' from='b.example' type='unsure'/>", { on: 'dialback-result', from: 'b.example', to: 'a.example', answer: { type: 'error', condition: 'undefined-condition' } }],
    ['another prefix', "<d:result xmlns:d='jabber:server:dialback' to='a.example' from='b.example'>k</d:result>", { on: 'dialback-key', from: 'b.example', to: 'a.example', key: 'k' }],
    ['a provider that serves our domain', `<stream:error><undefined-condition ${STREAMS}/><text ${STREAMS}>Attempt to connect from a host we serve</text></stream:error>`,
      { on: 'stream-error', condition: 'undefined-condition', text: 'Attempt to connect from a host we serve' }],
    ['an application condition', `<stream:error><policy-violation ${STREAMS}/><stanza-too-big xmlns='urn:xmpp:errors'/></stream:error>`, { on: 'stream-error', condition: 'policy-violation', application: '{urn:xmpp:errors}stanza-too-big' }],
    ['see-other-host', `<stream:error><see-other-host ${STREAMS}>[2001:db8::1]:9222</see-other-host></stream:error>`, { on: 'stream-error', condition: 'see-other-host', elsewhere: '[2001:db8::1]:9222' }],
    ['an error without a condition', '<stream:error/>', { on: 'stream-error', condition: 'undefined-condition' }],
    ['EXTERNAL refused with a text', `<failure ${SASL}><not-authorized/><text xml:lang='en'>No</text></failure>`, { on: 'sasl-failure', condition: 'not-authorized', text: 'No' }],
    ['EXTERNAL with a broken identity', `<auth ${SASL} mechanism='EXTERNAL'>a</auth>`, { on: 'sasl-auth', mechanism: 'EXTERNAL' }],
    ['EXTERNAL with an identity that is no UTF-8', `<auth ${SASL} mechanism='EXTERNAL'>/w==</auth>`, { on: 'sasl-auth', mechanism: 'EXTERNAL' }],
    ['stream management', "<r xmlns='urn:xmpp:sm:3'/>", { on: 'stream-management', name: 'r' }],
    ['an acknowledgement', "<a xmlns='urn:xmpp:sm:3' h='4294967295'/>", { on: 'stream-management', name: 'a', handled: 4_294_967_295 }],
    ['an acknowledgement of more than there can be', "<a xmlns='urn:xmpp:sm:3' h='4294967296'/>", { on: 'stream-management', name: 'a' }],
    ['an acknowledgement of nothing', "<a xmlns='urn:xmpp:sm:3' h='-1'/>", { on: 'stream-management', name: 'a' }],
    ['a stanza', "<iq type='get' from='a@b.example/x' to='c.example'><ping xmlns='urn:xmpp:ping'/></iq>", { on: 'stanza', name: 'iq', from: 'a@b.example/x', to: 'c.example' }],
    ['a stanza of clients, which is none here', "<message xmlns='jabber:client'/>", { on: 'unknown-element', name: '{jabber:client}message' }],
    ['a dialback result that is none', "<result from='a' to='b' type='valid'/>", { on: 'unknown-element', name: '{jabber:server}result' }],
    ['a SASL challenge', `<challenge ${SASL}/>`, { on: 'unknown-element', name: '{urn:ietf:params:xml:ns:xmpp-sasl}challenge' }],
  ] as const) it(name, () => expect(events(open + text)[1]).toEqual(event))

  it('with a length that the contracts allow, whatever was sent', () => {
    const long = '\u200B'.repeat(2000)
    const [, error, failure] = events(`${open}<stream:error><a-\u200C${'\u200C'.repeat(90)} ${STREAMS}/><text ${STREAMS}>${long}</text><a-\u200C${'\u200C'.repeat(80)} xmlns='urn:x'/></stream:error><failure ${SASL}><x/><text>${long}</text></failure>`)
    expect(error).toMatchObject({ on: 'stream-error' })
    if (error?.on !== 'stream-error' || failure?.on !== 'sasl-failure') throw new Error('not read')
    for (const [value, most] of [[error.condition, 64], [error.text, 400], [error.application, 200], [failure.text, 400]] as const) expect(value?.length).toBeLessThanOrEqual(most)
  })
})

/** Every event of a text, through the framer. */
function events (text: string): Event[] {
  const seen: Event[] = []
  let opened: HeaderFrame | undefined
  const framer = createFramer({ limits: AFTER_AUTHENTICATION }, {
    header: frame => {
      opened = { ...frame, bytes: frame.bytes.slice() }
      const read = readHeader(frame)
      if ('header' in read) seen.push({ on: 'header', header: read.header })
    },
    element: frame => { seen.push(readEvent(frame, opened as HeaderFrame)) },
    end: () => { seen.push({ on: 'footer', received: 0 }) },
    error: ({ condition, detail }) => { throw new Error(`${condition}: ${detail}`) },
  })
  framer.write(new TextEncoder().encode(text))
  return seen
}

/** What arrives of a text: XML has no place for some characters. */
function legal (text: string): string {
  return text.replace(/\p{Cs}/gu, '\uFFFD').replaceAll('\0', '\uFFFD').replaceAll('\x1B', '\uFFFD').replaceAll('\uFFFE', '\uFFFD')
}

function named (attributes: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== '').map(([name, value]) => [name, legal(value)]))
}
