// The namespaces of S2S streams, once.

export const STREAMS = 'http://etherx.jabber.org/streams'
export const SERVER = 'jabber:server'
export const TLS = 'urn:ietf:params:xml:ns:xmpp-tls'
export const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
export const STREAM_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams'
export const STANZA_ERRORS = 'urn:ietf:params:xml:ns:xmpp-stanzas'
export const DIALBACK = 'jabber:server:dialback'
export const DIALBACK_FEATURE = 'urn:xmpp:features:dialback'
export const BIDI = 'urn:xmpp:bidi'
export const BIDI_FEATURE = 'urn:xmpp:features:bidi'
export const STREAM_MANAGEMENT = 'urn:xmpp:sm:3'
export const STREAM_LIMITS = 'urn:xmpp:stream-limits:0'
