import { CLIENT_AUTH, SERVER_AUTH } from '@dialtone/stream'
import type { DeepConnection, Failure, Observation } from '@dialtone/contracts'
import { expect, it } from 'vitest'
import { casesOf, detailsOf, outcomesOf } from '../test-support/cases.ts'
import { TLS_SEEN, connection, deeply, features } from '../test-support/deep.ts'
import { observation } from '../test-support/observation.ts'
import { external } from './external.ts'
import { externalPurpose } from './external-purpose.ts'
import { externalUnshown } from './external-unshown.ts'

const ALERT: Failure = { at: 'tls', why: 'alert-from-peer', alert: 'unknown_ca' }
const OFFERS = { featuresAgain: features({ mechanisms: ['EXTERNAL'] }) }
const shown = (given: Partial<DeepConnection> = {}, ...stop: [] | [NonNullable<Parameters<typeof connection>[2]>]): Observation => deeply({ connections: [connection('external', given, ...stop)] })
const refused = (condition: string, text?: string): Failure => ({ at: 'stream', why: 'stream-error', condition, ...(text === undefined ? {} : { text }) })

it.each(casesOf(external, {
  accepted: { 'success': shown({ ...OFFERS, sasl: { success: true } }) },
  withheld: { 'a certificate that it does not trust': shown() },
  'not-requested': { 'a server that asks nobody': shown({ tls: { ...TLS_SEEN, clientCertificateRequested: false } }) },
  'not-shown': {
    'a check without a certificate': shown({ certificate: false }),
    'an alert for want of one': shown({ certificate: false }, { at: 'tls', failure: { ...ALERT, alert: 'certificate_required' } }),
    'a stream error for want of one': shown({ certificate: false }, { at: 'features-again', failure: refused('not-authorized', "Your server's certificate is not trusted") }),
  },
  'refused-at-handshake': { 'TLS 1.2': shown({}, { at: 'tls', failure: ALERT }) },
  'refused-late': { 'TLS 1.3': shown({}, { at: 'tls', failure: { ...ALERT, late: true } }), 'on the next read, without a reason': shown({}, { at: 'features-again', failure: { at: 'tls', why: 'alert-from-peer', alert: 'handshake_failure', late: true } }) },
  'refused-by-stream-error': {
    'an expired certificate for Prosody': shown({}, { at: 'features-again', failure: refused('not-authorized', "Your server's certificate has expired") }),
    'one that says no more': shown({}, { at: 'external', failure: refused('not-authorized') }),
  },
  'refused-by-sasl': { 'another domain': shown({ ...OFFERS, sasl: { success: false, condition: 'not-authorized', text: 'no' } }) },
  unanswered: { 'silence': shown(OFFERS, { at: 'external', failure: { at: 'stream', why: 'went-silent', received: 900 } }) },
  'not-asked': {
    'a refused port': deeply({ connections: [bare({ at: 'tcp', failure: { at: 'tcp', why: 'refused' } })] }),
    'a server in clear': deeply({ connections: [bare()] }),
    'a handshake that fails for another reason': deeply({ connections: [bare({ at: 'tls', failure: { ...ALERT, alert: 'protocol_version' } })] }),
    'a refusal by policy': shown({ ...OFFERS }, { at: 'features-again', failure: refused('policy-violation') }),
  },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('s2s.external keeps the reason that the peer gave', () => {
  expect(detailsOf(external, shown({ ...OFFERS, sasl: { success: false, condition: 'not-authorized', text: 'name mismatch' } }))).toEqual(['not-authorized "name mismatch"'])
  expect(detailsOf(external, shown({}, { at: 'tls', failure: ALERT }))).toEqual(['TLS alert-from-peer unknown_ca'])
})

it.each(casesOf(externalUnshown, {
  'not-offered': { 'most servers': deeply({ connections: [connection('dialback')] }) },
  offered: { 'one that offers it to everyone': deeply({ connections: [connection('dialback', OFFERS)] }) },
  'not-asked': { 'clear text': deeply({ connections: [{ ...bare(), role: 'dialback', certificate: false }] }) },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

const used = (...certificateUsages: string[]): Observation => shown({ certificateUsages })

it.each(casesOf(externalPurpose, {
  both: { 'both purposes': used(SERVER_AUTH, CLIENT_AUTH), 'no extension': used() },
  'server-only': { 'what public authorities issue': used(SERVER_AUTH) },
  demanded: { 'Expressway': { seen: used(SERVER_AUTH), expecting: { profile: 'expressway' } } },
  'client-only': { 'a client’s': used(CLIENT_AUTH) },
  neither: { 'one for mail': used('1.3.6.1.5.5.7.3.4') },
  'not-known': { 'usages that were not kept': shown() },
}))('%s', (_, outcome, found) => expect(found()).toEqual([outcome]))

it('says nothing about a light check', () => {
  for (const check of [external, externalUnshown, externalPurpose]) expect(outcomesOf(check, observation())).toEqual([])
})

/** Nothing came but what the stop left. */
function bare (stop?: Parameters<typeof connection>[2]): DeepConnection {
  const { tls: _, features: _features, featuresAgain: _again, ...rest } = connection('external', {}, stop)
  return rest
}
