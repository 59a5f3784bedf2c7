// The stream is fine up to <starttls/>, and encryption does not come about.
import { GOOD, directServer, starttlsServer, untilStarttls, clearServer } from '../peer/scripts.ts'
import type { Script } from '../peer/steps.ts'
import { PROCEED } from '../peer/write.ts'
import { HOST, type Counterpart, type Scenario } from '../scenario.ts'
import { NOT_WITH_THESE, oneEndpoint } from './parts.ts'

/** An ECDSA certificate and RSA ciphers only: nothing that both sides can use. */
const NO_COMMON_CIPHER = { only: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } as const
/** The beginning of a ServerHello: a record header that promises 122 bytes, and six of them. */
const HALF_SERVER_HELLO = '160303007a020000760303'
const ON_PROCEED = { do: 'send', text: PROCEED } as const
const HELLO = { do: 'await', what: 'bytes' } as const

export const TLS: readonly Scenario[] = [
  failed('starttls-refused', '<failure/> instead of <proceed/>', [...untilStarttls(), { do: 'send', text: "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>" }, { do: 'close' }], { servers: ['jabberd2'], how: 'with a key that it cannot read' }),
  failed('no-common-cipher', 'no cipher that both sides know', starttlsServer({ tls: NO_COMMON_CIPHER }), { servers: ['prosody', 'ejabberd'], how: 'ciphers that fit no certificate' }),
  failed('tls-alert', 'an alert instead of a ServerHello', [...untilStarttls(), ON_PROCEED, HELLO, { do: 'send-hex', hex: '15030300020228' }, { do: 'close' }], { servers: ['ejabberd'], how: 'without a certificate file' }),
  failed('tls-not-tls', 'answers the ClientHello with a web page', [...untilStarttls(), ON_PROCEED, HELLO, { do: 'send', text: 'HTTP/1.1 400 Bad Request\r\n\r\n' }, { do: 'close' }], NOT_WITH_THESE),
  failed('tls-closed', 'closes when it has read the ClientHello', [...untilStarttls(), ON_PROCEED, HELLO, { do: 'close' }], { servers: ['ejabberd'], how: 'with a key that does not belong to the certificate' }),
  failed('tls-reset', 'resets when it has read the ClientHello', [...untilStarttls(), ON_PROCEED, HELLO, { do: 'reset' }], NOT_WITH_THESE),
  failed('tls-half', 'half a ServerHello, and then nothing', [...untilStarttls(), ON_PROCEED, HELLO, { do: 'send-hex', hex: HALF_SERVER_HELLO }, { do: 'silence' }], NOT_WITH_THESE, 1500),
  failed('tls-silent', 'nothing after <proceed/>', [...untilStarttls(), ON_PROCEED, { do: 'silence' }], NOT_WITH_THESE, 1500),
  {
    name: 'direct-tls-not-tls', title: 'a direct TLS port that speaks plain XMPP', expects: { cause: 'tls.handshake-failed', state: 'down' },
    records: [{ type: 'SRV', service: 'xmpps-server', target: HOST, port: 'direct' }], hosts: [{ name: HOST, addresses: [{ direct: [{ do: 'await', what: 'bytes' }, { do: 'send', text: "<?xml version='1.0'?><stream:stream>" }, { do: 'close' }] }] }],
    counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'an xmpps record that names the plaintext port' },
  },
  {
    name: 'direct-tls-no-common-cipher', title: 'a direct TLS port without a common cipher', expects: { cause: 'tls.handshake-failed', state: 'down' },
    records: [{ type: 'SRV', service: 'xmpps-server', target: HOST, port: 'direct' }], hosts: [{ name: HOST, addresses: [{ direct: directServer({ certificate: GOOD, tls: NO_COMMON_CIPHER }) }] }],
    counterpart: { servers: ['prosody'], how: 's2s_direct_tls_ports and ciphers that fit no certificate' },
  },
  {
    name: 'tls-not-offered', title: 'no STARTTLS from a peer whose profile demands it', expects: { cause: 'tls.not-offered', state: 'down' },
    ...oneEndpoint({ usual: clearServer() }), judge: { profile: 'expressway' }, counterpart: { servers: ['prosody', 'ejabberd', 'jabberd2'], how: 'as no-tls, with --profile expressway' },
  },
]

function failed (name: string, title: string, script: Script, counterpart: Counterpart, tls?: number): Scenario {
  return {
    name, title, expects: { cause: 'tls.handshake-failed', state: 'down' }, ...oneEndpoint({ usual: script }),
    ...(tls === undefined ? {} : { request: { timeoutsMs: { tls } } }), counterpart,
  }
}
