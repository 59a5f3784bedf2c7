// Are key and signature strong enough for today’s libraries? (RFC 9325 §4.5)
import { leafOf } from '../certificates.ts'
import { defineEndpointCheck } from '../check.ts'

export const strength = defineEndpointCheck({
  id: 's2s.certificate-strength',
  asks: 'Are key and signature strong enough for today’s libraries?',
  about: 'RSA below 2048 bits and signatures with MD5 or SHA-1 are refused by current defaults.',
  outcomes: {
    strong: { level: 'ok', says: 'shows a certificate with a strong key' },
    weak: { level: 'warning', says: 'shows a certificate with a weak key or signature', suspect: 'peer', remedy: 'Make a new key (RSA 2048, or P-256) and get a new certificate.' },
  },
  judge: (endpoint, observation) => {
    const leaf = leafOf(endpoint, observation)
    if (leaf === undefined) return undefined
    const { algorithm, bits } = leaf.key
    const weak = (algorithm === 'RSA' && bits < 2048) || algorithm === 'P-192' || algorithm === 'DSA' || /md5|sha1/i.test(leaf.signatureAlgorithm)
    return { outcome: weak ? 'weak' : 'strong', detail: `${algorithm} ${bits}, ${leaf.signatureAlgorithm}` }
  },
})
