// Does the peer behave as its profile expects? (monitors: policy per peer against what is observed)
import { defineEndpointCheck } from './check.ts'
import { passed } from './endpoint/steps.ts'
import { PROFILE_DATA } from './profiles.ts'

export const profileFit = defineEndpointCheck({
  id: 's2s.profile-fit',
  asks: 'Does the peer behave as its profile expects?',
  about: 'Encryption and ways to authenticate, against the profile that was named with --profile; of the standard one the other checks say enough. A peer that changed its ways is found here before a policy that relies on them breaks.',
  outcomes: {
    fits: { level: 'ok', says: 'behaves as its profile expects' },
    'no-encryption': { level: 'warning', says: 'offers no encryption, which its profile expects', suspect: 'peer' },
    'no-dialback': { level: 'warning', says: 'offers no dialback, by which its profile authenticates', suspect: 'peer' },
    'no-certificate-request': { level: 'warning', says: 'asks for no certificate, by which its profile authenticates', suspect: 'peer' },
    encrypts: { level: 'notice', says: 'offers encryption, which its profile does without: the profile may be out of date', remedy: 'Check again with --profile standard.' },
  },
  judge: ({ kind, steps, tls, header, headerAgain, features, featuresAgain }, _, { profile }) => {
    const complete = kind === 'starttls' && tls !== undefined ? passed(steps, 'features-again') : passed(steps, 'features')
    if (!complete || profile === 'standard') return undefined
    const { title, tls: encryption, authentication } = PROFILE_DATA[profile]
    const [head, offered] = kind === 'starttls' && tls !== undefined ? [headerAgain, featuresAgain] : [header, features]
    const dialback = offered?.dialback === true || head?.dialbackNamespace === true
    const detail = `${profile}: ${title}`
    if (tls === undefined && encryption === 'expected') return { outcome: 'no-encryption', detail }
    if (authentication === 'dialback' && !dialback) return { outcome: 'no-dialback', detail }
    if (authentication === 'certificate' && tls?.clientCertificateRequested !== true) return { outcome: 'no-certificate-request', detail }
    return tls !== undefined && encryption === 'none' ? { outcome: 'encrypts', detail } : 'fits'
  },
})
