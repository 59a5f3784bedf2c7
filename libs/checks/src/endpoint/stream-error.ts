// Did the peer end the stream with an error, and which? (RFC 6120 §4.9)
import { defineEndpointCheck } from '../check.ts'
import { deviationOf } from '../deviations.ts'
import { failed } from './steps.ts'

export const streamError = defineEndpointCheck({
  id: 's2s.stream-error',
  asks: 'Did the peer end the stream with an error, and which?',
  about: 'RFC 6120 §4.9. The condition and the text are kept as sent. A condition alone proves no cause: where a real server is known to mean more by it, the detail says so.',
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
    const detail = failure.condition + (failure.text === undefined ? '' : ` "${failure.text}"`)
    const known = deviationOf(failure)
    return { outcome: CONDITIONS.get(failure.condition) ?? 'other', detail: known === undefined ? detail : `${detail}, as ${known.server} says when ${known.when}` }
  },
})

const CONDITIONS: ReadonlyMap<string, 'host-unknown' | 'busy' | 'policy' | 'redirected'> = new Map([
  ['host-unknown', 'host-unknown'], ['host-gone', 'host-unknown'], ['system-shutdown', 'busy'], ['resource-constraint', 'busy'], ['reset', 'busy'],
  ['policy-violation', 'policy'], ['not-authorized', 'policy'], ['see-other-host', 'redirected'],
] as const)
