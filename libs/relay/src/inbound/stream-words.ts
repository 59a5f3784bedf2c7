// What is said of a stream and shown on it, from values alone.
import type { Failure } from '@dialtone/contracts'
import type { KeyPair, Zone } from '../seams.ts'

/** For the domain that was named; for who named none, or one that has none, the first of the zone. */
export function certificateOf (zone: Zone, to: string): KeyPair | undefined {
  return (to === '' ? undefined : zone.certificateFor(to)) ?? zone.certificates[0]
}

/** Of a closed set, for labels. */
export function protocolLabel (protocol: string): string {
  return protocol === 'TLSv1.2' || protocol === 'TLSv1.3' ? protocol : 'other'
}

/** How a stream ended, of a closed set, for labels. */
export function endedLabel (because: Failure): string {
  if (because.at === 'stream' && because.why === 'broke-protocol') return because.condition
  return because.at === 'tls' ? 'tls' : because.at === 'stream' && because.why === 'stream-error' ? 'error-from-peer' : 'lost'
}

/** For people; at most 350 characters. */
export function saysOf (failure: Failure): string {
  const detail = 'detail' in failure && failure.detail !== undefined ? `: ${failure.detail}` : ''
  return `${failure.at} ${'condition' in failure ? `${failure.why} ${failure.condition}` : failure.why}${detail}`.slice(0, 350)
}
