/**
 * DNS questions to one resolver, over UDP and TCP (RFC 1035, RFC 6891, RFC 8914). A stub that believes nothing: a fresh port and id per question,
 * the question matched in the answer, everything else ignored until the time is up. What an answer means is not its business.
 */
import { createSocket } from 'node:dgram'
import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect, isIP, isIPv6 } from 'node:net'
import { decode, encode, type Answer, type DecodedPacket } from 'dns-packet'
import type { DnsAnswer, DnsOutcome, DnsRecord, DnsType } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'

export type DnsQuestion = { name: string, type: DnsType, checkingDisabled?: boolean }
/** Everything about one answer but why it was asked, and the message itself when one came. */
export type DnsReply = { answer: Omit<DnsAnswer, 'purpose' | 'atMs' | 'message'>, message?: Uint8Array }
export type Resolver = { ask: (question: DnsQuestion, signal: AbortSignal) => Promise<DnsReply> }

/** Bounds on what one answer may make us keep. */
const RECORDS = 100
const ALIASES = 16
/** What the resolver did not understand (RFC 1035 §4.1.1). */
const FORMERR = 1
const RCODES: Record<number, DnsOutcome> = { 2: 'servfail', 3: 'nxdomain', 5: 'refused' }

type Raw = { outcome: 'message', packet: DecodedPacket, message: Uint8Array } | { outcome: 'timeout' | 'unreachable' | 'malformed', detail: string }

/** `timeoutMs` is for one try; UDP is tried `attempts` times, TCP once when the answer was truncated. */
export function createResolver ({ address, port, timeoutMs, attempts = 2 }: { address: string, port: number, timeoutMs: number, attempts?: number }): Resolver {
  const resolver = `${isIPv6(address) ? `[${address}]` : address}:${port}`
  return {
    ask: async (question, signal) => {
      const began = performance.now()
      let transport: 'udp' | 'tcp' = 'udp'
      let raw: Raw = { outcome: 'timeout', detail: '' }
      let edns = true
      for (let attempt = 0; attempt < attempts && raw.outcome === 'timeout'; attempt++) raw = await overUdp(address, port, question, { edns, timeoutMs, signal })
      // A resolver from before EDNS does not understand the question (RFC 6891 §7).
      if (raw.outcome === 'message' && rcodeOf(raw.packet) === FORMERR) {
        edns = false
        raw = await overUdp(address, port, question, { edns, timeoutMs, signal })
      }
      if (raw.outcome === 'message' && raw.packet.flag_tc) {
        transport = 'tcp'
        raw = await overTcp(address, port, question, { edns, timeoutMs, signal })
      }
      const common = { name: question.name, type: question.type, resolver, transport, ms: performance.now() - began }
      if (raw.outcome !== 'message') return { answer: { ...common, outcome: raw.outcome, authenticated: false, records: [], aliases: [], extended: [], ...(raw.detail === '' ? {} : { detail: raw.detail }) } }
      return { answer: { ...common, ...readMessage(raw.packet, question) }, message: raw.message }
    },
  }
}

/** The first name server of /etc/resolv.conf. Throws OperatorError when there is none. */
export function systemResolver (file = '/etc/resolv.conf'): { address: string, port: number } {
  let text = ''
  try {
    text = readFileSync(file, 'utf8')
  } catch { /* the same advice as for an empty one */ }
  for (const line of text.split('\n')) {
    const address = /^\s*nameserver\s+(\S+)/.exec(line)?.[1]
    if (address !== undefined && isIP(address.split('%')[0] ?? '') !== 0) return { address, port: 53 }
  }
  throw new OperatorError('no-resolver', `${file} names no resolver: give one with --resolver IP[:PORT]`)
}

type How = { edns: boolean, timeoutMs: number, signal: AbortSignal }

function query (question: DnsQuestion, edns: boolean): { id: number, bytes: Uint8Array } {
  const id = randomInt(65_536)
  const flags = 0x0100 | (question.checkingDisabled === true ? 0x0010 : 0x0020) // RD, and CD or AD
  const bytes = encode({
    type: 'query', id, flags,
    questions: [{ type: question.type, name: question.name, class: 'IN' }],
    additionals: edns ? [{ type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 0, flags: 0x8000, flag_do: true, options: [] }] : [],
  })
  return { id, bytes }
}

function overUdp (address: string, port: number, question: DnsQuestion, { edns, timeoutMs, signal }: How): Promise<Raw> {
  const { id, bytes } = query(question, edns)
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  return new Promise((resolve, reject) => {
    let strays = ''
    let over = false
    const close = () => {
      over = true
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      socket.close()
    }
    const finish = (raw: Raw) => {
      if (over) return
      close()
      resolve(raw)
    }
    const abort = () => {
      if (over) return
      close()
      reject(signal.reason as Error)
    }
    const unreachable = (error: Error) => finish({ outcome: 'unreachable', detail: quoted(error.message, 100) })
    const timer = setTimeout(() => finish(strays === '' ? { outcome: 'timeout', detail: '' } : { outcome: 'malformed', detail: strays }), timeoutMs)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    socket.on('error', unreachable)
    socket.on('message', message => {
      const read = matched(message, id, question)
      if (typeof read === 'string') strays = read
      else finish({ outcome: 'message', packet: read, message })
    })
    // A connected socket takes datagrams from the resolver alone, and hears that nothing listens there.
    // Without a route the callback of connect() brings the error, whatever its type says.
    socket.connect(port, address, ((error?: Error | null) => {
      if (over) return
      if (error != null) unreachable(error)
      else socket.send(bytes, failed => { if (failed !== null) unreachable(failed) })
    }) as () => void)
  })
}

