// Does the chain lead to an authority that is trusted here? (RFC 5280 §6)
import { quoted } from '@dialtone/kernel'
import { defineEndpointCheck } from '../check.ts'

export const trust = defineEndpointCheck({
  id: 's2s.certificate-trust',
  asks: 'Does the chain lead to an authority that is trusted here?',
  about: 'Signatures, CA flags and path lengths, whatever the dates, names and purposes say: those are checks of their own.',
  outcomes: {
    trusted: { level: 'ok', says: 'shows a chain that leads to a trusted authority' },
    'self-signed': { level: 'warning', says: 'shows a self-signed certificate', suspect: 'peer', remedy: 'Get a certificate from an authority that peers trust.' },
    'unknown-ca': { level: 'warning', says: 'shows a chain to an authority that is not trusted here', suspect: 'peer', remedy: 'Get a certificate from an authority that peers trust, or trust it here with --ca.' },
    incomplete: { level: 'warning', says: 'leaves out the certificate of the issuer', suspect: 'peer', remedy: 'Let the server send its intermediate certificates too: the full chain, leaf first.' },
    invalid: { level: 'warning', says: 'shows a chain that is not valid', suspect: 'peer' },
  },
  judge: ({ chain }) => chain === undefined ? undefined : chain.detail === undefined ? chain.trust : { outcome: chain.trust, detail: quoted(chain.detail) },
})
