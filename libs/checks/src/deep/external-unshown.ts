// Is EXTERNAL offered to who shows no certificate? (XEP-0178 §3)
import { defineConnectionCheck } from '../check.ts'
import { offered } from './seen.ts'

export const externalUnshown = defineConnectionCheck({
  id: 's2s.external-unshown',
  asks: 'Is EXTERNAL offered to who shows no certificate?',
  about: 'The features after TLS on a connection without our certificate. Most servers offer EXTERNAL only after they have seen a certificate that they accept, so a check without one says nothing about whether they would.',
  outcomes: {
    'not-offered': { level: 'ok', says: 'offers no EXTERNAL to who shows no certificate' },
    offered: { level: 'notice', says: 'offers EXTERNAL to who shows no certificate, where it cannot succeed' },
    'not-asked': { level: 'unknown', says: 'ended before the features after TLS arrived' },
  },
  judge: connection => {
    if (connection.role !== 'dialback' || connection.certificate || connection.of !== 'peer') return undefined
    const features = offered(connection)
    if (connection.tls === undefined || features === undefined) return 'not-asked'
    return features.mechanisms.includes('EXTERNAL') ? 'offered' : 'not-offered'
  },
})
