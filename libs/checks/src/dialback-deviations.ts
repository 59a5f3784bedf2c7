/**
 * What a receiving server means by `<db:result type='error'/>` (XEP-0220 §2.5). The condition decides where a server does what the specification
 * says; a row here is a fact about one that means more, or something else, by it, as in deviations.ts.
 */

/**
 * About us: `policy`: it does not want us. `claims-sender`: it believes that it serves our domain itself. `denied`: the authoritative server denied the key.
 * `needs-encryption`, `needs-certificate`: what it wants before, or in place of, dialback.
 * About the callback: `callback-blocked`: no connection could be opened. `callback-misdirected`: it led to a server that does not serve us, or to none.
 * `callback-failed`: it did not succeed, and nobody says why.
 * About itself: `wrong-host`: it does not serve the domain that was asked for. `busy`: not now.
 */
export type DialbackMeaning =
  | 'policy' | 'claims-sender' | 'denied' | 'needs-encryption' | 'needs-certificate'
  | 'callback-blocked' | 'callback-misdirected' | 'callback-failed'
  | 'wrong-host' | 'busy'

export type DialbackDeviation = {
  server: string
  /** What had to be the case. */
  when: string
  means: DialbackMeaning
  condition: string
  /** What the text says in every version and for every domain; of a server that sends none, the empty text. */
  text: RegExp
  known: 'recorded' | 'published' | 'source'
  bytes: string
}

const CONDITIONS = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"

export const DIALBACK_DEVIATIONS: readonly DialbackDeviation[] = [
  {
    server: 'ejabberd', when: 's2s_access denies our domain, or it pauses after a failure', means: 'policy',
    condition: 'forbidden', text: /^Access denied by service policy/i, known: 'recorded',
    bytes: error('auth', 'forbidden', 'Access denied by service policy'),
  },
  {
    server: 'ejabberd', when: 'nothing answered its connection to the authoritative server', means: 'callback-blocked',
    condition: 'remote-server-not-found', text: /^Connection failed: (?:timeout|timed out)/i, known: 'recorded',
    bytes: error('cancel', 'remote-server-not-found', 'Connection failed: timeout'),
  },
  {
    server: 'ejabberd', when: 'its connection to the authoritative server was refused', means: 'callback-blocked',
    condition: 'remote-server-not-found', text: /^Connection failed: connection refused/i, known: 'recorded',
    bytes: error('cancel', 'remote-server-not-found', 'Connection failed: connection refused'),
  },
  {
    server: 'ejabberd', when: 'a router said that the authoritative server cannot be reached', means: 'callback-blocked',
    condition: 'remote-server-not-found', text: /^Connection failed: (?:host|network) is unreachable/i, known: 'recorded',
    bytes: error('cancel', 'remote-server-not-found', 'Connection failed: host is unreachable'),
  },
  {
    server: 'ejabberd', when: 'the server that it called does not serve the sender', means: 'callback-misdirected',
    condition: 'remote-server-not-found', text: /^Stream closed by peer: .*\(host-unknown\)/i, known: 'recorded',
    bytes: error('cancel', 'remote-server-not-found', 'Stream closed by peer: This host does not serve ours.example (host-unknown)'),
  },
  {
    server: 'ejabberd', when: 'the server that it called gives no text with host-unknown', means: 'callback-misdirected',
    condition: 'remote-server-not-found', text: /^Stream closed by peer: host-unknown/i, known: 'source',
    bytes: error('cancel', 'remote-server-not-found', 'Stream closed by peer: host-unknown'),
  },
  {
    server: 'ejabberd', when: 'no name that leads to the sender exists for it', means: 'callback-misdirected',
    condition: 'remote-server-not-found', text: /^DNS lookup failed: enoname/i, known: 'recorded',
    bytes: error('cancel', 'remote-server-not-found', 'DNS lookup failed: enoname'),
  },
  {
    server: 'ejabberd', when: 'the domain of the sender exists for it, without SRV record or address', means: 'callback-misdirected',
    condition: 'remote-server-not-found', text: /^DNS lookup failed: no data available/i, known: 'recorded',
    bytes: error('cancel', 'remote-server-not-found', 'DNS lookup failed: no data available'),
  },
  {
    server: 'ejabberd', when: 'its resolver fails about the sender, or the SRV record of the sender is a dot', means: 'callback-failed',
    condition: 'remote-server-not-found', text: /^DNS lookup failed: (?:resource temporarily unavailable|timeout)/i, known: 'source',
    bytes: error('cancel', 'remote-server-not-found', 'DNS lookup failed: resource temporarily unavailable'),
  },
  {
    server: 'ejabberd', when: 'the domain that was asked for is none of its hosts', means: 'wrong-host',
    condition: 'not-allowed', text: /^Host unknown/i, known: 'source',
    bytes: error('cancel', 'not-allowed', 'Host unknown'),
  },
  {
    server: 'Openfire', when: 'the domain that was asked for is none of its hosts', means: 'wrong-host',
    condition: 'item-not-found', text: /^Service not hosted here/i, known: 'source',
    bytes: error('cancel', 'item-not-found', 'Service not hosted here'),
  },
  {
    server: 'Openfire', when: 'it has a session for this pair already', means: 'busy',
    condition: 'resource-constraint', text: /^Incoming session already exists/i, known: 'source',
    bytes: error('cancel', 'resource-constraint', 'Incoming session already exists'),
  },
  {
    server: 'Openfire', when: 'it could not connect to the authoritative server', means: 'callback-blocked',
    condition: 'remote-server-not-found', text: /^(?:No server available for verifying key|Unable to connect to authoritative server)/i, known: 'source',
    bytes: error('cancel', 'remote-server-not-found', 'No server available for verifying key of remote server.'),
  },
  {
    server: 'Openfire', when: 'the authoritative server did not answer the question, or with an error', means: 'callback-failed',
    condition: 'remote-server-timeout', text: /^(?:Key verification did not complete|Authoritative server failed)/i, known: 'source',
    bytes: error('cancel', 'remote-server-timeout', 'Key verification did not complete (the Authoritative Server likely returned an error or a time out occurred).'),
  },
  {
    server: 'Metre', when: 'the sender is one of its own domains', means: 'claims-sender',
    condition: 'not-acceptable', text: /^$/, known: 'source',
    bytes: error('modify', 'not-acceptable'),
  },
  {
    server: 'Tigase', when: 'the sender is one of its own domains, or the domain that was asked for is none', means: 'claims-sender',
    condition: 'not-acceptable', text: /^$/, known: 'source',
    bytes: error('modify', 'not-acceptable'),
  },
]

