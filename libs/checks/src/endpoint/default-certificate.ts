// Do peers that send no server name see the same certificate? (RFC 6066 §3)
import { defineEndpointCheck } from '../check.ts'

export const defaultCertificate = defineEndpointCheck({
  id: 's2s.default-certificate',
  asks: 'Do peers that send no server name see the same certificate?',
  about: 'A second handshake without SNI. Old servers send none, and then see the default one.',
  outcomes: {
    same: { level: 'ok', says: 'shows the same certificate without SNI' },
    other: { level: 'notice', says: 'shows another certificate to peers that send no SNI' },
    none: { level: 'notice', says: 'shows no certificate to peers that send no SNI' },
  },
  judge: ({ chain, withoutSni }) => chain === undefined || withoutSni === undefined ? undefined : 'failure' in withoutSni ? 'none' : withoutSni.leaf === chain.sent[0] ? 'same' : 'other',
})
