// Did anything come in clear between the permission and the handshake? (RFC 6120 §5.4.3.3)
import { defineEndpointCheck } from '../check.ts'

export const strayBytes = defineEndpointCheck({
  id: 's2s.stray-bytes',
  asks: 'Did anything come in clear between the permission and the handshake?',
  about: 'RFC 6120 §5.4.3.3: what follows <proceed/> is TLS. Bytes in clear there are discarded, and could be an injection.',
  outcomes: {
    none: { level: 'ok', says: 'sends nothing in clear before the handshake' },
    some: { level: 'warning', says: 'sends bytes in clear between <proceed/> and the handshake', suspect: 'path' },
  },
  judge: ({ kind, tls, strayBytes: count }) => kind === 'direct' || (tls === undefined && count === undefined) ? undefined : count === undefined ? 'none' : { outcome: 'some', detail: `${count} bytes` },
})
