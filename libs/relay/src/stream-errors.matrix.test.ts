// Every way to break a stream, in each of its three phases: before TLS, after TLS, after authentication (gateways.md 9.3). Over real sockets, the peer gets our header, exactly the
// stream error that RFC 6120 §4.9.3 has for it, the footer and the end of the connection, in this order; and nothing comes in.
import { externalText } from '@dialtone/stream'
import { describe, expect, it } from 'vitest'
import { OURS, PEER, SECOND, STRANGER, started, worldOf, type Given, type Started } from './inbound/test-support/gateway.ts'
import { CERTIFICATE, HEADER, STARTTLS, dial, type RawPeer } from './inbound/test-support/raw-peer.ts'

const PHASES = ['before TLS', 'after TLS', 'after authentication'] as const
type Phase = (typeof PHASES)[number]
/** A condition, or what is no stream error: it `goes on`, is a `starttls failure` (RFC 6120 §5.4.2.2), or `clean`, as the peer wants it. */
type End = string
/** The same end in all phases, or one for each. */
type Row = [name: string, says: string | Uint8Array, ends: End | readonly [End, End, End], given?: Given]

const STREAM = "xmlns:stream='http://etherx.jabber.org/streams'"
const header = (attributes: string, { namespaces = `xmlns='jabber:server' ${STREAM}`, name = 'stream:stream', before = '' } = {}) => `${before}<${name} ${namespaces} ${attributes}>`
const NAMED = `from='${PEER}' to='${OURS}'`
const GOOD = `${NAMED} version='1.0'`
const UTF8 = new TextEncoder()
const bytes = (...parts: (string | readonly number[])[]) => Uint8Array.from(parts.flatMap(part => typeof part === 'string' ? [...UTF8.encode(part)] : part))

