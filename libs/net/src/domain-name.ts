// Domain names as operators write them, in the form that goes on the wire.
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { OperatorError, quoted } from '@dialtone/kernel'

/**
 * The A-label form in lower case, without a trailing dot (RFC 5890, RFC 6120 §1.4). Throws OperatorError that names what is wrong:
 * an address, an empty or over-long label, a name over 253 octets, characters that no host name has.
 */
export function toAscii (text: string): string {
  const shown = `'${quoted(text, 80)}'`
  const refuse = (why: string): never => { throw new OperatorError('bad-domain', `${shown} is no domain: ${why}`) }
  const bare = text.trim().replace(/\.$/, '')
  if (bare === '') refuse('it is empty; write one like partner.example')
  if (bare.includes('@') || bare.includes('/')) refuse("write the part after the '@' alone, without a resource")
  if (isIP(bare.replace(/^\[|\]$/g, '')) !== 0 || /^[\d.]+$/.test(bare)) refuse('it is an address; name the XMPP domain, and give the address with --endpoint')
  if (bare.split('.').includes('')) refuse('it has an empty label (two dots in a row, or one in front)')
  if (/[\s:_%?#\\[\]<>^|`{}"'()*,;=!$&+~]/.test(bare)) refuse('it has a character that a host name may not have')
  const ascii = domainToASCII(bare).toLowerCase()
  if (ascii === '') refuse('it cannot be written in A-labels (IDNA)')
  if (ascii.length > 253) refuse(`it has ${ascii.length} octets in A-labels, and 253 is the most`)
  const long = ascii.split('.').find(label => label.length > 63)
  if (long !== undefined) refuse(`the label '${long.slice(0, 20)}…' has ${long.length} octets, and 63 is the most`)
  if (ascii.split('.').some(label => !/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(label))) refuse('a label begins or ends with a hyphen, or has a character that a host name may not have')
  return ascii
}
