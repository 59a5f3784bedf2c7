/**
 * Faults of one endpoint that can be put together: two SRV targets with a different fault each, and the cause that the order of judging puts
 * first. What a whole domain or resolver suffers from cannot be combined and is not here.
 */
import type { Cause, State } from '@dialtone/contracts'
import type { CertificateSpec } from './certificates/certificates.ts'
import { afterHeader, afterTls, clearServer, starttlsServer, untilStarttls } from './peer/scripts.ts'
import type { ScenarioTimeouts } from './request.ts'
import { DOMAIN, OURS, type HostAddress, type Scenario } from './scenario.ts'
import { startScenario, type RunningScenario } from './start-scenario.ts'
import { twoEndpoints } from './scenarios/parts.ts'

export type Fault = {
  name: string
  /** The cause when every endpoint has this fault. */
  cause: Cause
  /** Federation goes on through such an endpoint, with or without a complaint. */
  works: boolean
  at: HostAddress
}

/** Faults wait for time-outs, so these are short; they still outlast a busy machine. */
const TIMEOUTS: Partial<ScenarioTimeouts> = { tcp: 1500, stream: 2000, tls: 2000, close: 500 }
const NAMES = { dns: [DOMAIN] }

export const FAULTS: readonly Fault[] = [
  stops('refused', 'peer.unreachable', {}),
  stops('dropped', 'peer.unreachable', 'blackhole'),
  stops('zero-bytes', 'service.not-xmpp', { usual: [{ do: 'close' }] }),
  stops('web-server', 'service.not-xmpp', { usual: [{ do: 'await', what: 'header' }, { do: 'send', text: 'HTTP/1.1 400 Bad Request\r\n\r\n' }, { do: 'close' }] }),
  stops('silent', 'service.silent', { usual: [{ do: 'silence' }] }),
  stops('silent-after-header', 'service.silent', { usual: afterHeader([{ do: 'silence' }]) }),
  stops('silent-after-tls', 'service.silent', { usual: afterTls([{ do: 'silence' }]) }),
  stops('wrong-host', 'service.wrong-host', { usual: starttlsServer({ header: { serves: ['other.example'] } }) }),
  stops('overloaded', 'peer.busy', { usual: afterHeader([{ do: 'error', condition: 'resource-constraint' }]) }),
  stops('bad-xml', 'peer.protocol-error', { usual: afterHeader([{ do: 'send', text: '<stream:features><a></b></stream:features>' }]) }),
  stops('starttls-refused', 'tls.handshake-failed', { usual: [...untilStarttls(), { do: 'send', text: "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>" }, { do: 'close' }] }),
  stops('no-common-cipher', 'tls.handshake-failed', { usual: starttlsServer({ tls: { only: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' } }) }),
  stops('nothing-offered', 'auth.none-offered', { usual: starttlsServer({ header: { dialback: false }, tls: { clientCertificate: 'never' }, featuresAgain: {} }) }),
  stops('our-certificate-refused', 'auth.external-refused', { usual: starttlsServer({ tls: { only: 'TLSv1.2', alertAtCertificate: 48 } }) }),
  stops('policy', 'peer.busy', { usual: starttlsServer({ header: { refuses: { from: OURS, condition: 'policy-violation' } } }) }),
  { name: 'claimed', cause: 'dialback.domain-claimed', works: true, at: { usual: starttlsServer({ header: { serves: [DOMAIN, OURS] } }) } },
  wrong('expired', 'certificate.expired', { names: NAMES, validDays: { from: -92, to: -2 } }),
  needed('expired-and-needed', 'certificate.expired', { names: NAMES, validDays: { from: -92, to: -2 } }),
  needed('unknown-ca-and-needed', 'certificate.untrusted', { names: NAMES, issuer: 'unknown' }),
  wrong('not-yet-valid', 'certificate.not-yet-valid', { names: NAMES, validDays: { from: 2, to: 92 } }),
  wrong('wrong-name', 'certificate.name-mismatch', { names: { dns: ['other.example'] } }),
  wrong('client-only', 'certificate.purpose', { names: NAMES, usages: ['clientAuth'] }),
  wrong('self-signed', 'certificate.self-signed', { names: NAMES, commonName: DOMAIN, issuer: 'self' }),
  wrong('unknown-ca', 'certificate.untrusted', { names: NAMES, issuer: 'unknown' }),
  wrong('expiring', 'degraded.certificate-expiring', { names: NAMES, validDays: { from: -85, to: 5 } }),
  { name: 'no-tls', cause: 'degraded.weak-authentication', works: true, at: { usual: clearServer() } },
]

/** The order among faults that leave the endpoint working, after those that `order` has (causes.md: certificates, expiring, …, weak). */
const MILD: readonly Cause[] = ['degraded.certificate-expiring', 'degraded.weak-authentication']

/**
 * What must be named when one endpoint has `a` and the other `b`. `order` is the order of judging, hardest first. A claim on our domain wins even
 * over success; where only one endpoint works, the other is dead.
 */
export function expectedOfPair (a: Fault, b: Fault, order: readonly Cause[]): { cause: Cause, state: State } {
  const causes = [a.cause, b.cause]
  if (causes.includes('dialback.domain-claimed')) return { cause: 'dialback.domain-claimed', state: 'down' }
  if (a.works !== b.works) return { cause: 'degraded.endpoint-dead', state: 'degraded' }
  const cause = [...order, ...MILD].find(each => causes.includes(each)) ?? a.cause
  return { cause, state: a.works || cause === 'peer.busy' ? 'degraded' : 'down' }
}

/** Pairs of different faults, in a random order of endpoints. `random` gives numbers from 0 to below 1. */
export function randomPairs (count: number, random: () => number): (readonly [Fault, Fault])[] {
  const pairs = FAULTS.flatMap(a => FAULTS.filter(b => b !== a).map(b => [a, b] as const))
  return Array.from({ length: count }, () => {
    const pair = pairs[Math.floor(random() * pairs.length)]
    if (pair === undefined) throw new RangeError('random() gave a number outside 0 to 1')
    return pair
  })
}

/** Two SRV targets, the preferred one with `a`, the other with `b`; asked in the interest of `ours.example`, whose certificate is shown. */
export function startPair (a: Fault, b: Fault, signal: AbortSignal): Promise<RunningScenario> {
  return startScenario(scenarioOfPair(a, b), signal)
}

/** `expects` stands for `a` alone: what the pair leads to depends on the order of judging (`expectedOfPair`). */
export function scenarioOfPair (a: Fault, b: Fault): Scenario {
  return {
    name: `pair-${a.name}-${b.name}`,
    title: `${a.name} at one endpoint, ${b.name} at the other`,
    expects: { cause: a.cause, state: a.works ? 'degraded' : 'down' },
    ...twoEndpoints(a.at, b.at),
    request: { as: OURS, clientCertificate: { names: { dns: [OURS] } }, timeoutsMs: TIMEOUTS },
    counterpart: { none: 'two faults at once' },
  }
}

function stops (name: string, cause: Cause, at: HostAddress): Fault {
  return { name, cause, works: false, at }
}

function wrong (name: string, cause: Cause, certificate: CertificateSpec): Fault {
  return { name, cause, works: true, at: { usual: starttlsServer({ certificate }) } }
}

/** Nothing carries federation but the certificate: EXTERNAL alone is offered. */
function needed (name: string, cause: Cause, certificate: CertificateSpec): Fault {
  return stops(name, cause, { usual: starttlsServer({ certificate, header: { dialback: false }, featuresAgain: { external: true } }) })
}