/** RFC 6120 §4.7; what a header leaves out after a restart is what the first one said. */
const HEADERS: readonly Row[] = [
  ['a tag that is none', `<stream:stream xmlns='jabber:server' ${STREAM} to=${OURS}>`, 'not-well-formed'],
  ['an attribute that comes twice', header(`${GOOD} to='${OURS}'`), 'not-well-formed'],
  ['a prefix that is not declared', header(GOOD, { namespaces: "xmlns='jabber:server'" }), 'not-well-formed'],
  ['text before it', `hello ${header(GOOD)}`, 'not-well-formed'],
  ['an end without a beginning', '</stream:stream>', 'not-well-formed'],
  ['another root', "<message xmlns='jabber:server'>", 'bad-format'],
  ['another root in the namespace of streams', header(GOOD, { name: 'stream:features' }), 'bad-format'],
  ['another stream namespace', header(GOOD, { namespaces: "xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/stream'" }), 'invalid-namespace'],
  ['the content namespace of clients', header(GOOD, { namespaces: `xmlns='jabber:client' ${STREAM}` }), 'invalid-namespace'],
  ['no content namespace', header(GOOD, { namespaces: STREAM }), 'invalid-namespace'],
  ['no version, where peers from before there was one cannot authenticate', header(NAMED), 'unsupported-version', { leg: { dialback: 'never' } }],
  ['a version before 1.0, likewise', header(`${NAMED} version='0.9'`), 'unsupported-version', { leg: { dialback: 'never' } }],
  ['a later version, which is answered with ours (§4.7.5)', header(`${NAMED} version='2.1'`), 'goes on'],
  ['no to', header(`from='${PEER}' version='1.0'`), ['improper-addressing', 'goes on', 'goes on']],
  ['an empty to', header(`from='${PEER}' to='' version='1.0'`), 'improper-addressing'],
  ['to an address', header(`from='${PEER}' to='user@${OURS}' version='1.0'`), 'improper-addressing'],
  ['to what is no domain', header(`from='${PEER}' to='ours_.example..' version='1.0'`), 'improper-addressing'],
  ['to a domain that is not served', header(`from='${PEER}' to='${STRANGER}' version='1.0'`), ['host-unknown', 'improper-addressing', 'improper-addressing']],
  ['to another domain of ours', header(`from='${PEER}' to='${SECOND}' version='1.0'`), ['goes on', 'improper-addressing', 'improper-addressing']],
  ['no from', header(`to='${OURS}' version='1.0'`), 'goes on'],
  ['from an address', header(`from='user@${PEER}' to='${OURS}' version='1.0'`), 'improper-addressing'],
  ['from a domain of ours', header(`from='${SECOND}' to='${OURS}' version='1.0'`), ['not-authorized', 'improper-addressing', 'improper-addressing']],
  ['from another peer', header(`from='${STRANGER}' to='${OURS}' version='1.0'`), ['goes on', 'improper-addressing', 'improper-addressing']],
  ['from a peer that policy denies', header(GOOD), ['policy-violation', 'policy-violation', 'policy-violation'], { decide: peer => peer === PEER ? { action: 'deny' } : {} }],
  ['a document type', header(GOOD, { before: '<!DOCTYPE stream>' }), 'restricted-xml'],
  ['a comment', header(GOOD, { before: '<!-- hello -->' }), 'restricted-xml'],
  ['a processing instruction', header(GOOD, { before: '<?hello world?>' }), 'restricted-xml'],
  ['an entity that is not predefined', header(`${NAMED} version='&one;'`), 'restricted-xml'],
  ['another version of XML', header(GOOD, { before: "<?xml version='1.1'?>" }), 'not-well-formed'],
  ['another encoding, declared', header(GOOD, { before: "<?xml version='1.0' encoding='iso-8859-1'?>" }), 'unsupported-encoding'],
  ['bytes that are no UTF-8', bytes(`<stream:stream id='`, [0xC3, 0x28], `' ${STREAM}>`), 'not-well-formed'],
  ['UTF-16', bytes([0xFF, 0xFE, 0x3C, 0x00, 0x73, 0x00]), 'not-well-formed'],
  ['too many bytes', header(`${GOOD} id='${'x'.repeat(4096)}'`), 'policy-violation'],
  ['a language too long', header(`${GOOD} xml:lang='${'x'.repeat(200)}'`), 'policy-violation'],
]

