import { defineDomainCheck } from './check.ts'

export const sameCertificate = defineDomainCheck({
  id: 's2s.certificate-same',
  asks: 'Do all endpoints show the same certificate?',
  about: 'Different certificates behind one name are legal, and often a node that missed a renewal.',
  outcomes: {
    same: { level: 'ok', says: 'shows one certificate on every endpoint' },
    different: { level: 'notice', says: 'shows different certificates on different endpoints' },
  },
  judge: ({ endpoints }) => {
    const leaves = endpoints.flatMap(({ chain }) => chain?.sent[0] ?? [])
    return leaves.length < 2 ? undefined : new Set(leaves).size === 1 ? 'same' : { outcome: 'different', detail: `${new Set(leaves).size} certificates on ${leaves.length} endpoints` }
  },
})
