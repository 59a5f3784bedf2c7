// Does the address accept a TCP connection on the published port? (RFC 6120 §3)
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
