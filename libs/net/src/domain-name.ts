// Domain names as operators write them, in the form that goes on the wire.
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { OperatorError, quoted } from '@dialtone/kernel'

/**
 * The A-label form in lower case, without a trailing dot (RFC 5890, RFC 6120 §1.4). Throws OperatorError that names what is wrong:
 * an address, an empty or over-long label, a name over 253 octets, characters that no host name has.
 */
export function toAscii (text: string): string {
  return inALabels(text, 'domain')
}

/** The same for a host: the underscore is tolerated, as it is wrong there and in use. */
export function toHost (text: string): string {
  return inALabels(text, 'host')
}

function inALabels (text: string, kind: 'domain' | 'host'): string {
  const refuse = (why: string): never => { throw new OperatorError('bad-domain', `'${quoted(text, 80)}' is no ${kind}: ${why}`) }
  const bare = text.trim().replace(/\.$/, '')
  if (/^\.*$/.test(bare)) refuse('it is empty; write one like partner.example')
  if (bare.includes('@') || bare.includes('/')) refuse("write the part after the '@' alone, without a resource")
  if (isNumber(bare)) refuse(ADDRESS[kind])
  if (bare.split('.').includes('')) refuse('it has an empty label (two dots in a row, or one in front)')
  if (/[\s:%?#\\[\]<>^|`{}"'()*,;=!$&+~]/.test(bare) || (kind === 'domain' && bare.includes('_'))) refuse('it has a character that a host name may not have')
  const ascii = domainToASCII(bare).toLowerCase()
  if (ascii === '') refuse('it cannot be written in A-labels (IDNA)')
  // Full-width digits, ideographic full stops and hexadecimal have become an address only now.
  if (isNumber(ascii)) refuse(ADDRESS[kind])
  if (ascii.length > 253) refuse(`it has ${ascii.length} octets in A-labels, and 253 is the most`)
  const long = ascii.split('.').find(label => label.length > 63)
  if (long !== undefined) refuse(`the label '${long.slice(0, 20)}…' has ${long.length} octets, and 63 is the most`)
  const inner = kind === 'host' ? /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/ : /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/
  if (ascii.split('.').some(label => !inner.test(label))) refuse('a label begins or ends with a hyphen, or has a character that a host name may not have')
  return ascii
}

const ADDRESS = {
  domain: 'it is an address; name the XMPP domain, and give the address with --endpoint',
  host: 'it looks like an address and is none; write four numbers from 0 to 255 without leading zeros, or a name',
}

/** An address, or what some programs take for one: a name whose last label is a number (URL Standard, "ends in a number"). */
function isNumber (name: string): boolean {
  return isIP(name.replace(/^\[|\]$/g, '')) !== 0 || /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/i.test(name)
}
