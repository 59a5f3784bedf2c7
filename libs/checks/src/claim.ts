import { sameAddress } from '@dialtone/discovery'
import { defineDomainCheck } from './check.ts'

export const claimQuestion = defineDomainCheck({
  id: 's2s.claim',
  asks: 'Does the peer believe that it serves our domain itself?',
  about: 'A stream to the peer that asks for OURS, and a control that asks for a name nobody serves. host-unknown is the healthy answer. A server that answers for both answers for everyone, which proves nothing.',
  outcomes: {
    denied: { level: 'ok', says: 'does not serve our domain' },
    claimed: { level: 'error', says: 'answers as if it served our domain', suspect: 'peer', remedy: 'Ask the peer, or its provider, to remove our domain from its hosts or tenants.' },
    expected: { level: 'ok', says: 'answers for our domain, as it is meant to' },
    inconclusive: { level: 'unknown', says: 'answers for every name, so its answer about ours proves nothing' },
    unanswered: { level: 'unknown', says: 'did not answer whether it serves our domain' },
  },
  judge: ({ claim, domain, asked: { as }, endpoints }, { ours, hostedBy, expectedAddresses }) => {
    const questions = claim.filter(({ role }) => role === 'claim')
    if (questions.length === 0) return undefined
    const control = (endpoint: string) => claim.find(answer => answer.role === 'control' && answer.endpoint === endpoint)?.answer
    const serving = questions.filter(({ answer }) => answer === 'serves')
    const proved = serving.find(({ endpoint }) => control(endpoint) === 'denies')
    // It is ours, or a provider that may: nobody is accused.
    const meant = ours || as === domain || hostedBy.includes(domain)
    const isOurs = (id: string) => endpoints.some(e => e.id === id && expectedAddresses.some(expected => sameAddress(expected, e.address)))
    if (proved !== undefined) return { outcome: meant || serving.every(({ endpoint }) => isOurs(endpoint)) ? 'expected' : 'claimed', detail: proved.to }
    if (serving.length > 0) return 'inconclusive'
    return questions.some(({ answer }) => answer === 'denies') ? 'denied' : 'unanswered'
  },
})
