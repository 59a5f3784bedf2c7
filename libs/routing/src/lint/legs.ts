/** Demands that contradict each other, whoever makes them: a zone, or a policy with its profile and zone (gateways.md 5.5, 5.12 L1 to L4). */
import type { LegRules } from '../decision.ts'

export type LegFinding = { level: 'error' | 'warning' | 'notice', code: string, field: 'tls' | 'certificate' | 'dialback' | 'pins' | 'external' | 'bidi', says: string }

/** `written`: the fields that stand in the resource itself; of the others somebody else is the author, and a word about them is quieter. */
export function * legFindings (leg: LegRules, written: ReadonlySet<string>): Generator<LegFinding> {
  const demands = leg.certificate !== 'any'
  if (leg.tls === 'none' && demands) yield { level: 'error', code: 'certificate-without-tls', field: 'certificate', says: `it demands a certificate that is ${leg.certificate} and no TLS, and without TLS nobody shows one; set tls to required, or certificate to any` }
  const noExternal = leg.tls === 'none' || !leg.external
  if (noExternal && leg.dialback === 'never') yield { level: 'error', code: 'no-authentication', field: 'dialback', says: `dialback never and ${leg.tls === 'none' ? 'no TLS' : 'no SASL EXTERNAL'} leave no way to authenticate anybody; allow dialback, or EXTERNAL over TLS` }
  if (leg.tls === 'none' && leg.dialback === 'over-tls') yield { level: 'error', code: 'no-authentication', field: 'dialback', says: 'dialback is for streams with TLS alone, and there is none; set dialback to always, or tls to required' }
  if (leg.tls === 'required' && demands && leg.dialback !== 'never') yield { level: written.has('dialback') ? 'warning' : 'notice', code: 'dialback-by-certificate-alone', field: 'dialback', says: `a certificate that is ${leg.certificate} is demanded, so that dialback is only good beside one (XEP-0344)${leg.withoutDialback ? '' : ', which withoutDialback false forbids'}; set dialback to never if it is not meant` }
  if (leg.tls === 'optional' && demands) yield { level: 'warning', code: 'certificate-with-optional-tls', field: 'tls', says: `a certificate that is ${leg.certificate} is demanded and TLS only wished for: a stream without TLS always fails; set tls to required` }
  if (leg.certificate === 'pinned' && leg.pins.length === 0) yield { level: 'error', code: 'pinned-without-pins', field: 'certificate', says: 'the key has to be one of the pins and there are none, so no key is; add pins, or set certificate to valid' }
  if (leg.tls === 'none' && leg.bidi && written.has('bidi')) yield { level: 'warning', code: 'bidi-without-tls', field: 'bidi', says: 'bidi is for streams with TLS alone (XEP-0288), and there is none, so that no stream is ever bidirectional; set tls to required, or take bidi out' }
  if (leg.certificate !== 'pinned' && leg.pins.length > 0) yield { level: 'warning', code: 'pins-unused', field: 'pins', says: `the pins are not looked at while certificate is ${leg.certificate}; set it to pinned, or take them out` }
}
