/**
 * For which names an authority may vouch (RFC 5280 §4.2.1.10), critical or not. Constraints of dNSName bind every name of a domain that is believed here: dNSName, and, stricter than
 * the RFC, SRVName and xmppAddr, by which they could be walked around. Those of another form are not understood, so that names of that form are not accepted below them.
 */
import { canonicalDomain } from '../domain.ts'
import { SEQUENCE, childrenOfDer, latin1, type Der } from './der.ts'
import { OTHER_NAMES, type OtherName } from './other-names.ts'

/** A domain and what is below it; `below`: only that (a constraint that begins with a dot). '' is every domain. */
export type Subtree = { domain: string, below: boolean }
export type NameConstraints = { permitted: Subtree[], excluded: Subtree[], /** Forms other than dNSName that are constrained, each once. */ otherForms: OtherName[] }

type Names = { subject: string, dnsNames: readonly string[], srvNames: readonly string[], xmppAddrs: readonly string[], otherNames: readonly OtherName[] }

/** Comparisons of one authority with one certificate: no authority in use comes near. */
const MOST = 65_536

/** The extension's content; undefined when it is malformed, bounds the depth of a subtree (which RFC 5280 forbids), or names what is no domain. */
export function readNameConstraints (der: Uint8Array, content: Der): NameConstraints | undefined {
  const lists = content.tag === SEQUENCE ? childrenOfDer(der, content) : undefined
  if (lists === undefined || lists.length === 0 || lists.length > 2) return undefined
  const found: NameConstraints = { permitted: [], excluded: [], otherForms: [] }
  for (const [at, list] of lists.entries()) {
    if ((list.tag !== 0xA0 && list.tag !== 0xA1) || lists[at - 1]?.tag === 0xA1 || lists[at - 1]?.tag === list.tag) return undefined
    const subtrees = childrenOfDer(der, list)
    if (subtrees === undefined || subtrees.length === 0) return undefined
    for (const subtree of subtrees) {
      const [name, ...bounds] = subtree.tag === SEQUENCE ? childrenOfDer(der, subtree) ?? [] : []
      if (name === undefined || bounds.length > 0) return undefined
      if (name.tag === 0x82) {
        const base = subtreeOf(latin1(der, name))
        if (base === undefined) return undefined
        ;(list.tag === 0xA0 ? found.permitted : found.excluded).push(base)
      } else {
        const form = name.tag === 0xA0 ? 'other-name' : OTHER_NAMES[name.tag]
        if (form === undefined) return undefined
        if (!found.otherForms.includes(form)) found.otherForms.push(form)
      }
    }
  }
  return found
}

/** Why an authority with these constraints may not vouch for a certificate, to follow its name in a sentence; undefined when it may. */
export function violation ({ permitted, excluded, otherForms }: NameConstraints, { subject, dnsNames, srvNames, xmppAddrs, otherNames }: Names): string | undefined {
  const forms = new Set<OtherName>([...otherNames, ...(subject === '' ? [] : ['directory' as const]), ...(srvNames.length + xmppAddrs.length > 0 ? ['other-name' as const] : [])])
  const form = otherForms.find(each => forms.has(each))
  if (form !== undefined) return `constrains names of the form ${form}, which is not understood here`
  if (permitted.length + excluded.length === 0) return undefined
  const names = [...dnsNames, ...srvNames.map(name => name.slice(name.indexOf('.') + 1)), ...xmppAddrs]
  if (names.length * (permitted.length + excluded.length) > MOST) return 'constrains more names than are looked at here'
  for (const name of names) {
    const wildcard = name.startsWith('*.')
    const domain = canonicalDomain(wildcard ? name.slice(2) : name)
    if (domain === undefined) return 'constrains names, and what it vouches for is no domain'
    if (excluded.some(base => within(base, domain, wildcard) || (wildcard && standsFor(base, domain)))) return `may not vouch for ${name}`
    if (permitted.length > 0 && !permitted.some(base => within(base, domain, wildcard))) return `may vouch for other names than ${name} alone`
  }
  return undefined
}

function subtreeOf (base: string): Subtree | undefined {
  if (base === '') return { domain: '', below: false }
  const below = base.startsWith('.')
  const domain = /^[!-~]*$/.test(base) ? canonicalDomain(below ? base.slice(1) : base) : undefined
  return domain === undefined ? undefined : { domain, below }
}

/** Whether all that the name stands for is in the subtree: of a wildcard, all with one label more than `domain`. */
function within ({ domain: base, below }: Subtree, domain: string, wildcard: boolean): boolean {
  return base === '' || domain.endsWith(`.${base}`) || (domain === base && (wildcard || !below))
}

/** Whether a wildcard stands for the domain of an excluded subtree, among others. */
function standsFor ({ domain: base, below }: Subtree, domain: string): boolean {
  return !below && base.slice(base.indexOf('.') + 1) === domain && base.includes('.')
}
