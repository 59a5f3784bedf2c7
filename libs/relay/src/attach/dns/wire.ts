/**
 * DNS messages as bytes, as far as a responder needs them (RFC 1035 §4, RFC 6891, RFC 9619). Questions are hostile: they are read here and nowhere else, without following a
 * pointer, and a message that is forwarded keeps its bytes, whatever its names hold.
 */
export const RCODE = { none: 0, formerr: 1, servfail: 2, nxdomain: 3, notimp: 4, refused: 5, badvers: 16 } as const
export const TYPE = { A: 1, NS: 2, CNAME: 5, SOA: 6, HINFO: 13, AAAA: 28, SRV: 33, OPT: 41, TKEY: 249, AXFR: 252, ANY: 255 } as const
export const CLASS_IN = 1

export const HEADER = 12
/** What leaves over UDP at most (DNS flag day 2020), and what a client without EDNS takes (RFC 1035 §4.2.1). */
export const UDP_MOST = 1232
const UDP_LEAST = 512
const [QR, AA, TC, RD, RA, AD, CD] = [0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010]
const OPT_BYTES = 11
const DNSSEC_OK = 0x8000

export type Query = {
  id: number
  flags: number
  /** As sent, with the case of its letters: name, type, class. */
  question: Uint8Array
  /** Lower case, with dots, without the last; undefined where a label has a byte that no host name or service label has. */
  name: string | undefined
  type: number
  class: number
  /** Of its OPT record; `dnssec` is the DO bit. */
  edns: { size: number, version: number, dnssec: boolean } | undefined
}
/** A question; or the code that answers what is none; or undefined, where silence is the answer. */
export type Read = Query | { id: number, flags: number, rcode: number } | undefined

/** Reads one message from a client. */
export function readQuery (message: Uint8Array): Read {
  if (message.length < HEADER) return undefined
  const at = viewOf(message)
  const [id, flags] = [at.getUint16(0), at.getUint16(2)]
  // An answer is never answered: two responders would go on for ever.
  if ((flags & QR) !== 0) return undefined
  if (opcode(flags) !== 0) return { id, flags, rcode: RCODE.notimp }
  const malformed = { id, flags, rcode: RCODE.formerr }
  if (at.getUint16(4) !== 1 || at.getUint16(6) !== 0 || at.getUint16(8) !== 0) return malformed
  const asked = readName(message, HEADER)
  if (asked === undefined || asked.end + 4 > message.length) return malformed
  const type = at.getUint16(asked.end)
  if (type === TYPE.OPT) return malformed
  const edns = readOptions(message, asked.end + 4, at.getUint16(10))
  if (edns === 'malformed') return malformed
  return { id, flags, question: message.subarray(HEADER, asked.end + 4), name: asked.name, type, class: at.getUint16(asked.end + 2), edns }
}

/** Of a name that is not compressed: where it ends. */
function readName (message: Uint8Array, from: number): { name: string | undefined, end: number } | undefined {
  const labels: string[] = []
  let plain = true
  for (let at = from; at < message.length && at - from < 255;) {
    const length = message[at] as number
    if (length === 0) return { name: plain ? labels.join('.') : undefined, end: at + 1 }
    if (length > 63 || at + 1 + length >= message.length) return undefined
    const label = String.fromCharCode(...message.subarray(at + 1, at + 1 + length)).toLowerCase()
    plain &&= /^[a-z0-9_-]+$/.test(label)
    labels.push(label)
    at += 1 + length
  }
  return undefined
}

/** The OPT record among the additional ones, of which a question has few. */
function readOptions (message: Uint8Array, from: number, count: number): Query['edns'] | 'malformed' {
  let edns: Query['edns']
  if (count > 4) return 'malformed'
  const at = viewOf(message)
  let offset = from
  for (let left = count; left > 0; left--) {
    const name = readName(message, offset)
    if (name === undefined || name.end + 10 > message.length) return 'malformed'
    const end = name.end + 10 + at.getUint16(name.end + 8)
    if (end > message.length) return 'malformed'
    if (at.getUint16(name.end) === TYPE.OPT) {
      // RFC 6891 §6.1.1: one, and its name is the root.
      if (edns !== undefined || name.name !== '') return 'malformed'
      edns = { size: at.getUint16(name.end + 2), version: at.getUint8(name.end + 5), dnssec: (at.getUint16(name.end + 6) & DNSSEC_OK) !== 0 }
    }
    offset = end
  }
  return edns
}

/** How many bytes the client takes over UDP: what it says, and never more than `UDP_MOST`. */
export function udpRoom ({ edns }: Pick<Query, 'edns'>): number {
  return Math.min(UDP_MOST, Math.max(UDP_LEAST, edns?.size ?? UDP_LEAST))
}

