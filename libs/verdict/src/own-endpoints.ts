// What the endpoints of our own domain say when they are asked about a right key: each node must know the same secret.
import { stopped, type DeepObservation } from '@dialtone/checks'
import type { DeepConnection } from '@dialtone/contracts'
import type { Seen } from './faults.ts'

export type OwnEndpoints = {
  all: number
  valid: number
  /** No TCP connection could be opened from here. */
  unreachable: number
  denying: readonly DeepConnection[]
  /** They do not serve our domain. */
  unserving: readonly DeepConnection[]
}

export function ownEndpoints ({ deep }: DeepObservation): OwnEndpoints {
  const asked = deep.connections.filter(({ of, role, question }) => of === 'ours' && role === 'verify' && question?.right !== 'invalid')
  const answering = (type: string) => asked.filter(({ question }) => question?.answer?.type === type)
  return {
    all: asked.length,
    valid: answering('valid').length,
    unreachable: asked.filter(connection => stopped(connection)?.failure?.at === 'tcp').length,
    denying: answering('invalid'),
    unserving: asked.filter(connection => {
      const failure = stopped(connection)?.failure
      return connection.question?.answer?.condition === 'item-not-found' || (failure?.at === 'stream' && failure.why === 'stream-error' && (failure.condition === 'host-unknown' || failure.condition === 'host-gone'))
    }),
  }
}

/** One of ours that denies a right key, or does not know our domain: where a peer calls that one back, dialback fails. */
export function ownFaults (o: DeepObservation): Seen[] {
  if (o.deep.depth !== 'shared') return []
  const { all, denying, unserving } = ownEndpoints(o)
  const remedy = denying.length === all
    ? 'Compare the secret of the check with that of our server first: every endpoint denies its key. If they are equal, the nodes have other secrets than the configuration says; restart them.'
    : 'Give the endpoints in the evidence the same dialback secret as the others (Prosody dialback_secret, ejabberd the cookie of the cluster), and restart them.'
  return [
    ...denying.map(({ endpoint }): Seen => ({ cause: 'dialback.denied', text: 'our own endpoint calls a right key invalid', endpoint, remedy })),
    ...unserving.map(({ endpoint }): Seen => ({
      cause: 'dialback.callback-misdirected', text: 'our own records lead to a server that does not serve us', endpoint, side: 'ours', actor: 'dns-admin',
      remedy: 'Correct the SRV or address record that leads to the endpoint in the evidence, or add OURS to the server there.',
    })),
  ]
}
