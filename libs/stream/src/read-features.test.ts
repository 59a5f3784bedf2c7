import { describe, expect, it } from 'vitest'
import type { FeaturesSeen } from '@dialtone/contracts'
import { toElement } from './element.ts'
import type { HeaderFrame } from './frame.ts'
import { createFramer } from './framer.ts'
import { BEFORE_AUTHENTICATION } from './limits.ts'
import { readFeatures } from './read-features.ts'

const STREAM = "xmlns:stream='http://etherx.jabber.org/streams'"
const OPEN = `<stream:stream ${STREAM} xmlns='jabber:server' version='1.0' id='1'>`
const TLS = "xmlns='urn:ietf:params:xml:ns:xmpp-tls'"
const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

describe('features', () => {
  for (const [name, inside, expected] of [
    ['none', '', {}],
    ['STARTTLS', `<starttls ${TLS}/>`, { starttls: 'optional' }],
    ['STARTTLS, insisted on', `<starttls ${TLS}><required/></starttls>`, { starttls: 'required' }],
    ['STARTTLS twice: the stricter counts', `<starttls ${TLS}><required/></starttls><starttls ${TLS}/>`, { starttls: 'required' }],
    ['STARTTLS of another namespace', "<starttls xmlns='urn:x'/>", { other: ['{urn:x}starttls'] }],
    ['SASL', `<mechanisms ${SASL}><mechanism> EXTERNAL\n</mechanism><mechanism>PLAIN</mechanism><optional/></mechanisms>`, { mechanisms: ['EXTERNAL', 'PLAIN'] }],
    ['SASL without a mechanism, as ejabberd sends it', `<mechanisms ${SASL}/>`, {}],
    ['SASL in two lists', `<mechanisms ${SASL}><mechanism>PLAIN</mechanism></mechanisms><mechanisms ${SASL}><mechanism>EXTERNAL</mechanism></mechanisms>`, { mechanisms: ['PLAIN', 'EXTERNAL'] }],
    ['dialback with errors', "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>", { dialback: true, dialbackErrors: true }],
    ['dialback without, as Prosody sends it', "<dialback xmlns='urn:xmpp:features:dialback'/>", { dialback: true }],
    ['bidi', "<bidi xmlns='urn:xmpp:features:bidi'/>", { bidi: true }],
    ['bidi in the namespace of its request: understood and listed', "<bidi xmlns='urn:xmpp:bidi'/>", { bidi: true, other: ['{urn:xmpp:bidi}bidi'] }],
    ['stream management', "<sm xmlns='urn:xmpp:sm:3'/><sm xmlns='urn:xmpp:sm:2'/>", { streamManagement: true, other: ['{urn:xmpp:sm:2}sm'] }],
    ['limits', "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>524288</max-bytes><idle-seconds>840</idle-seconds></limits>", { limits: { maxBytes: 524_288, idleSeconds: 840 } }],
    ['limits that are no numbers', "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>-1</max-bytes><idle-seconds>1e9</idle-seconds></limits>", { limits: {} }],
    ['what nobody knows', "<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>", { other: ['{http://jabber.org/features/compress}compression'] }],
  ] as const) it(name, () => expect(features(`<stream:features>${inside}</stream:features>`)).toEqual({ ...NOTHING, ...expected }))

  it('by namespace, whatever the prefixes', () => {
    expect(features(`<s:features xmlns:s='http://etherx.jabber.org/streams' xmlns:t='urn:ietf:params:xml:ns:xmpp-tls'><t:starttls><t:required/></t:starttls></s:features>`)).toEqual({ ...NOTHING, starttls: 'required' })
  })

  it('no more of them than anyone offers', () => {
    expect(features(`<stream:features>${Array.from({ length: 60 }, (_, i) => `<f${i}/>`).join('')}</stream:features>`).other).toHaveLength(32)
  })
})

const NOTHING: FeaturesSeen = { starttls: 'absent', mechanisms: [], dialback: false, dialbackErrors: false, bidi: false, streamManagement: false, other: [] }

function features (text: string): FeaturesSeen {
  let seen: FeaturesSeen | undefined
  let opened: HeaderFrame | undefined
  const framer = createFramer({ limits: BEFORE_AUTHENTICATION }, {
    header: frame => { opened = { ...frame, bytes: frame.bytes.slice() } },
    element: frame => { seen = readFeatures(toElement(frame, opened as HeaderFrame)) },
    end: () => undefined,
    error: ({ condition, detail }) => { throw new Error(`${condition}: ${detail}`) },
  })
  framer.write(new TextEncoder().encode(OPEN + text))
  if (seen === undefined) throw new Error('no features')
  return seen
}
