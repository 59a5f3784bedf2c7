// Does a right XMPP stream header come back? (RFC 6120 §4.7)
import { quoted } from '@dialtone/kernel'
import { defineEndpointCheck } from '../check.ts'

export const header = defineEndpointCheck({
  id: 's2s.stream-header',
  asks: 'Does a right XMPP stream header come back?',
  about: 'RFC 6120 §4.7: jabber:server as content namespace, version 1.0, an id, and from naming the domain. Servers in use send wrong ones, and most peers bear with them.',
  outcomes: {
    right: { level: 'ok', says: 'answers with a right stream header' },
    'wrong-namespace': { level: 'warning', says: 'answers in another content namespace than jabber:server', suspect: 'peer', remedy: 'Check that the port is the S2S port, not the one for clients.' },
    'no-version': { level: 'warning', says: 'answers without a version: TLS and SASL cannot be negotiated', suspect: 'peer' },
    'wrong-version': { level: 'warning', says: 'answers with a version other than 1.0', suspect: 'peer' },
    'no-id': { level: 'warning', says: 'answers without a stream id: dialback is impossible', suspect: 'peer' },
    'other-host': { level: 'notice', says: 'answers in the name of another domain', suspect: 'peer' },
    'no-from': { level: 'notice', says: 'answers without saying who it is' },
    'not-asked': { level: 'unknown', says: 'sent no stream header' },
  },
  judge: (endpoint, { domain }) => {
    const seen = endpoint.header
    if (seen === undefined) return 'not-asked'
    if (seen.contentNamespace !== 'jabber:server') return { outcome: 'wrong-namespace', detail: quoted(seen.contentNamespace, 80) }
    if (seen.version === undefined) return 'no-version'
    if (seen.version !== '1.0') return { outcome: 'wrong-version', detail: quoted(seen.version, 20) }
    if (seen.id === undefined || seen.id === '') return 'no-id'
    if (seen.from === undefined) return 'no-from'
    return seen.from.toLowerCase() === domain ? 'right' : { outcome: 'other-host', detail: quoted(seen.from, 120) }
  },
})
