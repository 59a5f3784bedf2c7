import type { FeaturesSeen } from '@dialtone/contracts'
import { childrenOf, type Element } from './element.ts'
import { BIDI, BIDI_FEATURE, DIALBACK_FEATURE, SASL, STREAM_LIMITS, STREAM_MANAGEMENT, TLS } from './namespaces.ts'

/** More than any server offers; the framer bounds the bytes, this bounds what is kept. */
const MOST = 32

/**
 * What `<stream:features/>` offers on an S2S stream (RFC 6120 §4.3.2, §5.4.1, §6.4.1; XEP-0220 §2.1.1; XEP-0288 §2.1; XEP-0198; XEP-0478).
 * Compared by namespace and local name. An empty features element is an answer too. What is offered twice counts in its stricter form.
 */
export function readFeatures (features: Element): FeaturesSeen {
  const seen: FeaturesSeen = { starttls: 'absent', mechanisms: [], dialback: false, dialbackErrors: false, bidi: false, streamManagement: false, other: [] }
  for (const feature of childrenOf(features).slice(0, MOST)) {
    const namespace = feature.getNS() ?? ''
    const name = feature.getName()
    if (namespace === TLS && name === 'starttls') seen.starttls = has(feature, 'required') || seen.starttls === 'required' ? 'required' : 'optional'
    else if (namespace === SASL && name === 'mechanisms') seen.mechanisms = [...seen.mechanisms, ...mechanisms(feature)].slice(0, MOST)
    else if (namespace === DIALBACK_FEATURE && name === 'dialback') {
      seen.dialback = true
      seen.dialbackErrors ||= has(feature, 'errors')
    } else if (namespace === BIDI_FEATURE && name === 'bidi') seen.bidi = true
    else if (namespace === STREAM_MANAGEMENT && name === 'sm') seen.streamManagement = true
    else if (namespace === STREAM_LIMITS && name === 'limits') seen.limits = { ...number('maxBytes', feature, 'max-bytes'), ...number('idleSeconds', feature, 'idle-seconds') }
    else {
      // Some offer bidi in the namespace of its request: understood, and listed as the deviation that it is.
      if (namespace === BIDI && name === 'bidi') seen.bidi = true
      seen.other.push(`{${namespace}}${name}`.slice(0, 200))
    }
  }
  return seen
}

function has (element: Element, name: string): boolean {
  return childrenOf(element).some(child => child.getName() === name)
}

function mechanisms (feature: Element): string[] {
  return childrenOf(feature).filter(child => child.getName() === 'mechanism').slice(0, MOST).map(child => child.text().trim().slice(0, 64))
}

function number<Name extends string> (as: Name, element: Element, name: string): { [N in Name]?: number } {
  const text = childrenOf(element).find(child => child.getName() === name)?.text().trim() ?? ''
  return /^\d{1,15}$/.test(text) ? { [as]: Number(text) } as { [N in Name]?: number } : {}
}
