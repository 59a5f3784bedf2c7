// Namespace names that scripted peers write (RFC 6120, XEP-0220).

export const STREAMS = 'http://etherx.jabber.org/streams'
export const SERVER = 'jabber:server'
export const TLS = 'urn:ietf:params:xml:ns:xmpp-tls'
export const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
export const STREAM_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams'
export const DIALBACK = 'jabber:server:dialback'
