// Would servers in use refuse our certificate for its purpose? (RFC 5280 §4.2.1.12)
import type { Profile } from '@dialtone/contracts'
import { ANY_PURPOSE, CLIENT_AUTH, SERVER_AUTH } from '@dialtone/stream'
import { defineDomainCheck } from '../check.ts'

type Demand = {
  server: string
  /** The profile of peers that are this server. */
  profile?: Profile
  /** Why, for people. */
  because: string
}

/** Servers that refuse EXTERNAL with a certificate whose extended key usage lacks clientAuth: as published, not run. */
export const DEMAND_CLIENT_AUTH: readonly Demand[] = [
  { server: 'ejabberd before 25.08', because: 'it takes a certificate without clientAuth for none of a client' },
  { server: 'Openfire without its update for this', because: 'it takes a certificate without clientAuth for none of a client' },
  { server: 'Cisco Expressway', profile: 'expressway', because: 'it demands clientAuth' },
]

export const externalPurpose = defineDomainCheck({
  id: 's2s.external-purpose',
  asks: 'Would servers in use refuse our certificate for its purpose?',
  about: `Extended key usage of the certificate that we show. The same one serves both roles: towards peers that we connect to we are the TLS client. Public authorities stopped issuing clientAuth in 2026; without it refuse: ${DEMAND_CLIENT_AUTH.map(({ server }) => server).join(', ')}. Prosody ignores the purpose. A prediction, not a test: what this peer did is s2s.external.`,
  outcomes: {
    both: { level: 'ok', says: 'would see a certificate of ours that is good for both roles' },
    'server-only': { level: 'notice', says: 'would see a certificate of ours without clientAuth, which some servers refuse', suspect: 'ours', remedy: 'Keep dialback on for those peers, or get a certificate with serverAuth and clientAuth.' },
    demanded: { level: 'error', says: 'demands clientAuth by its profile, and our certificate lacks it', suspect: 'ours', remedy: 'Get a certificate with serverAuth and clientAuth, from an authority of which both sides trust the root.' },
    'client-only': { level: 'warning', says: 'would see a certificate of ours without serverAuth, which is refused where we are called', suspect: 'ours', remedy: 'Get a certificate with serverAuth.' },
    neither: { level: 'error', says: 'would see a certificate of ours that is for neither role', suspect: 'ours', remedy: 'Get a certificate with serverAuth and clientAuth.' },
    'not-known': { level: 'unknown', says: 'was shown a certificate of ours whose purpose was not kept' },
  },
  judge: ({ deep }, { profile }) => {
    const shown = deep?.connections.filter(({ role, certificate }) => role === 'external' && certificate) ?? []
    if (shown.length === 0) return undefined
    const usages = shown.find(({ certificateUsages }) => certificateUsages !== undefined)?.certificateUsages
    if (usages === undefined) return 'not-known'
    const anything = usages.length === 0 || usages.includes(ANY_PURPOSE)
    const client = anything || usages.includes(CLIENT_AUTH)
    const server = anything || usages.includes(SERVER_AUTH)
    if (client) return server ? 'both' : 'client-only'
    if (!server) return 'neither'
    const demanding = DEMAND_CLIENT_AUTH.find(each => each.profile === profile)
    return demanding === undefined
      ? { outcome: 'server-only', detail: DEMAND_CLIENT_AUTH.map(({ server: name }) => name).join(', ') }
      : { outcome: 'demanded', detail: `${demanding.server}: ${demanding.because}` }
  },
})