/** What a condition means by XEP-0220 §2.5, where no row knows better. The two at the end are not in its list, and mean what RFC 6120 §8.3.3 says. */
const USUAL: ReadonlyMap<string, DialbackMeaning> = new Map([
  ['forbidden', 'denied'], ['item-not-found', 'wrong-host'], ['not-acceptable', 'policy'], ['not-authorized', 'needs-certificate'], ['policy-violation', 'needs-encryption'],
  ['remote-connection-failed', 'callback-blocked'], ['remote-server-not-found', 'callback-failed'], ['remote-server-timeout', 'callback-failed'], ['resource-constraint', 'busy'],
  ['not-allowed', 'policy'], ['service-unavailable', 'policy'],
])

type Answered = { condition?: string, text?: string }

/** The first row that fits, for a condition and the text as they were received. */
export function dialbackDeviationOf ({ condition, text = '' }: Answered): DialbackDeviation | undefined {
  return DIALBACK_DEVIATIONS.find(row => row.condition === condition && row.text.test(text))
}

/** What the error says. Undefined: nothing that is known. */
export function dialbackMeaning (answered: Answered): DialbackMeaning | undefined {
  return dialbackDeviationOf(answered)?.means ?? USUAL.get(answered.condition ?? '')
}

function error (type: string, condition: string, text?: string): string {
  const said = text === undefined ? '' : `<text ${CONDITIONS}>${text}</text>`
  return `<db:result type='error' from='partner.example' to='ours.example'><error type='${type}'><${condition} ${CONDITIONS}/>${said}</error></db:result>`
}