function overTcp (address: string, port: number, question: DnsQuestion, { edns, timeoutMs, signal }: How): Promise<Raw> {
  const { id, bytes } = query(question, edns)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port })
    let received = Buffer.alloc(0)
    const finish = (raw: Raw) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      socket.destroy()
      resolve(raw)
    }
    const abort = () => {
      clearTimeout(timer)
      socket.destroy()
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => finish({ outcome: 'timeout', detail: 'truncated over UDP, no answer over TCP' }), timeoutMs)
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    socket.on('error', error => finish({ outcome: 'unreachable', detail: quoted(`truncated over UDP; TCP: ${error.message}`, 160) }))
    socket.on('end', () => finish({ outcome: 'malformed', detail: 'the connection ended before the answer' }))
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk]) // at most 64 KiB + one chunk: the length is two bytes
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      const message = received.subarray(2, 2 + received.readUInt16BE(0))
      const read = matched(message, id, question)
      finish(typeof read === 'string' ? { outcome: 'malformed', detail: read } : { outcome: 'message', packet: read, message })
    })
    socket.write(Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]))
  })
}

/** The packet, or why it is no answer to this question. */
function matched (message: Buffer, id: number, question: DnsQuestion): DecodedPacket | string {
  let packet: DecodedPacket
  try {
    packet = decode(message)
  } catch {
    return 'an answer that cannot be decoded'
  }
  if (packet.id !== id || packet.type !== 'response') return 'an answer with another id'
  const [asked] = packet.questions ?? []
  // Whoever did not understand the question need not repeat it.
  if (asked === undefined && rcodeOf(packet) === FORMERR) return packet
  if (asked === undefined || asked.type !== question.type || asked.class !== 'IN' || bare(asked.name) !== bare(question.name)) return `an answer to another question: ${quoted(asked?.name ?? 'none', 80)}`
  return packet
}

type Read = Pick<DnsAnswer, 'outcome' | 'rcode' | 'authenticated' | 'records' | 'aliases' | 'negativeTtl' | 'extended' | 'detail'>

function readMessage (packet: DecodedPacket, question: DnsQuestion): Read {
  const answers = (packet.answers ?? []).filter(answer => 'class' in answer && answer.class === 'IN').slice(0, RECORDS)
  const rcode = rcodeOf(packet)
  const aliases: DnsAnswer['aliases'] = []
  let owner = bare(question.name)
  for (let step = 0; step <= ALIASES; step++) {
    const alias = answers.find(answer => answer.type === 'CNAME' && bare(answer.name) === owner)
    if (alias === undefined) break
    const to = bare(alias.type === 'CNAME' ? alias.data : '')
    aliases.push({ from: owner, to, ttl: ttlOf(alias) })
    owner = to
  }
  const looped = aliases.length > ALIASES
  const records = answers.filter(answer => bare(answer.name) === owner).flatMap(answer => recordOf(answer, question.type) ?? [])
  const soa = (packet.authorities ?? []).find(authority => authority.type === 'SOA')
  const outcome: DnsOutcome = looped ? 'malformed' : rcode === 0 ? records.length > 0 ? 'answer' : 'nodata' : RCODES[rcode] ?? 'other-rcode'
  return {
    outcome,
    rcode,
    authenticated: packet.flag_ad,
    records: outcome === 'answer' ? records : [],
    aliases: looped ? [] : aliases,
    ...(soa?.type === 'SOA' && outcome !== 'answer' ? { negativeTtl: Math.min(ttlOf(soa), soa.data.minimum ?? 0) } : {}),
    extended: extendedOf(packet),
    ...(looped ? { detail: 'the alias chain does not end' } : {}),
  }
}

/** With the upper bits that EDNS carries (RFC 6891 §6.1.3): BADVERS is no NOERROR. */
function rcodeOf (packet: DecodedPacket): number {
  const option = (packet.additionals ?? []).find(additional => additional.type === 'OPT')
  return ((packet.flags ?? 0) & 0x0F) | ((option?.type === 'OPT' ? option.extendedRcode : 0) << 4)
}

function recordOf (answer: Answer, wanted: DnsType): DnsRecord | undefined {
  if (answer.type !== wanted) return undefined
  const ttl = ttlOf(answer)
  switch (answer.type) {
    case 'SRV': return { type: 'SRV', ttl, priority: answer.data.priority ?? 0, weight: answer.data.weight ?? 0, port: answer.data.port, target: bare(answer.data.target) || '.' }
    case 'A': return { type: 'A', ttl, address: answer.data }
    case 'AAAA': return { type: 'AAAA', ttl, address: answer.data }
    case 'TLSA': return { type: 'TLSA', ttl, usage: answer.data.usage, selector: answer.data.selector, matching: answer.data.matchingType, data: answer.data.certificate.toString('hex') }
    case 'SOA': return { type: 'SOA', ttl, serial: answer.data.serial ?? 0 }
    default: return undefined
  }
}

function extendedOf (packet: DecodedPacket): DnsAnswer['extended'] {
  const option = (packet.additionals ?? []).find(additional => additional.type === 'OPT')
  if (option?.type !== 'OPT') return []
  return option.options.flatMap(({ code, data }) =>
    (code as number) === 15 && data !== undefined && data.length >= 2 ? [{ code: data.readUInt16BE(0), text: quoted(data.subarray(2).toString('utf8'), 200) }] : []).slice(0, 8)
}

function ttlOf (answer: Answer): number {
  return 'ttl' in answer ? Math.trunc(answer.ttl ?? 0) : 0
}

function bare (name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}
