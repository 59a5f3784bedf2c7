// Are the published addresses reachable from the Internet at all? (RFC 6890)
import { isFailed } from '@dialtone/discovery'
import { defineDomainCheck } from '../check.ts'
import { addressAnswers, listed, publishedAddresses } from './asked.ts'
import { isInBlock, specialPurpose } from './special-purpose.ts'

/** Reads the addresses alone. The address guard refuses to connect to the same ranges, unless the operator allows them. */
export const addressPublic = defineDomainCheck({
  id: 's2s.address-public',
  asks: 'Are the published addresses reachable from the Internet at all?',
  about: 'Private, loopback, link-local, shared and other special-purpose ranges in DNS answers. Right inside a network, wrong in public DNS; nothing is sent to them unless --allow-net permits it, and what it permits is no finding.',
  outcomes: {
    public: { level: 'ok', says: 'publishes public addresses' },
    permitted: { level: 'ok', says: 'publishes addresses of networks that --allow-net permits' },
    private: { level: 'warning', says: 'publishes an address that only an inside network can reach', remedy: 'Publish the public address, and keep the private one to the inside view.' },
    'not-known': { level: 'unknown', says: 'gave no answer about its addresses' },
  },
  judge: observation => {
    const addresses = publishedAddresses(observation)
    if (addresses.length === 0) return addressAnswers(observation).some(isFailed) ? 'not-known' : undefined
    const special = addresses.filter(address => specialPurpose(address) !== undefined)
    const permitted = new Set(special.filter(address => observation.asked.allowNets?.some(block => isInBlock(address, block)) === true))
    const others = special.filter(address => !permitted.has(address))
    if (others.length > 0) return { outcome: 'private', detail: listed(others.map(shown)) }
    return permitted.size > 0 ? { outcome: 'permitted', detail: listed([...permitted].map(shown)) } : 'public'
  },
})

function shown (address: string): string {
  return `${address} (${specialPurpose(address) ?? 'ordinary'})`
}
