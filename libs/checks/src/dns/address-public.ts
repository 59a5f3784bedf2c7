// Are the published addresses reachable from the Internet at all? (RFC 6890)
import { isFailed } from '@dialtone/discovery'
import { defineDomainCheck } from '../check.ts'
import { addressAnswers, listed, publishedAddresses } from './asked.ts'
import { specialPurpose } from './address.ts'

/** Reads the addresses alone. The address guard refuses to connect to the same ranges, unless the operator allows them. */
export const addressPublic = defineDomainCheck({
  id: 's2s.address-public',
  asks: 'Are the published addresses reachable from the Internet at all?',
  about: 'Private, loopback, link-local, shared and other special-purpose ranges in DNS answers. Right inside a network, wrong in public DNS; nothing is sent to them unless --allow-net permits it.',
  outcomes: {
    public: { level: 'ok', says: 'publishes public addresses' },
    private: { level: 'warning', says: 'publishes an address that only an inside network can reach', remedy: 'Publish the public address, and keep the private one to the inside view.' },
    'not-known': { level: 'unknown', says: 'gave no answer about its addresses' },
  },
  judge: observation => {
    const addresses = publishedAddresses(observation)
    if (addresses.length === 0) return addressAnswers(observation).some(isFailed) ? 'not-known' : undefined
    const special = addresses.flatMap(address => {
      const what = specialPurpose(address)
      return what === undefined ? [] : [`${address} (${what})`]
    })
    return special.length === 0 ? 'public' : { outcome: 'private', detail: listed(special) }
  },
})
