// Does what listens there speak XMPP? (RFC 6120 §4)
import { defineEndpointCheck } from '../check.ts'
import { failed } from './steps.ts'

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
