// The kinds of resources and the names of their lists in paths. Written again here, since the contract's table comes with a validator.
import type { Kind } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'

export const PATHS: Readonly<Record<Kind, string>> = {
  Domain: 'domains', Peer: 'peers', Vantage: 'vantages', Schedule: 'schedules', Exception: 'exceptions', ManagedServer: 'managed-servers', Gateway: 'gateways', Policy: 'policies', Route: 'routes',
}

/** `domain`, `Domain` and `domains` all mean Domain. */
export function kindOf (text: string): Kind {
  const wanted = text.toLowerCase().replaceAll('-', '')
  const found = (Object.keys(PATHS) as Kind[]).find(kind => [kind.toLowerCase(), PATHS[kind].replaceAll('-', '')].includes(wanted))
  if (found === undefined) throw new OperatorError('usage', `there is no kind '${quoted(text, 40)}': one of ${Object.values(PATHS).join(', ')}`)
  return found
}

export function pathOf (kind: Kind, name?: string): string {
  return `/v1/${PATHS[kind]}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`
}
