// What the endpoints of our own domain say when they are asked about a right key: each node must know the same secret.
import { stopped, type DeepObservation } from '@dialtone/checks'
import type { DeepConnection, Untested } from '@dialtone/contracts'
import type { Seen } from './faults.ts'
import { placeOf } from './place.ts'

export type OwnEndpoints = {
  all: number
  valid: number
  /** No TCP connection could be opened from here. */
  unreachable: number
  denying: readonly DeepConnection[]
  /** They told nothing about the key: no connection, no answer, or an error. */
  silent: readonly DeepConnection[]
  /** They do not serve our domain. */
  unserving: readonly DeepConnection[]
}

export function ownEndpoints ({ deep }: DeepObservation): OwnEndpoints {
  const asked = deep.connections.filter(({ of, role, question }) => of === 'ours' && role === 'verify' && question?.right !== 'invalid')
  const answering = (type: string) => asked.filter(({ question }) => question?.answer?.type === type)
  const valid = answering('valid')
  const denying = answering('invalid')
  const unserving = asked.filter(connection => {
    const failure = stopped(connection)?.failure
    return connection.question?.answer?.condition === 'item-not-found' || (failure?.at === 'stream' && failure.why === 'stream-error' && (failure.condition === 'host-unknown' || failure.condition === 'host-gone'))
  })
  return {
    all: asked.length,
    valid: valid.length,
    unreachable: asked.filter(connection => stopped(connection)?.failure?.at === 'tcp').length,
    denying,
    unserving,
    silent: asked.filter(connection => ![...valid, ...denying, ...unserving].includes(connection)),
  }
}

/** One of ours that denies a right key, or does not know our domain: where a peer calls that one back, dialback fails. */
export function ownFaults (o: DeepObservation): Seen[] {
  if (o.deep.depth !== 'shared') return []
  const { all, denying, unserving } = ownEndpoints(o)
  const remedy = denying.length === all
    ? 'Compare the secret of the check with that of our server first: every endpoint denies its key. If they are equal, the nodes have other secrets than the configuration says; restart them.'
    : 'Give the endpoints in the evidence the same dialback secret as the others (Prosody dialback_secret, ejabberd the cookie of the cluster), and restart them. Or the secret of this check is not theirs: it must be that of the servers that deny it, too.'
  return [
    ...denying.map(({ endpoint }): Seen => ({ cause: 'dialback.denied', text: 'our own endpoint calls a right key invalid', endpoint, remedy })),
    ...unserving.map(({ endpoint }): Seen => ({
      cause: 'dialback.callback-misdirected', text: 'our own records lead to a server that does not serve us', endpoint, side: 'ours', actor: 'dns-admin',
      remedy: 'Correct the SRV or address record that leads to the endpoint in the evidence, or add OURS to the server there.',
    })),
  ]
}

/** Nobody knows whether a callback to these would have gone well. */
export function ownUntested (o: DeepObservation): Untested[] {
  if (o.deep.depth !== 'shared') return []
  const { all, silent } = ownEndpoints(o)
  if (all > 0 && silent.length === 0) return []
  const places = [...new Set(silent.map(({ endpoint }) => placeOf(endpoint, o.endpoints)))].toSorted()
  const where = silent.length === all ? '' : ` at ${places.slice(0, 2).join(' and ')}${places.length > 2 ? ` and ${places.length - 2} more` : ''}`
  return [{ what: `whether our own endpoints know the secret${where}`, needs: `records of ${o.deep.as} that lead to them, reachable from here` }]
}
