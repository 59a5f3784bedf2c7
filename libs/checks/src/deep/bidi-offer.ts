// Does the peer offer to use one stream for both directions? (XEP-0288)
import { defineConnectionCheck } from '../check.ts'
import { offered } from './seen.ts'

export const bidiOffer = defineConnectionCheck({
  id: 's2s.bidi-offer',
  asks: 'Does the peer offer to use one stream for both directions?',
  about: 'XEP-0288, in the last features before authentication. Where it is used, the peer needs no connection of its own to us after dialback; the callback itself still comes on another one. It is never asked for here, because it would be in another server’s name.',
  outcomes: {
    offered: { level: 'ok', says: 'offers bidirectional streams' },
    'not-offered': { level: 'ok', says: 'offers no bidirectional streams' },
  },
  judge: connection => {
    const features = connection.role === 'verify' ? undefined : offered(connection)
    return features === undefined ? undefined : features.bidi ? 'offered' : 'not-offered'
  },
})
