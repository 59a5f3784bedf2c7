// How deep a check goes: the options of it, what may stand beside what, and the listener that hears the callback for the time of a run.
import type { EndpointKind } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import { DEEP_TIMEOUTS, SECRET_OWNERS, startListener, type DeepRequest, type Listener, type ListenerOptions, type SecretOwner } from '@dialtone/ladder'
import type { Keys } from '@dialtone/stream'
import { secretKeys } from './credentials.ts'
import { domainOf } from './network-words.ts'
import { addressOf, depthOf, placeOf } from './options.ts'
import { everyAddress } from './vantage.ts'

export const DEEP_OPTIONS = {
  depth: { type: 'string' },
  'probe-domain': { type: 'string' },
  secret: { type: 'string' },
  'secret-of': { type: 'string' },
  listen: { type: 'string', multiple: true },
  'listen-direct': { type: 'string', multiple: true },
  'public-address': { type: 'string', multiple: true },
  'verify-peers': { type: 'boolean' },
  quick: { type: 'boolean' },
} as const

/** The values of DEEP_OPTIONS, and of the options of a check that they depend on. */
export type DeepValues = {
  depth?: string | undefined
  'probe-domain'?: string | undefined
  secret?: string | undefined
  'secret-of'?: string | undefined
  listen?: string[] | undefined
  'listen-direct'?: string[] | undefined
  'public-address'?: string[] | undefined
  'verify-peers'?: boolean | undefined
  quick?: boolean | undefined
  ours?: boolean | undefined
  as?: string | undefined
  cert?: string | undefined
}

export type Place = ListenerOptions['places'][number]

/** What was asked for; nothing is open yet. */
export type DeepPlan = {
  deep: Omit<DeepRequest, 'listener'>
  places: readonly Place[]
  /** What a person should know before it begins. */
  warnings: readonly string[]
}

/** Undefined without a depth. Rejects with an OperatorError where options do not fit together. `domains` are those to check. */
export async function deepPlan (values: DeepValues, domains: readonly string[], signal: AbortSignal): Promise<DeepPlan | undefined> {
  const depth = depthOf(values.depth ?? 'none')
  if (depth === 'none') return refuse(values, Object.keys(DEEP_OPTIONS).filter(option => option !== 'depth'), 'belongs to a deep check: write --depth probe, shared or knock beside it')
  const as = inWhoseName(depth, values)
  if (domains.includes(as)) throw new OperatorError('usage', `${as} cannot be asked in its own name: name the domain of the peer, or other servers for ${depth === 'probe' ? '--probe-domain' : '--as'}`)
  const places = placesOf(values, [])
  if (places.length === 0) refuse(values, ['public-address'], 'says where the listener of this check is reached: it needs --listen PORT')
  const { keys, warnings } = await secretOf(depth, values, signal)
  return {
    deep: {
      depth, as,
      ...(keys === undefined ? {} : { keys }),
      publicAddresses: (values['public-address'] ?? []).map(text => addressOf('--public-address', text)),
      verifyPeers: values['verify-peers'] === true || values.ours === true,
      quick: values.quick === true,
      timeoutsMs: DEEP_TIMEOUTS,
    },
    places,
    warnings: [...warnings, ...warningsOf(depth, as, places, values)],
  }
}

/** `--listen` and `--listen-direct`, or `otherwise`. */
export function placesOf (values: DeepValues, otherwise: readonly Place[]): readonly Place[] {
  const placesIn = (option: 'listen' | 'listen-direct', kind: EndpointKind): Place[] => (values[option] ?? []).map(text => {
    const { address = everyAddress(), port } = placeOf(`--${option}`, text)
    return { address, port, kind }
  })
  const places = [...placesIn('listen', 'starttls'), ...placesIn('listen-direct', 'direct')]
  if (places.some(({ kind }) => kind === 'direct') && values.cert === undefined) throw new OperatorError('usage', '--listen-direct needs a certificate: write --cert FILE --key FILE')
  return places.length === 0 ? otherwise : places
}

