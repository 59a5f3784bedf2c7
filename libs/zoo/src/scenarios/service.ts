// Nobody is there, or it is not the right one, or it does not speak XMPP, or it speaks it wrongly.
import { afterHeader, afterTls, starttlsServer, untilStarttls } from '../peer/scripts.ts'
import type { Script } from '../peer/steps.ts'
import { DOMAIN, type Counterpart, type Scenario } from '../scenario.ts'
import { NOT_WITH_THESE, oneEndpoint, twoEndpoints } from './parts.ts'

const HTTP = 'HTTP/1.1 400 Bad Request\r\nServer: web.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
const DOWN = 'down' as const
const ANY_THAT_HANGS: Counterpart = { none: 'the servers answer at once; only a hung process or a firewall swallows a stream' }
const NO_XMPP: Counterpart = { none: 'what listens is no XMPP server' }

export const SERVICE: readonly Scenario[] = [
  {
    name: 'refused', title: 'nothing listens on the port (badxmpp: no-service)', expects: { cause: 'peer.unreachable', state: DOWN },
    ...oneEndpoint({}),
    counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'stopped' },
  },
  {
    name: 'dropped', title: 'a firewall drops the packets', expects: { cause: 'peer.unreachable', state: DOWN },
    ...oneEndpoint('blackhole'), request: { timeoutsMs: { tcp: 900 } },
    counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'behind a firewall that drops' },
  },
  {
    name: 'refused-and-dropped', title: 'one target refuses, the other drops', expects: { cause: 'peer.unreachable', state: DOWN },
    ...twoEndpoints({}, 'blackhole'), request: { timeoutsMs: { tcp: 900 } },
    counterpart: { servers: ['prosody'], how: 'stopped, and behind a firewall that drops' },
  },
  {
    name: 'ours-stopped', title: 'our own server does not listen', expects: { cause: 'service.down', state: DOWN },
    ...oneEndpoint({}), judge: { ours: true, expectedAddresses: 'published' },
    counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'stopped' },
  },
  {
    name: 'ours-disabled', title: 'our own server says that S2S is disabled', expects: { cause: 'service.down', state: DOWN },
    ...oneEndpoint({ usual: afterHeader([{ do: 'error', condition: 'policy-violation', text: 'Server-to-server communication is disabled for this host' }]) }), judge: { ours: true, expectedAddresses: 'published' },
    counterpart: { servers: ['prosody'], how: 'disallow_s2s = true for the host' },
  },
  notXmpp('zero-bytes', 'accepts and closes without a byte', [{ do: 'close' }]),
  notXmpp('zero-bytes-after-header', 'closes when it has read our header, without a byte', [{ do: 'await', what: 'header' }, { do: 'close' }]),
  notXmpp('http', 'a web server', [{ do: 'await', what: 'header' }, { do: 'send', text: HTTP }, { do: 'close' }]),
  notXmpp('smtp', 'a mail server, which speaks first', [{ do: 'send', text: '220 mail.example ESMTP\r\n' }, { do: 'silence' }]),
  notXmpp('ssh', 'a shell server, which speaks first', [{ do: 'send', text: 'SSH-2.0-OpenSSH_9.2\r\n' }, { do: 'silence' }]),
  protocol('doctype', 'a document type declaration instead of a header', [{ do: 'await', what: 'header' }, { do: 'send', text: "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]>" }, { do: 'silence' }]),
  notXmpp('binary', 'bytes that are no text', [{ do: 'await', what: 'header' }, { do: 'send-hex', hex: '16030300020100ff00fe' }, { do: 'silence' }]),
  silent('silent', 'accepts and says nothing', [{ do: 'silence' }]),
  silent('silent-after-header', 'a header, and then nothing', afterHeader([{ do: 'silence' }])),
  silent('silent-after-starttls', '<starttls/> is not answered', [...untilStarttls(), { do: 'silence' }]),
  silent('silent-after-tls', 'nothing after the handshake', afterTls([{ do: 'silence' }])),
  silent('silent-after-header-again', 'no features after the second header', afterTls([{ do: 'header' }, { do: 'silence' }])),
  {
    name: 'drip', title: 'one byte at a time, which never become features', expects: { cause: 'service.silent', state: DOWN },
    ...oneEndpoint({ usual: afterHeader([{ do: 'send', text: `<stream:features>${' '.repeat(5000)}`, everyMs: 50 }]) }), request: { timeoutsMs: { stream: 1500 } },
    counterpart: ANY_THAT_HANGS,
  },
  {
    name: 'silent-goodbye', title: 'never answers the end of our stream: nothing that stops federation', expects: { cause: 'healthy', state: 'up' },
    ...oneEndpoint({ usual: [...starttlsServer().slice(0, -1), { do: 'silence' }] }), request: { timeoutsMs: { close: 300 } }, counterpart: ANY_THAT_HANGS,
  },
  wrongHost('wrong-host', 'the server does not serve the domain', starttlsServer({ header: { serves: ['other.example'] } }), { servers: ['ejabberd', 'jabberd2'], how: 'without the host' }),
  wrongHost('wrong-host-prosody', 'the server does not serve the domain, and says so in words', starttlsServer({ header: { serves: ['other.example'], unknownText: `This host does not serve ${DOMAIN}` } }), { servers: ['prosody'], how: 'without the host' }),
  wrongHost('wrong-host-after-tls', 'the server finds out after TLS that it does not serve the domain', starttlsServer({ header: { serves: 'everyone' }, headerAgain: { serves: ['other.example'] } }), { none: 'these servers refuse before TLS' }),
  wrongHost('host-gone', 'the server served the domain once', afterHeader([{ do: 'error', condition: 'host-gone' }]), { none: 'none of them sends host-gone' }),
  {
    name: 'wrong-box', title: 'an address that is ours is answered by another server', expects: { cause: 'service.wrong-box', state: DOWN },
    ...oneEndpoint({ usual: starttlsServer({ header: { serves: ['other.example'] } }) }), judge: { ours: true, expectedAddresses: 'published' }, counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'without the host' },
  },
  busy('shutting-down', 'the server is shutting down', 'system-shutdown', { servers: ['prosody', 'ejabberd'], how: 'stopped while the stream is open' }),
  busy('overloaded', 'the server has no resources for us', 'resource-constraint', { servers: ['ejabberd'], how: 'max_fsm_queue or a shaper reached' }),
  busy('reset-by-policy', 'the server wants the stream to be opened anew', 'reset', { none: 'sent after a change of configuration that a test cannot time' }),
  protocol('bad-xml', 'a header, and then XML that is not well-formed', afterHeader([{ do: 'send', text: '<stream:features><a></b></stream:features>' }])),
  protocol('comment', 'a comment inside the stream: restricted XML', afterHeader([{ do: 'send', text: '<!-- hello --><stream:features/>' }, { do: 'silence' }])),
  protocol('wrong-streams-namespace', 'the header is in another namespace than that of streams', starttlsServer({ header: { streams: 'http://streams.example/wrong' } })),
  protocol('wrong-streams-namespace-after-tls', 'the header after TLS is in another namespace than that of streams', starttlsServer({ headerAgain: { streams: 'http://streams.example/wrong' } })),
  protocol('see-other-host', 'sends us to another host, which nobody follows without the same proofs', afterHeader([{ do: 'error', condition: 'see-other-host', text: 'other.example' }]), { none: 'none of them redirects servers' }),
  protocol('features-twice', 'a second answer where one was due', afterHeader([{ do: 'send', text: "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features><stream:features/>" }, { do: 'silence' }])),
  protocol('header-twice', 'a second header inside the first stream', afterHeader([{ do: 'header' }, { do: 'silence' }])),
  protocol('stanza-first', 'a message before the features', afterHeader([{ do: 'send', text: `<message from='${DOMAIN}' to='dialtone.invalid'><body>hello</body></message>` }, { do: 'silence' }])),
  protocol('ends-at-once', 'a header, and then the end of the stream', afterHeader([{ do: 'send', text: '</stream:stream>' }, { do: 'close' }])),
  protocol('closes-after-header', 'a header, and then the connection is closed', afterHeader([{ do: 'close' }])),
  protocol('resets-after-header', 'a header, and then the connection is reset', afterHeader([{ do: 'reset' }])),
  protocol('flood-in-header', 'a header of ten megabytes', [{ do: 'await', what: 'header' }, { do: 'send', text: "<stream:stream xmlns='jabber:server' id='" }, { do: 'flood', text: 'x', bytes: 10_000_000 }, { do: 'silence' }]),
  protocol('flood-in-features', 'features of ten megabytes', afterHeader([{ do: 'send', text: '<stream:features>' }, { do: 'flood', text: "<a xmlns='urn:example:flood'/>", bytes: 10_000_000 }, { do: 'silence' }])),
  protocol('flood-of-space', 'ten megabytes of white space', afterHeader([{ do: 'flood', text: '\n', bytes: 10_000_000 }, { do: 'silence' }])),
  protocol('wants-version', 'refuses our version, although it is right', afterHeader([{ do: 'error', condition: 'unsupported-version' }]), { servers: ['ejabberd'], how: 'without mod_s2s_dialback and without certificates' }),
  protocol('wants-addresses', 'says that our addresses are improper', afterHeader([{ do: 'error', condition: 'improper-addressing' }])),
  protocol('wants-namespace', 'says that our namespace is wrong', afterHeader([{ do: 'error', condition: 'invalid-namespace' }])),
  {
    name: 'flood-after-tls', title: 'features of ten megabytes after TLS', expects: { cause: 'peer.protocol-error', state: DOWN },
    ...oneEndpoint({ usual: afterTls([{ do: 'header' }, { do: 'send', text: '<stream:features>' }, { do: 'flood', text: "<a xmlns='urn:example:flood'/>", bytes: 10_000_000 }, { do: 'silence' }]) }),
    counterpart: NOT_WITH_THESE,
  },
  deviation('no-version', 'a header without a version: a server from before XMPP 1.0', [{ do: 'await', what: 'header' }, { do: 'header', without: ['version'] }, { do: 'goodbye' }], { cause: 'degraded.weak-authentication', state: 'degraded' }),
  deviation('wrong-version', 'a version that does not exist', starttlsServer({ header: { version: '7.3' } }), { cause: 'healthy', state: 'up' }),
  deviation('wrong-content-namespace', 'jabber:client as the default namespace', starttlsServer({ header: { content: 'jabber:client' } }), { cause: 'peer.protocol-error', state: DOWN }),
  deviation('wrong-content-namespace-after-tls', 'jabber:client as the default namespace, after TLS alone', starttlsServer({ headerAgain: { content: 'jabber:client' } }), { cause: 'peer.protocol-error', state: DOWN }),
  deviation('no-id', 'a header without an id, so that dialback is impossible', starttlsServer({ header: { without: ['id'] } }), { cause: 'peer.protocol-error', state: DOWN }),
  deviation('no-id-after-tls', 'no id in the header after TLS', starttlsServer({ headerAgain: { without: ['id'] } }), { cause: 'peer.protocol-error', state: DOWN }),
  deviation('no-addresses', 'a header without from and to', starttlsServer({ header: { without: ['from', 'to'] } }), { cause: 'healthy', state: 'up' }),
  deviation('another-from', 'a header from another domain than the one that was asked', starttlsServer({ header: { from: 'other.example' } }), { cause: 'healthy', state: 'up' }),
]

