// For how long will others keep what they know now? (RFC 1035 §3.2.1, RFC 2308 §5)
import type { DnsAnswer } from '@dialtone/contracts'
import { isAbsent, serviceAnswers } from '@dialtone/discovery'
import { defineDomainCheck } from '../check.ts'
import { addressAnswers } from './asked.ts'

const DAY_S = 86_400

/** The longest TTL of the records in use, and of their absence. */
export const dnsTtl = defineDomainCheck({
  id: 's2s.dns-ttl',
  asks: 'How long until a change of the records reaches everybody?',
  about: 'The longest TTL of the SRV and address records, and how long their absence is remembered (RFC 2308). A resolver counts down what it holds, so the true TTL is at least the one shown.',
  outcomes: {
    usual: { level: 'ok', says: 'lets others keep its records for up to a day' },
    long: { level: 'notice', says: 'lets others keep its records for more than a day, and so a mistake too', remedy: 'Lower the TTL some days before a move.' },
    'not-known': { level: 'unknown', says: 'gave no records whose age could be read' },
  },
  judge: observation => {
    const services = serviceAnswers(observation.dns)
    const addresses = addressAnswers(observation)
    if (services.length + addresses.length === 0) return undefined
    const parts = [
      { what: 'SRV', ttl: longest(services) },
      { what: 'addresses', ttl: longest(addresses) },
      { what: 'absence', ttl: most([...services, ...addresses].filter(isAbsent).flatMap(({ negativeTtl }) => negativeTtl ?? [])) },
    ].flatMap(({ what, ttl }) => ttl === undefined ? [] : [{ what, ttl }])
    if (parts.length === 0) return 'not-known'
    return { outcome: parts.some(({ ttl }) => ttl > DAY_S) ? 'long' : 'usual', detail: parts.map(({ what, ttl }) => `${what} ${ttl} s`).join(', ') }
  },
})

function longest (answers: readonly DnsAnswer[]): number | undefined {
  return most(answers.flatMap(({ records, aliases }) => [...records, ...aliases].map(({ ttl }) => ttl)))
}

function most (ttls: readonly number[]): number | undefined {
  return ttls.length === 0 ? undefined : Math.max(...ttls)
}
