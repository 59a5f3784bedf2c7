// Observations in which nothing matters but what answered.
import type { DnsOutcome, Observation, Step } from '@dialtone/contracts'

export type Met = 'ok' | 'refused' | 'timeout' | 'unreachable' | 'no-resolver'

/** What a check of a domain met. The network of its one endpoint follows from the first letter of the domain's last label but one. */
export function met (domain: string, answer: Met): Observation {
  const address = `198.${(domain.includes('.one.') ? 'a' : domain).charCodeAt(0)}.100.7`
  const step: Step = answer === 'ok' ? { stage: 'tcp', outcome: 'ok', atMs: 1, ms: 1 } : { stage: 'tcp', outcome: 'failed', atMs: 1, ms: 1, failure: { at: 'tcp', why: answer === 'no-resolver' ? 'timeout' : answer } }
  const outcome: DnsOutcome = answer === 'no-resolver' ? 'timeout' : 'answer'
  return {
    v: 1, domain, vantage: 'here', startedAt: '2026-01-01T00:00:00Z', ms: 5,
    asked: { from: 'here.example', resolver: '192.0.2.53:53', resolverTrusted: false, controlName: '.', overrides: [], fallbackPort: 5269, families: [4], depth: 'none', clientCertificate: false },
    dns: [{ name: domain, type: 'SRV', purpose: 'xmpp-server', resolver: '192.0.2.53:53', outcome, transport: 'udp', atMs: 0, ms: 1, authenticated: false, records: [], aliases: [], extended: [] }],
    endpoints: answer === 'no-resolver' ? [] : [{ id: `starttls/${domain}:5269/${address}`, kind: 'starttls', source: 'srv', target: domain, port: 5269, address, family: 4, steps: [step], received: 0, transcript: [] }],
    claim: [], certificates: {}, messages: {}, leftOut: 0,
  }
}