function notXmpp (name: string, title: string, script: Script): Scenario {
  return { name, title, expects: { cause: 'service.not-xmpp', state: DOWN }, ...oneEndpoint({ usual: script }), counterpart: NO_XMPP }
}

function silent (name: string, title: string, script: Script): Scenario {
  return { name, title, expects: { cause: 'service.silent', state: DOWN }, ...oneEndpoint({ usual: script }), request: { timeoutsMs: { stream: 1500 } }, counterpart: ANY_THAT_HANGS }
}

function wrongHost (name: string, title: string, script: Script, counterpart: Counterpart): Scenario {
  return { name, title, expects: { cause: 'service.wrong-host', state: DOWN }, ...oneEndpoint({ usual: script }), counterpart }
}

function busy (name: string, title: string, condition: string, counterpart: Counterpart): Scenario {
  return { name, title, expects: { cause: 'peer.busy', state: 'degraded' }, ...oneEndpoint({ usual: afterHeader([{ do: 'error', condition }]) }), counterpart }
}

function protocol (name: string, title: string, script: Script, counterpart: Counterpart = NOT_WITH_THESE): Scenario {
  return { name, title, expects: { cause: 'peer.protocol-error', state: DOWN }, ...oneEndpoint({ usual: script }), counterpart }
}

function deviation (name: string, title: string, script: Script, expects: Scenario['expects']): Scenario {
  return { name, title, expects, ...oneEndpoint({ usual: script }), counterpart: NOT_WITH_THESE }
}
