// Every way that a real server is set up for `dialtone check` to name what is wrong: which server, how, what the check must say, and what
// proves from the server's own side that it did what the row says. Data only; `start-configuration.ts` starts a row.
import type { Cause, State } from '@dialtone/contracts'
import type { CertificateKind } from './certificates.ts'
import type { TlsMode } from './xmpp-server.ts'

export type ServerName = 'prosody' | 'ejabberd' | 'jabberd2'

export type Configuration = {
  /** Unique: 'prosody expired'. */
  name: string
  server: ServerName
  tls: TlsMode
  certificate?: CertificateKind
  /** A second port, for TLS from the first byte, with its own SRV record. */
  directTls?: true
  /** The server has another domain than the one that is checked. */
  servesAnother?: true
  expects: { cause: Cause, state: State }
  proof: {
    /** In its log after it was asked. */
    log: RegExp
    /** In what it sent before TLS. */
    wire: RegExp
    /** In what it sent inside TLS; without it, there is none. */
    secured?: RegExp
  }
}

/** What the checked domain is called in every row. */
export const CHECKED_DOMAIN = 'partner.example'

const HEALTHY = { cause: 'healthy', state: 'up' } as const
const CLEAR = { cause: 'degraded.weak-authentication', state: 'degraded' } as const
const NO_HANDSHAKE = { cause: 'tls.handshake-failed', state: 'down' } as const
const WRONG_HOST = { cause: 'service.wrong-host', state: 'down' } as const
const BAD: readonly (readonly [CertificateKind, Cause])[] = [
  ['expired', 'certificate.expired'],
  ['not-yet-valid', 'certificate.not-yet-valid'],
  ['wrong-name', 'certificate.name-mismatch'],
  ['unknown-ca', 'certificate.untrusted'],
  ['self-signed', 'certificate.self-signed'],
]