const deep = (levels: number) => `${'<a>'.repeat(levels)}${'</a>'.repeat(levels)}`
const stanza = (attributes: string, name = 'message') => `<${name} ${attributes}><body>hello</body></${name}>`
const FROM_TO = `from='a@${PEER}' to='b@${OURS}'`
/** What comes behind the features. Nothing but negotiation goes on before authentication (§4.3, §8.1.2). */
const UNAUTHENTICATED = ['not-authorized', 'not-authorized'] as const
const ELEMENTS: readonly Row[] = [
  ['tags that do not match', '<message></iq>', 'not-well-formed'],
  ['an attribute that comes twice', "<iq id='1' id='2'/>", 'not-well-formed'],
  ['a prefix that is not declared', '<x:message/>', 'not-well-formed'],
  ['an attribute without quotes', '<iq id=1/>', 'not-well-formed'],
  ['a sign that begins nothing', '<<iq/>', 'not-well-formed'],
  ['a character that XML does not have', '<message><body>&#0;</body></message>', 'not-well-formed'],
  ['a byte that XML does not have', bytes('<message><body>', [0x00]), 'not-well-formed'],
  ['bytes that are no UTF-8', bytes('<message><body>', [0xED, 0xA0, 0x80]), 'not-well-formed'],
  ['a document type', '<!DOCTYPE x>', 'restricted-xml'],
  ['a comment', '<!-- hello -->', 'restricted-xml'],
  ['a comment inside an element', '<message><!-- hello --></message>', 'restricted-xml'],
  ['a processing instruction', '<?hello world?>', 'restricted-xml'],
  ['an entity that is not predefined', '<message><body>&hello;</body></message>', 'restricted-xml'],
  ['text between elements', 'hello', 'bad-format'],
  ['a section of text between elements', '<![CDATA[hello]]>', 'not-well-formed'],
  ['a second declaration', "<?xml version='1.0'?>", 'restricted-xml'],
  ['a second header', `${header(GOOD)}</stream:stream>`, 'unsupported-stanza-type'],
  ['another end', '</stream:features>', 'not-well-formed'],
  ['too many bytes', `<message><body>${'x'.repeat(262_200)}</body></message>`, 'policy-violation'],
  ['too many bytes of somebody unknown', `<message><body>${'x'.repeat(8200)}</body></message>`, ['policy-violation', 'policy-violation', 'improper-addressing']],
  ['too many levels', `<message>${deep(65)}</message>`, 'policy-violation'],
  ['too many attributes', `<message ${Array.from({ length: 65 }, (_, at) => `a${at}=''`).join(' ')}/>`, 'policy-violation'],
  ['too many elements', `<message>${'<a/>'.repeat(5000)}</message>`, 'policy-violation'],
  ['a namespace too long', `<message xmlns:a='${'x'.repeat(300)}'/>`, 'policy-violation'],
  ['an element that nobody knows', "<hello xmlns='urn:example:hello'/>", 'unsupported-stanza-type'],
  ['a stanza of clients', stanza(`xmlns='jabber:client' ${FROM_TO}`), 'unsupported-stanza-type'],
  ['no stanza of ours', stanza(FROM_TO, 'letter'), 'unsupported-stanza-type'],
  ['features, which are ours to send', '<stream:features/>', 'unsupported-stanza-type'],
  ['leave to go on with TLS, which is ours to give', "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", 'unsupported-stanza-type'],
  ['success, which is ours to tell', "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", 'unsupported-stanza-type'],
  ['bidi, which was not offered', "<bidi xmlns='urn:xmpp:bidi'/>", 'unsupported-feature'],
  ['acknowledgements, which were not asked for', "<r xmlns='urn:xmpp:sm:3'/>", 'unsupported-stanza-type'],
  ['STARTTLS, a second time or with something behind it', `${STARTTLS}<iq/>`, ['not-well-formed', 'starttls failure', 'starttls failure']],
  ['three answers that nobody asked for', `<db:result xmlns:db='jabber:server:dialback' ${NAMED} type='valid'/>`.repeat(3), 'invalid-id'],
  ['a key of nobody', "<db:result xmlns:db='jabber:server:dialback'>key</db:result>", 'improper-addressing'],
  ['a question of nobody', `<db:verify xmlns:db='jabber:server:dialback' ${NAMED}>key</db:verify>`, 'improper-addressing'],
  ['three keys in clear', `<db:result xmlns:db='jabber:server:dialback' ${NAMED}>key</db:result>`.repeat(3), ['policy-violation', 'goes on', 'goes on']],
  ['a stanza of its own', stanza(FROM_TO), [...UNAUTHENTICATED, 'goes on']],
  ['a stanza of another type', stanza(`${FROM_TO} type='unheard-of'`), [...UNAUTHENTICATED, 'goes on']],
  ['a stanza from another domain', stanza(`from='a@${STRANGER}' to='b@${OURS}'`), [...UNAUTHENTICATED, 'invalid-from']],
  ['a stanza from a domain below its own', stanza(`from='a@chat.${PEER}' to='b@${OURS}'`), [...UNAUTHENTICATED, 'invalid-from']],
  ['a stanza from a domain of ours', stanza(`from='a@${OURS}' to='b@${OURS}'`), [...UNAUTHENTICATED, 'invalid-from']],
  ['a stanza to another domain of ours', stanza(`from='a@${PEER}' to='b@${SECOND}'`), [...UNAUTHENTICATED, 'invalid-from']],
  ['a stanza to a domain that is not served, which is answered (gateways.md 5.2)', stanza(`from='a@${PEER}' to='b@${STRANGER}'`), [...UNAUTHENTICATED, 'goes on']],
  ['a stanza without from', stanza(`to='b@${OURS}'`), [...UNAUTHENTICATED, 'improper-addressing']],
  ['a stanza without to', stanza(`from='a@${PEER}'`), [...UNAUTHENTICATED, 'improper-addressing']],
  ['a stanza from what is no address', stanza(`from='a@b@${PEER}' to='b@${OURS}'`), [...UNAUTHENTICATED, 'improper-addressing']],
  ['a stanza to what is no address', stanza(`from='a@${PEER}' to='b@'`), [...UNAUTHENTICATED, 'improper-addressing']],
  ['an error of the peer', "<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>", 'clean'],
  ['the end', '</stream:stream>', 'clean'],
]

