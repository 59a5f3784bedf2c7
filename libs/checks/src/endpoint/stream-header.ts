// Does a right XMPP stream header come back? (RFC 6120 §4.7)
import type { HeaderSeen } from '@dialtone/contracts'
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
  judge: ({ header: first, headerAgain }, { domain }) => {
    if (first === undefined) return 'not-asked'
    const before = wrongWith(first, domain)
    const after = headerAgain === undefined ? undefined : wrongWith(headerAgain, domain)
    if (before !== undefined) return before.detail === undefined ? before.outcome : { outcome: before.outcome, detail: before.detail }
    return after === undefined ? 'right' : { outcome: after.outcome, detail: [after.detail, 'in the header after TLS'].flatMap(part => part ?? []).join(', ') }
  },
})

type Wrong = { outcome: 'wrong-namespace' | 'no-version' | 'wrong-version' | 'no-id' | 'no-from' | 'other-host', detail?: string }

/** The first thing that is wrong with one header, if anything. */
function wrongWith ({ contentNamespace, version, id, from }: HeaderSeen, domain: string): Wrong | undefined {
  if (contentNamespace !== 'jabber:server') return { outcome: 'wrong-namespace', detail: quoted(contentNamespace, 80) || 'none' }
  if (version === undefined) return { outcome: 'no-version' }
  if (version !== '1.0') return { outcome: 'wrong-version', detail: quoted(version, 20) }
  if (id === undefined || id === '') return { outcome: 'no-id' }
  if (from === undefined) return { outcome: 'no-from' }
  return from.toLowerCase() === domain ? undefined : { outcome: 'other-host', detail: quoted(from, 120) }
}
