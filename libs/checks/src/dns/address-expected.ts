// Is the published address the one that was configured as ours?
import { isFailed, sameAddress } from '@dialtone/discovery'
import { defineDomainCheck } from '../check.ts'
import { addressAnswers, listed, publishedAddresses } from './asked.ts'

/** Compares what DNS gave with what the configuration expects. An expectation is an opinion: without one there is no finding. */
export const addressExpected = defineDomainCheck({
  id: 's2s.address-expected',
  asks: 'Is the published address the one that was configured as ours?',
  about: 'Compares the addresses that DNS gave with those expected, however they are written. A wrong one sends peers to another host, which may even answer. Says nothing when none is expected, or when endpoints were named.',
  outcomes: {
    expected: { level: 'ok', says: 'publishes the expected addresses' },
    missing: { level: 'notice', says: 'does not publish an address that is expected', remedy: 'Add the address to the A or AAAA record of the SRV target, or take it off the expectation.' },
    unexpected: { level: 'error', says: 'publishes an address that is not among the expected ones', suspect: 'ours', remedy: 'Correct the A or AAAA record of the SRV target, or the expected address.' },
    'not-known': { level: 'unknown', says: 'gave no addresses that could be compared with the expected ones' },
  },
  judge: (observation, { expectedAddresses }) => {
    const answers = addressAnswers(observation)
    if (expectedAddresses.length === 0 || observation.asked.overrides.length > 0) return undefined
    const addresses = publishedAddresses(observation)
    if (addresses.length === 0) return observation.dns.some(isFailed) ? 'not-known' : undefined
    const odd = addresses.filter(address => !expectedAddresses.some(expected => sameAddress(expected, address)))
    if (odd.length > 0) return { outcome: 'unexpected', detail: listed(odd) }
    const missing = expectedAddresses.filter(expected => !addresses.some(address => sameAddress(expected, address)))
    if (missing.length === 0) return 'expected'
    return answers.some(isFailed) ? 'not-known' : { outcome: 'missing', detail: listed(missing) }
  },
})
