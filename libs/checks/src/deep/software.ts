// Which software is it, by its own word? (XEP-0092)
import { defineDomainCheck } from '../check.ts'

export const software = defineDomainCheck({
  id: 's2s.software',
  asks: 'Which software is it, by its own word?',
  about: 'XEP-0092 to the bare domain, beside the ping; the answer comes on the peer’s own stream to us. Many servers do not tell, and nothing is concluded from what they say: it helps to read their other answers.',
  outcomes: {
    told: { level: 'ok', says: 'says what software it is' },
    'not-told': { level: 'ok', says: 'does not say what software it is' },
  },
  judge: ({ deep }) => {
    const asked = deep?.connections.filter(({ ping }) => ping !== undefined && ping.answer !== 'none') ?? []
    if (asked.length === 0) return undefined
    const known = asked.find(connection => connection.software !== undefined)?.software
    return known === undefined ? 'not-told' : { outcome: 'told', detail: known.version === undefined ? known.name : `${known.name} ${known.version}` }
  },
})
