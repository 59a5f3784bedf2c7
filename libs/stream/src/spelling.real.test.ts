// How Prosody and ejabberd spell what they send to other servers: their own serialisers write, and what is ordinary is in the gateway's own spelling.
import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { createFramer } from './framer.ts'
import { AFTER_AUTHENTICATION } from './limits.ts'

const HEADER = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' version='1.0'>"

/** As clients send them (slixmpp writes double quotes), and as each server gives them to other servers. */
const STANZAS = [
  '<message to="a@b.example/x" from="c@d.example" type="chat" id="1" xml:lang="en"><body>It\'s &lt;3 &amp; "so" on &gt;\n\tÐæt wæs gōd 👑</body><active xmlns="http://jabber.org/protocol/chatstates"/><request xmlns="urn:xmpp:receipts"/></message>',
  '<message to="a@b.example" from="c@d.example/y" type="headline"><event xmlns="http://jabber.org/protocol/pubsub#event"><items node="urn:xmpp:avatar:metadata"><item id="1"><metadata xmlns="urn:xmpp:avatar:metadata"><info bytes="1" id="2" type="image/png"/></metadata></item></items></event></message>',
  '<message to="a@b.example" from="c@d.example/y" type="groupchat" id="q"><body>x</body><stanza-id xmlns="urn:xmpp:sid:0" by="c@d.example" id="cG1Q"/><delay xmlns="urn:xmpp:delay" from="d.example" stamp="2026-01-01T00:00:00Z"/></message>',
  '<message to="a@b.example" from="c@d.example/y" type="error" id="q"><error type="cancel"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas">no</text></error></message>',
  '<presence to="a@b.example" from="c@d.example" type="subscribe"/>',
  '<presence to="a@b.example" from="c@d.example/y"><show>away</show><status>O&apos;clock</status><priority>5</priority><c xmlns="http://jabber.org/protocol/caps" hash="sha-1" node="http://x" ver="a/+="/><x xmlns="vcard-temp:x:update"><photo>ab</photo></x></presence>',
  '<presence to="a@b.example" from="c@d.example/y" xml:lang="de"><x xmlns="http://jabber.org/protocol/muc#user"><item affiliation="member" role="participant"/><status code="110"/></x></presence>',
  '<iq to="b.example" from="d.example" type="get" id="ping-1"><ping xmlns="urn:xmpp:ping"/></iq>',
  '<iq to="a@b.example/x" from="c@d.example/y" type="result" id="7"><query xmlns="http://jabber.org/protocol/disco#info" node="n"><identity category="client" type="pc" name="It&apos;s"/><feature var="urn:x"/><x xmlns="jabber:x:data" type="result"><field var="FORM_TYPE" type="hidden"><value>urn:f</value></field></x></query></iq>',
  '<iq to="a@b.example/x" from="c@d.example/y" type="set" id="8"><vCard xmlns="vcard-temp"><FN>Name</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>iVBORw0KGgo=</BINVAL></PHOTO></vCard></iq>',
]

/** util.xmppstream reads it as of a client, and the stanza goes out as mod_s2s writes it. */
const PROSODY = `
package.path = '/usr/lib/prosody/?.lua;' .. package.path
package.cpath = '/usr/lib/prosody/?.so;' .. package.cpath
local new = require 'util.xmppstream'.new
require 'util.stanza'
local stream = new({ notopen = true }, { stream_ns = 'http://etherx.jabber.org/streams', stream_tag = 'stream', default_ns = 'jabber:client',
  streamopened = function (session) session.notopen = nil end, streamclosed = function () end, error = function (_, what) error(what) end,
  handlestanza = function (_, stanza) io.write(tostring(stanza)) end })
assert(stream:feed("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"))
assert(stream:feed(io.read('a')))
`

/** fast_xml reads it as of a client, and xmpp encodes it for another server, as ejabberd_s2s_out does. */
const EJABBERD = `
application:ensure_all_started(fast_xml), application:ensure_all_started(xmpp),
Given = base64:decode(os:getenv("STANZAS")),
Write = fun (Text) ->
  Packet = xmpp:decode(fxml_stream:parse_element(Text), <<"jabber:client">>, [ignore_els]),
  io:put_chars([base64:encode(fxml:element_to_binary(xmpp:encode(Packet, <<"jabber:server">>))), 10])
end,
[Write(Text) || Text <- binary:split(Given, <<0>>, [global])],
halt().
`

it('all that Prosody writes of ordinary stanzas may leave as it came', () => {
  const written = execFileSync('lua5.4', ['-e', PROSODY], { input: STANZAS.join(''), timeout: 60_000 })
  expect(share(written)).toEqual({ canonical: STANZAS.length, of: STANZAS.length, rest: [] })
})

it('all that ejabberd writes of ordinary stanzas may leave as it came', () => {
  const lines = execFileSync('erl', ['-noshell', '-noinput', '-eval', EJABBERD], { env: { ...process.env, STANZAS: Buffer.from(STANZAS.join('\0')).toString('base64') }, timeout: 60_000 })
  const written = Buffer.concat(lines.toString().split('\n').map(line => Buffer.from(line, 'base64')))
  expect(share(written)).toEqual({ canonical: STANZAS.length, of: STANZAS.length, rest: [] })
})

it('nothing with attributes in double quotes may, which is how slixmpp writes', () => {
  expect(share(Buffer.from(STANZAS.join('')))).toMatchObject({ canonical: 0, of: STANZAS.length })
})

function share (written: Buffer): { canonical: number, of: number, rest: string[] } {
  const found = { canonical: 0, of: 0, rest: [] as string[] }
  const framer = createFramer({ limits: AFTER_AUTHENTICATION }, {
    header: () => undefined,
    element: frame => {
      found.of++
      if (frame.canonical) found.canonical++
      else found.rest.push(Buffer.from(frame.bytes).toString())
    },
    end: () => undefined,
    error: ({ detail }) => { throw new Error(`${detail} in ${written.toString()}`) },
  })
  framer.write(Buffer.from(HEADER + written.toString()))
  return found
}