const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'"
const PROSODY = {
  encrypted: /Stream encrypted \(TLSv1\.[23] with /,
  // It sends its features in any order.
  features: (starttls: string) => new RegExp(`Sending stream features: <stream:features>.*${starttls}.*</stream:features>`),
  secured: /<stream:features><dialback xmlns='urn:xmpp:features:dialback'\/><\/stream:features>/,
}
const EJABBERD = {
  encrypted: /\(tls\|<[\d.]+>\) Send XML on stream = <<"<stream:features>/,
  secured: /<mechanism>EXTERNAL<\/mechanism><\/mechanisms><dialback xmlns='urn:xmpp:features:dialback'><errors\/><\/dialback><\/stream:features>/,
}
const JABBERD2 = {
  online: /incoming stream online \(id \w+\)/,
  features: (starttls: string) => new RegExp(`<stream:features xmlns:stream='[^']+'>${starttls}<dialback xmlns='urn:xmpp:features:dialback'><required></required></dialback></stream:features>`),
}

export const CONFIGURATIONS: readonly Configuration[] = [
  { name: 'prosody off', server: 'prosody', tls: 'off', expects: CLEAR, proof: { log: /Sending stream features: <stream:features><dialback [^>]*\/><\/stream:features>/, wire: PROSODY.secured } },
  { name: 'prosody optional', server: 'prosody', tls: 'optional', certificate: 'good', expects: HEALTHY, proof: { log: PROSODY.features(`${STARTTLS}/>`), wire: new RegExp(`${STARTTLS}/>`), secured: PROSODY.secured } },
  { name: 'prosody required', server: 'prosody', tls: 'required', certificate: 'good', expects: HEALTHY, proof: { log: PROSODY.features(`${STARTTLS}><required/></starttls>`), wire: new RegExp(`${STARTTLS}><required/></starttls>`), secured: PROSODY.secured } },
  { name: 'prosody direct', server: 'prosody', tls: 'required', certificate: 'good', directTls: true, expects: HEALTHY, proof: { log: /Activated service 's2s_direct_tls' on /, wire: new RegExp(STARTTLS), secured: PROSODY.secured } },
  ...BAD.map(([certificate, cause]): Configuration => ({
    name: `prosody ${certificate}`, server: 'prosody', tls: 'required', certificate, expects: { cause, state: 'degraded' }, proof: { log: PROSODY.encrypted, wire: new RegExp(`${STARTTLS}><required/>`), secured: PROSODY.secured },
  })),
  {
    name: 'prosody no certificate', server: 'prosody', tls: 'required', expects: NO_HANDSHAKE,
    proof: { log: /TLS handshake error: no shared cipher/, wire: /<starttls [^>]*><required\/>.*<proceed/ },
  },
  {
    name: 'prosody host unknown', server: 'prosody', tls: 'required', certificate: 'good', servesAnother: true, expects: WRONG_HOST,
    proof: { log: /stream \S+->partner\.example closed: This host does not serve partner\.example/, wire: /<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'\/><text [^>]*>This host does not serve partner\.example<\/text><\/stream:error>/ },
  },

  { name: 'ejabberd off', server: 'ejabberd', tls: 'off', expects: CLEAR, proof: { log: /\(tcp\|<[\d.]+>\) Send XML on stream = <<"<stream:features><mechanisms [^>]*\/><dialback /, wire: /<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'\/><dialback xmlns='urn:xmpp:features:dialback'><errors\/><\/dialback><\/stream:features>/ } },
  { name: 'ejabberd optional', server: 'ejabberd', tls: 'optional', certificate: 'good', expects: HEALTHY, proof: { log: EJABBERD.encrypted, wire: new RegExp(`${STARTTLS}/><dialback `), secured: EJABBERD.secured } },
  { name: 'ejabberd required', server: 'ejabberd', tls: 'required', certificate: 'good', expects: HEALTHY, proof: { log: EJABBERD.encrypted, wire: new RegExp(`<stream:features>${STARTTLS}><required/></starttls></stream:features>`), secured: EJABBERD.secured } },
  { name: 'ejabberd direct', server: 'ejabberd', tls: 'required', certificate: 'good', directTls: true, expects: HEALTHY, proof: { log: EJABBERD.encrypted, wire: new RegExp(STARTTLS), secured: EJABBERD.secured } },
  ...BAD.map(([certificate, cause]): Configuration => ({
    name: `ejabberd ${certificate}`, server: 'ejabberd', tls: 'required', certificate, expects: { cause, state: 'degraded' }, proof: { log: EJABBERD.encrypted, wire: new RegExp(`${STARTTLS}><required/>`), secured: EJABBERD.secured },
  })),
  {
    name: 'ejabberd no certificate', server: 'ejabberd', tls: 'required', expects: NO_HANDSHAKE,
    proof: { log: /Failed to secure inbound s2s connection: TLS failed: no_certfile/, wire: /<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'\/>/ },
  },
  {
    name: 'ejabberd host unknown', server: 'ejabberd', tls: 'required', certificate: 'good', servesAnother: true, expects: WRONG_HOST,
    proof: { log: /Send XML on stream = <<"<stream:error><host-unknown /, wire: /<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'\/><\/stream:error>/ },
  },

  { name: 'jabberd2 off', server: 'jabberd2', tls: 'off', expects: CLEAR, proof: { log: JABBERD2.online, wire: JABBERD2.features('') } },
  { name: 'jabberd2 optional', server: 'jabberd2', tls: 'optional', certificate: 'good', expects: HEALTHY, proof: { log: JABBERD2.online, wire: JABBERD2.features(`${STARTTLS}/>`), secured: JABBERD2.features('') } },
  // It does not say <required/>; it ignores db:result until the stream is encrypted.
  { name: 'jabberd2 required', server: 'jabberd2', tls: 'required', certificate: 'good', expects: HEALTHY, proof: { log: JABBERD2.online, wire: JABBERD2.features(`${STARTTLS}/>`), secured: JABBERD2.features('') } },
  ...BAD.map(([certificate, cause]): Configuration => ({
    name: `jabberd2 ${certificate}`, server: 'jabberd2', tls: 'optional', certificate, expects: { cause, state: 'degraded' }, proof: { log: JABBERD2.online, wire: JABBERD2.features(`${STARTTLS}/>`), secured: JABBERD2.features('') },
  })),
  // There is no such row for jabberd2: it answers a stream for every domain (see jabberd2.ts and its test).
]
