// Does the peer close its stream when we close ours? (RFC 6120 §4.4)
import { defineEndpointCheck } from '../check.ts'

export const closing = defineEndpointCheck({
  id: 's2s.clean-close',
  asks: 'Does the peer close its stream when we close ours?',
  about: 'RFC 6120 §4.4. A missing </stream:stream> costs nothing here; a gateway counts what was in flight.',
  outcomes: {
    clean: { level: 'ok', says: 'closes the stream cleanly' },
    unclean: { level: 'ok', says: 'ends the connection without closing its stream' },
    'not-asked': { level: 'unknown', says: 'was not asked to close' },
  },
  judge: ({ ended }) => ended === undefined ? 'not-asked' : ended === 'clean' ? 'clean' : { outcome: 'unclean', detail: ended },
})