/** `owner` is '' for the name of the question. */
export type Record = { owner: string, type: number, ttl: number, data: Uint8Array }
export type Parts = { rcode: number, authoritative?: boolean, recursion: boolean, answers?: readonly Record[], authorities?: readonly Record[], additionals?: readonly Record[] }

/** The answer to a question in at most `room` bytes: first the additional records are left out, then all are, and the answer says that it is truncated (RFC 2181 §9). */
export function writeReply (query: Query, parts: Parts, room: number): Buffer {
  const whole = assemble(query, parts, false)
  if (whole.length <= room) return whole
  const bare = assemble(query, { ...parts, additionals: [] }, false)
  if (bare.length <= room) return bare
  return assemble(query, { rcode: parts.rcode, recursion: parts.recursion, ...(parts.authoritative === undefined ? {} : { authoritative: parts.authoritative }) }, true)
}

/** The same without a record, because there is no room, or to make a client come back over TCP. */
export function writeTruncated (query: Query, recursion: boolean): Buffer {
  return assemble(query, { rcode: RCODE.none, recursion }, true)
}

/** To what could not be read as a question: the header alone. */
export function writeError ({ id, flags, rcode }: { id: number, flags: number, rcode: number }): Buffer {
  const message = Buffer.alloc(HEADER)
  message.writeUInt16BE(id, 0)
  message.writeUInt16BE(QR | (flags & (0x7800 | RD)) | rcode, 2)
  return message
}

function assemble (query: Query, { rcode, authoritative, recursion, answers = [], authorities = [], additionals = [] }: Parts, truncated: boolean): Buffer {
  const { edns } = query
  const header = Buffer.alloc(HEADER)
  header.writeUInt16BE(query.id, 0)
  header.writeUInt16BE(QR | (query.flags & (RD | CD)) | (authoritative === true ? AA : 0) | (truncated ? TC : 0) | (recursion ? RA : 0) | (rcode & 15), 2)
  for (const [place, count] of [[4, 1], [6, answers.length], [8, authorities.length], [10, additionals.length + (edns === undefined ? 0 : 1)]] as const) header.writeUInt16BE(count, place)
  const pieces: Uint8Array[] = [header, query.question]
  let length = HEADER + query.question.length
  const written = new Map<string, number>([['', HEADER]])
  for (const { owner, type, ttl, data } of [...answers, ...authorities, ...additionals]) {
    const known = written.get(owner)
    if (known === undefined && length < 0x4000) written.set(owner, length)
    const name = known === undefined ? nameBytes(owner) : Buffer.from([0xC0 | (known >> 8), known & 255])
    const fixed = Buffer.alloc(10)
    fixed.writeUInt16BE(type, 0)
    fixed.writeUInt16BE(CLASS_IN, 2)
    fixed.writeUInt32BE(ttl, 4)
    fixed.writeUInt16BE(data.length, 8)
    pieces.push(name, fixed, data)
    length += name.length + fixed.length + data.length
  }
  if (edns !== undefined) pieces.push(ednsBytes(rcode, edns.dnssec))
  return Buffer.concat(pieces)
}

function ednsBytes (rcode: number, dnssec: boolean): Buffer {
  const option = Buffer.alloc(OPT_BYTES)
  option.writeUInt16BE(TYPE.OPT, 1)
  option.writeUInt16BE(UDP_MOST, 3)
  option.writeUInt8(rcode >> 4, 5)
  option.writeUInt16BE(dnssec ? DNSSEC_OK : 0, 7)
  return option
}

/** A name as it goes on the wire, not compressed; '' is the root. */
export function nameBytes (name: string): Buffer {
  return Buffer.concat([...name.split('.').filter(label => label !== '').map(label => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])), Buffer.from([0])])
}

/** A question of our own for a resolver: what the client asked, as it was spelled, under another id. */
export function forwardedQuery (query: Query, id: number): Buffer {
  const header = Buffer.alloc(HEADER)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(RD | (query.flags & (AD | CD)), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(query.edns === undefined ? 0 : 1, 10)
  return Buffer.concat([header, query.question, ...(query.edns === undefined ? [] : [ednsBytes(0, query.edns.dnssec)])])
}

/** Questions with the same key have the same answer but for the id and the case of letters. */
export function keyOf ({ question, flags, edns }: Query): string {
  return `${flags & (AD | CD)} ${edns === undefined ? '' : edns.dnssec ? 'do' : 'edns'} ${Buffer.from(question).toString('latin1').toLowerCase()}`
}

export function opcode (flags: number): number {
  return (flags >> 11) & 15
}

export function viewOf (bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
