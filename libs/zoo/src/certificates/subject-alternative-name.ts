/**
 * subjectAltName as DER (RFC 5280 §4.2.1.6): dNSName, and the two otherNames of XMPP, xmppAddr (RFC 6120 §13.7.1.4) and SRVName (RFC 4985).
 * Written by hand because the certificate library has no otherName.
 */

export type Names = {
  dns?: readonly string[]
  xmppAddr?: readonly string[]
  /** Whole, with the service: `_xmpp-server.partner.example`. */
  srvName?: readonly string[]
}

const SEQUENCE = 0x30
const OID = 0x06
const UTF8_STRING = 0x0C
const IA5_STRING = 0x16
/** [0] otherName and its [0] EXPLICIT value, constructed; [2] dNSName, primitive. */
const CONTEXT_0 = 0xA0
const CONTEXT_2 = 0x82
/** 1.3.6.1.5.5.7.8.5 and .7 */
const XMPP_ADDR = [0x2B, 6, 1, 5, 5, 7, 8, 5]
const SRV_NAME = [0x2B, 6, 1, 5, 5, 7, 8, 7]

/** The value of the extension. */
export function subjectAlternativeName ({ dns = [], xmppAddr = [], srvName = [] }: Names): Uint8Array {
  return tlv(SEQUENCE, [
    ...dns.flatMap(name => [...tlv(CONTEXT_2, text(name))]),
    ...xmppAddr.flatMap(name => [...otherName(XMPP_ADDR, UTF8_STRING, name)]),
    ...srvName.flatMap(name => [...otherName(SRV_NAME, IA5_STRING, name)]),
  ])
}

function otherName (type: readonly number[], stringType: number, name: string): Uint8Array {
  return tlv(CONTEXT_0, [...tlv(OID, type), ...tlv(CONTEXT_0, tlv(stringType, text(name)))])
}

function tlv (tag: number, content: Iterable<number>): Uint8Array {
  const bytes = [...content]
  const length = bytes.length < 0x80 ? [bytes.length] : bytes.length < 0x100 ? [0x81, bytes.length] : [0x82, bytes.length >> 8, bytes.length & 0xFF]
  return Uint8Array.from([tag, ...length, ...bytes])
}

function text (name: string): Uint8Array {
  return new TextEncoder().encode(name)
}
