/**
 * What real servers mean by a stream error whose condition alone does not say it (RFC 6120 §4.9.3). A row is a fact about one server, with the
 * bytes that it sent: `recorded` from a running one, `published` in somebody's log, or `source`, read there and not run.
 */

/**
 * `claims-opener`: it serves the domain that opened the stream. `federation-off`: it speaks to no other server. `needs-encryption`: it wants TLS
 * where none is in use. `our-certificate`: it does not accept the certificate that it was shown, or misses one.
 */
export type Meaning = 'claims-opener' | 'federation-off' | 'needs-encryption' | 'our-certificate'

export type Deviation = {
  server: string
  /** What had to be the case. */
  when: string
  means: Meaning
  condition: string
  /** What the text says in every version and for every domain. */
  text: RegExp
  known: 'recorded' | 'published' | 'source'
  bytes: string
}

const CONDITIONS = "xmlns='urn:ietf:params:xml:ns:xmpp-streams'"

export const DEVIATIONS: readonly Deviation[] = [
  {
    server: 'Prosody', when: 'the domain that opens the stream is among its own hosts', means: 'claims-opener',
    condition: 'undefined-condition', text: /^Attempt to (?:connect from|authenticate as) a host we serve/i, known: 'recorded',
    bytes: error('undefined-condition', 'Attempt to connect from a host we serve'),
  },
  {
    server: 'Prosody', when: 'EXTERNAL was asked for in the name of one of its own hosts', means: 'claims-opener',
    condition: 'undefined-condition', text: /^Attempt to (?:connect from|authenticate as) a host we serve/i, known: 'source',
    bytes: error('undefined-condition', 'Attempt to authenticate as a host we serve'),
  },
  {
    server: 'Google Talk', when: 'the domain that opens the stream has its service switched on', means: 'claims-opener',
    condition: 'undefined-condition', text: /is a Google Apps Domain with Talk service enabled/i, known: 'published',
    bytes: error('undefined-condition', 'ours.example is a Google Apps Domain with Talk service enabled.'),
  },
  {
    server: 'Prosody', when: 's2s is switched off for the host (modules_disabled, or disallow_s2s)', means: 'federation-off',
    condition: 'policy-violation', text: /server-to-server communication is (?:disabled|not enabled)/i, known: 'source',
    bytes: error('policy-violation', 'Server-to-server communication is disabled for this host'),
  },
  {
    server: 'Prosody', when: 's2s_require_encryption is on and the stream goes on in clear', means: 'needs-encryption',
    condition: 'policy-violation', text: /^Encrypted server-to-server communication is required/i, known: 'source',
    bytes: error('policy-violation', 'Encrypted server-to-server communication is required but was not offered'),
  },
  {
    server: 'ejabberd', when: 's2s_use_starttls is required and the stream goes on in clear', means: 'needs-encryption',
    condition: 'policy-violation', text: /^Use of STARTTLS required/i, known: 'source',
    bytes: error('policy-violation', 'Use of STARTTLS required'),
  },
  {
    server: 'Openfire', when: 'its policy demands TLS and the key is sent in clear', means: 'needs-encryption',
    condition: 'policy-violation', text: /^Local server configuration dictates that Server Dialback can be negotiated only after/i, known: 'source',
    bytes: error('policy-violation', 'Local server configuration dictates that Server Dialback can be negotiated only after the connection has been encrypted.'),
  },
  {
    server: 'Openfire', when: 'dialback is switched off, so that it wants a certificate', means: 'our-certificate',
    condition: 'policy-violation', text: /^Dialback has been disabled by configuration/i, known: 'source',
    bytes: error('policy-violation', 'Dialback has been disabled by configuration.'),
  },
  {
    server: 'Prosody', when: 's2s_secure_auth is on and our certificate has a fault', means: 'our-certificate',
    condition: 'not-authorized', text: /^Your server's certificate/i, known: 'recorded',
    bytes: error('not-authorized', "Your server's certificate has expired"),
  },
]

/** The first row that fits, for a condition and the text as they were received. */
export function deviationOf ({ condition, text = '' }: { condition: string, text?: string }): Deviation | undefined {
  return DEVIATIONS.find(row => row.condition === condition && row.text.test(text))
}

function error (condition: string, text: string): string {
  return `<stream:error><${condition} ${CONDITIONS}/><text ${CONDITIONS}>${text}</text></stream:error>`
}
