// Small observations for tests: what a case is about is named, all else is usual. Pure, like what it tests.
import { DIRECT_LADDER, STARTTLS_LADDER, type DnsAnswer, type DnsOutcome, type DnsPurpose, type DnsRecord, type EndpointObservation, type Failure, type Observation, type Stage } from '@dialtone/contracts'

/** `partner.example`, seen from `here`, with nothing asked and nothing seen but what is given. */
export function observation (given: Partial<Omit<Observation, 'asked'>> & { asked?: Partial<Observation['asked']> } = {}): Observation {
  const { asked, ...rest } = given
  return {
    v: 1, domain: 'partner.example', vantage: 'here', startedAt: '2026-01-01T00:00:00Z', ms: 1, dns: [], endpoints: [], claim: [], certificates: {}, messages: {}, leftOut: 0,
    asked: { from: 'dialtone.invalid', resolver: '192.0.2.53:53', resolverTrusted: true, controlName: '.', overrides: [], fallbackPort: 5269, families: [4, 6], depth: 'none', clientCertificate: false, ...asked },
    ...rest,
  }
}

/** An observation of these answers alone. */
export function asked (...dns: DnsAnswer[]): Observation {
  return observation({ dns })
}

/** Records, or the outcome without any. The name is the usual one for the purpose. */
export function answer (purpose: DnsPurpose, found: readonly DnsRecord[] | Exclude<DnsOutcome, 'answer'>, given: Partial<DnsAnswer> = {}): DnsAnswer {
  const usual = USUAL[purpose]
  return {
    name: usual.name, type: usual.type, purpose, resolver: '192.0.2.53:53', transport: 'udp', atMs: 0, ms: 1, authenticated: false, aliases: [], extended: [],
    ...(typeof found === 'string' ? { outcome: found, records: [] } : { outcome: 'answer', records: [...found] }),
    ...given,
  }
}

export function srv (target: string, given: Partial<Extract<DnsRecord, { type: 'SRV' }>> = {}): DnsRecord {
  return { type: 'SRV', ttl: 60, priority: 0, weight: 0, port: 5269, target, ...given }
}

/** An A or AAAA record, by the look of the address. */
export function at (address: string, ttl = 60): DnsRecord {
  return { type: address.includes(':') ? 'AAAA' : 'A', ttl, address }
}

/** One endpoint of which every stage went well, or stopped at the given one. */
export function endpoint (given: Partial<EndpointObservation> = {}, stopped?: { at: Stage, failure: Failure }): EndpointObservation {
  const { kind = 'starttls', target = 'xmpp.partner.example', port = 5269, address = '192.0.2.1' } = given
  const ladder: readonly Stage[] = kind === 'direct' ? DIRECT_LADDER : STARTTLS_LADDER
  const end = stopped === undefined ? ladder.length : ladder.indexOf(stopped.at)
  return {
    id: `${kind}/${target}:${port}/${address}`, kind, source: 'srv', target, port, address, family: address.includes(':') ? 6 : 4, received: 0, transcript: [],
    steps: ladder.map((stage, index) => ({ stage, outcome: index < end ? 'ok' : index === end ? 'failed' : 'not-asked', atMs: 0, ms: 1, ...(index === end && stopped !== undefined ? { failure: stopped.failure } : {}) })),
    ...given,
  }
}

const HOST = 'xmpp.partner.example'
const USUAL: Readonly<Record<DnsPurpose, Pick<DnsAnswer, 'name' | 'type'>>> = {
  'xmpp-server': { name: '_xmpp-server._tcp.partner.example', type: 'SRV' },
  'xmpps-server': { name: '_xmpps-server._tcp.partner.example', type: 'SRV' },
  'legacy-jabber': { name: '_jabber._tcp.partner.example', type: 'SRV' },
  target: { name: HOST, type: 'A' },
  fallback: { name: 'partner.example', type: 'A' },
  existence: { name: 'partner.example', type: 'SOA' },
  tlsa: { name: `_5269._tcp.${HOST}`, type: 'TLSA' },
  'tlsa-inbound': { name: '_xmpp-server.partner.example', type: 'TLSA' },
  control: { name: '.', type: 'SOA' },
  unvalidated: { name: '_xmpp-server._tcp.partner.example', type: 'SRV' },
}
