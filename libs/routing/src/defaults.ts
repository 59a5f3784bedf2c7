/** What nobody configured: the legs of both sides (gateways.md 5.5), the limits of a pair (5.7), and what profiles of peers stand for. Told in docs/operating/gateway.md. */
import type { GatewaySpec, PolicySpec, Profile, ZoneSpec } from '@dialtone/contracts'
import type { LegRules, PairLimits } from './decision.ts'

/** Outside a certificate is used where it is good (EXTERNAL), and dialback over TLS where it is not. */
export const EXTERNAL_LEG: LegRules = { tls: 'required', minTls: '1.2', certificate: 'any', pins: [], dialback: 'over-tls', external: true, withoutDialback: true, bidi: false, streamManagement: true }
/** Inside the network is ours, and servers are as they are; one connection for both ways where the server can. */
export const INTERNAL_LEG: LegRules = { ...EXTERNAL_LEG, tls: 'optional', dialback: 'always', bidi: true }

/** Blocks of the inside network, which an internal zone connects to unless it names its own. Link-local is not among them: cloud metadata is there. */
export const PRIVATE_NETS: readonly string[] = ['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '::1/128', 'fc00::/7']

export const PAIR_LIMITS: PairLimits = { stanzaBytes: 262_144, streams: 8, queueStanzas: 1000, queueBytes: 4 * 1024 * 1024, waitMs: { message: 120_000, iq: 30_000, presence: 60_000, error: 30_000 } }

type PolicyLeg = Partial<Omit<LegRules, 'pins'>>
/** What a profile says of a leg, where the policy that names it says nothing. The same words as in the profiles of checks, seen from a gateway. */
export const PROFILE_LEGS: Readonly<Record<Profile, PolicyLeg>> = {
  standard: {},
  googletalk: { tls: 'none', dialback: 'always', certificate: 'any', external: false, withoutDialback: false, streamManagement: false },
  webex: { tls: 'optional', dialback: 'always', certificate: 'any', external: false, withoutDialback: false, streamManagement: false },
  sametime: { tls: 'optional', dialback: 'always', certificate: 'any', streamManagement: false },
  cup: { tls: 'optional', dialback: 'always', certificate: 'any', streamManagement: false },
  expressway: { tls: 'required', dialback: 'over-tls', certificate: 'valid', streamManagement: false },
}

/** What the legs of a zone demand, as far as its resource and the defaults of its side tell. */
export function legOfZone ({ side, tls, dialback, certificate }: Pick<ZoneSpec, 'side' | 'tls' | 'dialback' | 'certificate'>): LegRules {
  return { ...(side === 'external' ? EXTERNAL_LEG : INTERNAL_LEG), ...given({ tls, dialback, certificate }) }
}

/** What a policy demands of the legs between the gateway and a peer: what it says itself, then its profile, then the zone. */
export function legOfPolicy (zone: LegRules, { profile = 'standard', pins = [], tls, minTls, certificate, dialback, external, withoutDialback, bidi, streamManagement }: Partial<PolicySpec>): LegRules {
  return { ...zone, ...PROFILE_LEGS[profile], ...given({ tls, minTls, certificate, dialback, external, withoutDialback, bidi, streamManagement }), pins }
}

/** The limits of a pair: those of its policy, then those of the gateway, then the defaults. */
export function limitsOf (gateway: GatewaySpec['limits'] = {}, policy: PolicySpec['limits'] = {}): PairLimits {
  const { stanzaBytes, queueStanzas, queueBytes } = gateway
  const { waitSeconds = {}, ...rest } = policy
  const waitMs = { ...PAIR_LIMITS.waitMs }
  for (const kind of ['message', 'iq', 'presence', 'error'] as const) waitMs[kind] = (waitSeconds[kind] ?? waitMs[kind] / 1000) * 1000
  return { ...PAIR_LIMITS, ...given({ stanzaBytes, queueStanzas, queueBytes }), ...given(rest), waitMs }
}

/** Without what is undefined, so that it covers nothing. */
function given<T extends object> (fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