/** The request, and the listener that all domains of one run share; `close` ends it. Rejects with an OperatorError where it cannot listen. */
export async function openDeep ({ deep, places }: DeepPlan, given: Pick<ListenerOptions, 'certificate' | 'anchors'>): Promise<{ deep: DeepRequest, close: () => Promise<void> }> {
  if (places.length === 0 || deep.keys === undefined) return { deep, close: () => Promise.resolve() }
  const listener: Listener = await startListener({ domain: deep.as, places, keys: deep.keys, ...given })
  return { deep: { ...deep, listener }, close: listener.stop }
}

type Depth = DeepRequest['depth']

function inWhoseName (depth: Depth, values: DeepValues): string {
  if (depth === 'probe') {
    const name = values['probe-domain'] ?? values.as
    if (name === undefined) throw new OperatorError('usage', '--depth probe speaks in the name of a domain of the probe\'s own: write --probe-domain NAME')
    return domainOf(name)
  }
  refuse(values, ['probe-domain'], `belongs to --depth probe: at depth ${depth} it is asked in the name of --as`)
  refuse(values, ['listen', 'listen-direct', 'public-address'], `belongs to --depth probe: at depth ${depth} the peer calls back the server of --as, not this machine`)
  if (values.as === undefined) throw new OperatorError('usage', `--depth ${depth} speaks in the name of a domain of ours: write --as OURS`)
  return domainOf(values.as)
}

async function secretOf (depth: Depth, values: DeepValues, signal: AbortSignal): Promise<{ keys?: Keys, warnings: readonly string[] }> {
  if (depth === 'knock') {
    refuse(values, ['secret', 'secret-of'], 'does not go with --depth knock, which sends a made-up key: with the secret, write --depth shared')
    return { warnings: [] }
  }
  if (depth === 'probe') {
    refuse(values, ['secret-of'], 'belongs to --depth shared: at depth probe the secret is the probe\'s own text')
    if (values.secret === undefined) throw new OperatorError('usage', '--depth probe needs --secret FILE, from which keys are made; to make one: openssl rand -base64 32 > FILE')
  }
  if (values.secret === undefined) throw new OperatorError('usage', '--depth shared needs --secret FILE: the dialback secret of our real server. Where it is kept: see Dialback in README.md')
  return secretKeys(values.secret, signal, ownerOf(values['secret-of'] ?? 'prosody'))
}

function ownerOf (text: string): SecretOwner {
  const owner = SECRET_OWNERS.find(known => known === text)
  if (owner === undefined) throw new OperatorError('usage', `--secret-of is one of ${SECRET_OWNERS.join(', ')}`)
  return owner
}

function warningsOf (depth: Depth, as: string, places: readonly Place[], values: DeepValues): string[] {
  const warnings: string[] = []
  if (depth === 'knock') warnings.push(`a made-up key is sent in the name of ${as}: a healthy peer calls back, and the log of our real server will say that an imposter claims to be ${as}. Only an answer without a callback means anything`)
  if (depth === 'probe' && places.length === 0) warnings.push(`no --listen: this check does not see who calls back, and keys are answered by what listens for ${as} elsewhere, if anything does. A peer that proves itself before it asks (Prosody) gets no answer from 'dialtone listen', which does not know of this check`)
  if (places.length > 0 && values.cert === undefined) warnings.push('the listener has no certificate (--cert, --key): it speaks in clear, and peers that insist on TLS do not call it back')
  if (values['verify-peers'] === true) warnings.push('--verify-peers asks the peer about a wrong key: its log may say that an imposter claims to be the peer (Prosody)')
  return warnings
}

/** Names the first of the options that was given. */
function refuse (values: DeepValues, options: readonly string[], why: string): undefined {
  const given = options.find(option => values[option as keyof DeepValues] !== undefined)
  if (given !== undefined) throw new OperatorError('usage', `--${given} ${why}`)
}
