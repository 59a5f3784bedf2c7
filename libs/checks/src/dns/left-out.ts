// Was everything tried that is published?
import { isFailed, serviceAnswers } from '@dialtone/discovery'
import { defineDomainCheck } from '../check.ts'

/** A bound that was hit is said aloud: what was left out is not known to work. */
export const leftOut = defineDomainCheck({
  id: 's2s.left-out',
  asks: 'Was everything tried that is published?',
  about: 'One check looks at ten SRV targets and at eight addresses of each, four of a family. What is beyond was neither looked up nor connected to.',
  outcomes: {
    'not-known': { level: 'unknown', says: 'gave no records that could be counted' },
    none: { level: 'ok', says: 'publishes no more endpoints than one check tries' },
    some: { level: 'unknown', says: 'publishes more targets or addresses than one check tries' },
  },
  judge: ({ leftOut: count, dns }) => dns.length === 0 ? undefined : serviceAnswers(dns).every(isFailed) && serviceAnswers(dns).length > 0 ? 'not-known' : count === 0 ? 'none' : { outcome: 'some', detail: `${count} left out` },
})