for (const [at, phase] of PHASES.entries()) {
  describe(`in a header ${phase}`, () => {
    for (const [name, says, ends, given] of HEADERS) it(name, () => expectEnd(says, typeof ends === 'string' ? ends : ends[at] ?? '', phase, { given, upTo: 'header' }))
  })
  describe(`behind the features ${phase}`, () => {
    for (const [name, says, ends, given] of ELEMENTS) it(name, () => expectEnd(says, typeof ends === 'string' ? ends : ends[at] ?? '', phase, { given, upTo: 'features' }))
  })
}

async function expectEnd (says: string | Uint8Array, end: End, phase: Phase, { given = {}, upTo }: { given?: Given | undefined, upTo: 'header' | 'features' }): Promise<void> {
  const gateway = await started({ bounds: { accepts: 1e6, acceptsPerSecond: 1e6 } })
  const peer = await dial(gateway.starttls)
  await come(peer, phase, upTo)
  if (Object.keys(given).length > 0) await become(gateway, given)
  const before = peer.heard.length
  peer.say(says)
  if (end === 'goes on') {
    // It is alive: what is asked is answered.
    if (upTo === 'header') await peer.until(/version='1.0'>.*(<\/stream:features>|<stream:features\/>)/s)
    peer.say('</stream:stream>')
    const heard = (await peer.closed).slice(before)
    return expect(heard).not.toContain('<stream:error')
  }
  const heard = (await peer.closed).slice(before)
  expect(gateway.taken).toEqual([])
  if (end === 'starttls failure') return expect(heard).toMatch(/^<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'\/><\/stream:stream>$/)
  if (end === 'clean') return expect(heard).toBe('</stream:stream>')
  const pattern = /^(<\?xml version='1.0'\?>)?(<stream:stream [^>]*>)?(.*)<stream:error>(.*)<\/stream:error><\/stream:stream>$/.exec(heard)
  expect(pattern, heard).not.toBeNull()
  const [, , ours, answers, error] = pattern ?? []
  // An error about a header follows our own (§4.9.1.2), and only one does.
  expect(ours !== undefined, heard).toBe(upTo === 'header')
  expect(answers).not.toContain('<stream:error')
  expect(error).toMatch(new RegExp(`^<${end} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>`))
}

/** Up to where the header of the phase is due, or to the features behind it. */
async function come (peer: RawPeer, phase: Phase, upTo: 'header' | 'features'): Promise<void> {
  const greeted = async () => {
    peer.say(HEADER)
    await peer.until(/<stream:features>.*?<\/stream:features>|<stream:features\/>/)
  }
  if (phase !== 'before TLS') {
    await greeted()
    peer.say(STARTTLS)
    await peer.until(/<proceed[^>]*>/)
    await peer.startTls(CERTIFICATE)
  }
  if (phase === 'after authentication') {
    await greeted()
    peer.say(externalText('='))
    await peer.until(/<success[^>]*>/)
  }
  if (upTo === 'features') await greeted()
}

/** The rules of the row; those of the phases before it let the peer come so far. */
async function become (gateway: Started, given: Given): Promise<void> {
  expect(await gateway.become(await worldOf(given))).toEqual([])
}
