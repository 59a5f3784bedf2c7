// The connection and the stream of one endpoint: reachability, header, features, how it ended (RFC 6120 §4, §5).
import type { Failure, Stage, Step } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import { defineEndpointCheck } from '../check.ts'

export const tcp = defineEndpointCheck({
  id: 's2s.tcp',
  asks: 'Does the address accept a TCP connection on the published port?',
  about: 'Refused, timed out, unreachable and reset are different answers: a closed port, a firewall that drops, no route, something that cuts. A family that this vantage lacks is not tested, never dead.',
  outcomes: {
    connected: { level: 'ok', says: 'accepts connections' },
    refused: { level: 'error', says: 'refuses the connection: nothing listens on this port', suspect: 'peer', remedy: 'Start the XMPP server, or let it listen on this port and address.' },
    timeout: { level: 'error', says: 'does not answer the connection request', suspect: 'path', remedy: 'Allow TCP to this port on the firewalls in between.' },
    unreachable: { level: 'error', says: 'cannot be reached: a router says so', suspect: 'path', remedy: 'Check that the address is in use and routed.' },
    reset: { level: 'error', says: 'resets the connection', suspect: 'path', remedy: 'Look for a firewall or proxy that cuts connections to this port.' },
    guarded: { level: 'unknown', says: 'has an address that may not be connected to; --allow-net permits it' },
    'not-tested': { level: 'unknown', says: 'could not be tested from this vantage' },
  },
  judge: ({ steps }) => {
    const step = steps.find(({ stage }) => stage === 'tcp')
    if (step?.outcome === 'ok') return 'connected'
    const failure = step?.failure
    if (failure?.at === 'tcp') return failure.why
    if (failure?.at === 'guard') return { outcome: 'guarded', detail: failure.detail ?? '' }
    return failure?.at === 'probe' ? { outcome: 'not-tested', detail: failure.detail ?? failure.why } : 'not-tested'
  },
})

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

export const streamError = defineEndpointCheck({
  id: 's2s.stream-error',
  asks: 'Did the peer end the stream with an error, and which?',
  about: 'RFC 6120 §4.9. The condition and the text are kept as sent. A condition alone proves no cause: what each real server means by it is judged in the verdict.',
  outcomes: {
    none: { level: 'ok', says: 'ended no stream with an error' },
    'host-unknown': { level: 'error', says: 'does not serve this domain', suspect: 'peer', remedy: 'Add the domain as a virtual host, or correct the SRV record or the NAT rule.' },
    busy: { level: 'warning', says: 'asks to come back later', suspect: 'peer' },
    policy: { level: 'error', says: 'refuses by policy', suspect: 'peer' },
    redirected: { level: 'warning', says: 'names another host to go to; S2S servers do not follow' },
    other: { level: 'error', says: 'ended the stream with an error', suspect: 'peer' },
  },
  judge: ({ steps }) => {
    const failure = failed(steps)
    if (failure?.at !== 'stream' || failure.why !== 'stream-error') return steps.some(({ stage, outcome }) => stage === 'header' && outcome === 'ok') ? 'none' : undefined
    const detail = quoted(failure.condition, 60) + (failure.text === undefined ? '' : ` "${quoted(failure.text)}"`)
    return { outcome: CONDITIONS.get(failure.condition) ?? 'other', detail }
  },
})

export const speaks = defineEndpointCheck({
  id: 's2s.speaks-xmpp',
  asks: 'Does what listens there speak XMPP?',
  about: 'Nothing at all, bytes that are no stream header, a header and then silence, and what a stream may not contain are told apart.',
  outcomes: {
    yes: { level: 'ok', says: 'speaks XMPP' },
    'not-xmpp': { level: 'error', says: 'speaks something else than XMPP', suspect: 'peer', remedy: 'Check which program holds the port, and what a proxy or NAT rule points at.' },
    closed: { level: 'error', says: 'closes the connection where an answer was due', suspect: 'peer' },
    silent: { level: 'error', says: 'says nothing for the whole time-out', suspect: 'peer', remedy: 'Check whether the server hangs, or a proxy swallows the stream.' },
    'broke-protocol': { level: 'error', says: 'sends what an XMPP stream may not contain', suspect: 'peer' },
    'not-asked': { level: 'unknown', says: 'was not spoken to' },
  },
  judge: ({ steps, header: seen }) => {
    const failure = failed(steps)
    if (failure?.at === 'stream') {
      if (failure.why === 'not-xmpp') return { outcome: 'not-xmpp', detail: failure.detail ?? '' }
      if (failure.why === 'went-silent') return { outcome: 'silent', detail: `after ${failure.received} bytes` }
      if (failure.why === 'broke-protocol') return { outcome: 'broke-protocol', detail: failure.detail ?? failure.condition }
      if (failure.why === 'closed' || failure.why === 'ended' || failure.why === 'reset') return { outcome: 'closed', detail: `after ${failure.received} bytes` }
    }
    return seen === undefined ? 'not-asked' : 'yes'
  },
})

export const stageTimes = defineEndpointCheck({
  id: 's2s.stage-times',
  asks: 'Which stage is slow?',
  about: 'Each stage has its own time and its own time-out. Servers give a whole negotiation 20 to 60 seconds.',
  outcomes: {
    quick: { level: 'ok', says: 'answers each stage quickly' },
    slow: { level: 'notice', says: 'answers a stage slowly' },
  },
  judge: ({ steps }, _, { slowStageMs }) => {
    const done = steps.filter(({ outcome, stage }) => outcome === 'ok' && stage !== 'close')
    const slow = done.filter(({ ms }) => ms > slowStageMs)
    if (done.length === 0) return undefined
    return slow.length === 0 ? 'quick' : { outcome: 'slow', detail: slow.map(({ stage, ms }) => `${stage} ${Math.round(ms)} ms`).join(', ') }
  },
})

export const closing = defineEndpointCheck({
  id: 's2s.clean-close',
  asks: 'Does the peer close its stream when we close ours?',
  about: 'RFC 6120 §4.4. A missing </stream:stream> costs nothing here; a gateway counts what was in flight.',
  outcomes: {
    clean: { level: 'ok', says: 'closes the stream cleanly' },
    unclean: { level: 'ok', says: 'ends the connection without closing its stream' },
    'not-asked': { level: 'unknown', says: 'was not asked to close' },
  },
  judge: ({ ended }) => ended === undefined ? 'not-asked' : ended === 'clean' ? 'clean' : { outcome: 'unclean', detail: ended },
})

const CONDITIONS: ReadonlyMap<string, 'host-unknown' | 'busy' | 'policy' | 'redirected'> = new Map([
  ['host-unknown', 'host-unknown'], ['host-gone', 'host-unknown'], ['system-shutdown', 'busy'], ['resource-constraint', 'busy'], ['reset', 'busy'],
  ['policy-violation', 'policy'], ['not-authorized', 'policy'], ['see-other-host', 'redirected'],
] as const)

/** The failure of the stage that failed. */
export function failed (steps: readonly Step[]): Failure | undefined {
  return steps.find(({ outcome }) => outcome === 'failed')?.failure
}

/** Whether a stage ended well. */
export function passed (steps: readonly Step[], wanted: Stage): boolean {
  return steps.some(({ stage, outcome }) => stage === wanted && outcome === 'ok')
}
