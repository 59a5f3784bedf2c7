// Does the domain publish IPv4 and IPv6?
import { isFailed } from '@dialtone/discovery'
import { defineDomainCheck } from '../check.ts'
import { addressAnswers, publishedAddresses } from './asked.ts'

/** Reads A and AAAA of every target. Whether they work is s2s.family-works. */
export const addressFamilies = defineDomainCheck({
  id: 's2s.address-families',
  asks: 'Does the domain publish IPv4 and IPv6?',
  about: 'The A and AAAA records of the SRV targets, or of the domain itself where servers fall back to it. IPv6 alone cuts off the many servers without it. Says nothing about whether the addresses work.',
  outcomes: {
    both: { level: 'ok', says: 'has IPv4 and IPv6 addresses' },
    'ipv4-only': { level: 'ok', says: 'has IPv4 addresses only' },
    'ipv6-only': { level: 'notice', says: 'has IPv6 addresses only, which many servers cannot reach', remedy: 'Add an A record for the server.' },
    'not-known': { level: 'unknown', says: 'gave no answer about the addresses of one family' },
  },
  judge: observation => {
    const answers = addressAnswers(observation)
    const addresses = publishedAddresses(observation)
    const six = addresses.some(address => address.includes(':'))
    const four = addresses.some(address => !address.includes(':'))
    if (four && six) return 'both'
    const unknown = answers.filter(answer => isFailed(answer) && answer.type === (four ? 'AAAA' : 'A'))
    if (unknown.length > 0) return 'not-known'
    return four ? 'ipv4-only' : six ? 'ipv6-only' : undefined
  },
})
