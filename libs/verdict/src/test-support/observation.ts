// Small observations for tests: what a case is about is named, all else is usual.
import { STARTTLS_LADDER, type EndpointObservation, type Failure, type Observation, type Stage } from '@dialtone/contracts'

/** `partner.example`, seen from `here`. */
export function observation (given: Partial<Omit<Observation, 'asked'>> & { asked?: Partial<Observation['asked']> } = {}): Observation {
  const { asked, ...rest } = given
  return {
    v: 1, domain: 'partner.example', vantage: 'here', startedAt: '2026-01-01T00:00:00Z', ms: 1, dns: [], endpoints: [], claim: [], certificates: {}, messages: {}, leftOut: 0,
    asked: {
      from: 'dialtone.invalid', resolver: '192.0.2.53:53', resolverTrusted: false, controlName: '.', overrides: [], fallbackPort: 5269, families: [4, 6], depth: 'none', clientCertificate: false,
      ...asked,
    },
    ...rest,
  }
}

/** One endpoint of which every stage before `at` went well; all of them without a failure. In clear unless `given` has TLS. */
export function endpoint (address: string, failure?: Failure, at: Stage = 'header', given: Partial<EndpointObservation> = {}): EndpointObservation {
  const end = failure === undefined ? STARTTLS_LADDER.length : STARTTLS_LADDER.indexOf(at)
  return {
    id: address, kind: 'starttls', source: 'srv', target: 'xmpp.partner.example', port: 5269, address, family: 4, received: 0, transcript: [],
    steps: STARTTLS_LADDER.map((stage, index) => ({ stage, outcome: index < end ? 'ok' : index === end ? 'failed' : 'not-asked', atMs: 0, ms: 1, ...(index === end && failure !== undefined ? { failure } : {}) })),
    ...given,
  }
}
