/**
 * One DNS question in bytes to one answer in bytes (RFC 1035 §4.1, RFC 6891, RFC 8914), after the zone's records and its rules.
 */
import { AUTHENTIC_DATA, RECURSION_AVAILABLE, RECURSION_DESIRED, TRUNCATED_RESPONSE, decode, encode, type Answer, type DecodedPacket, type PacketOpt, type Question } from 'dns-packet'
import { unreachable } from '@dialtone/kernel'
import { lookUp, ruleFor, type Rule, type Zone, type ZoneRecord } from './zone.ts'

export type Reply = { /** Absent: say nothing. */ message?: Buffer, afterMs: number }

const TTL = 60
const NEGATIVE_TTL = 30
/** RFC 1035 §4.1.1. */
const RCODE = { answer: 0, nodata: 0, servfail: 2, nxdomain: 3, refused: 5 } as const
/** RFC 8914 §4: the EDNS option of an extended error. */
const EXTENDED_ERROR = 15

/** What goes back for `query`. Bytes that are no question get no answer. */
export function answer (zone: Zone, query: Buffer, transport: 'udp' | 'tcp'): Reply {
  const asked = parsed(query)
  const question = asked?.questions?.[0]
  if (asked === undefined || asked.flag_qr || question === undefined) return { afterMs: 0 }
  const rule = ruleFor(zone.rules ?? [], question.name === '.' ? '' : question.name, question.type)
  const afterMs = rule?.how === 'late' ? rule.ms : 0
  const message = wrong(rule, zone, asked, question, transport)
  if (message === 'nothing') return { afterMs }
  return { message: message ?? honest(zone, asked, question), afterMs }
}

/** The message of a resolver that misbehaves; undefined where it does not. */
function wrong (rule: Rule | undefined, zone: Zone, asked: DecodedPacket, question: Question, transport: 'udp' | 'tcp'): Buffer | 'nothing' | undefined {
  switch (rule?.how) {
    case undefined: case 'late': return undefined
    case 'drop': return 'nothing'
    case 'garbage': return Buffer.from([0xFF, 0x00, 0xFF])
    case 'truncate': return transport === 'tcp' ? undefined : packet(asked, question, { flags: TRUNCATED_RESPONSE })
    case 'lie-about-question': return packet(asked, { ...question, name: `not-${question.name === '.' ? 'asked' : question.name}` }, {})
    case 'wrong-id': {
      const message = honest(zone, asked, question)
      message.writeUInt16BE((message.readUInt16BE(0) + 1) & 0xFFFF, 0)
      return message
    }
    case 'servfail': {
      if (rule.validationOnly && asked.flag_cd) return undefined
      return packet(asked, question, { flags: RCODE.servfail, ...(rule.extended === undefined ? {} : { extended: rule.extended }) })
    }
    case 'refused': return packet(asked, question, { flags: RCODE.refused })
    case 'nodata': case 'nxdomain': return packet(asked, question, { flags: RCODE[rule.how], authorities: [soa('')] })
    default: return unreachable(rule)
  }
}

function honest (zone: Zone, asked: DecodedPacket, question: Question): Buffer {
  const { outcome, answers, soa: zoneName } = lookUp([ROOT, ...zone.records], question.name === '.' ? '' : question.name, question.type)
  return packet(asked, question, {
    flags: RCODE[outcome] | (zone.authenticated === true ? AUTHENTIC_DATA : 0),
    answers: answers.map(toAnswer),
    authorities: outcome === 'answer' ? [] : [soa(zoneName)],
  })
}

type Parts = { flags?: number, answers?: Answer[], authorities?: Answer[], extended?: { code: number, text: string } }

function packet (asked: DecodedPacket, question: Question, { flags = 0, answers = [], authorities = [], extended }: Parts): Buffer {
  const withEdns = asked.additionals?.some(record => record.type === 'OPT') === true
  return encode({
    type: 'response',
    ...(asked.id === undefined ? {} : { id: asked.id }),
    flags: flags | RECURSION_AVAILABLE | (asked.flag_rd ? RECURSION_DESIRED : 0),
    questions: [question],
    answers,
    authorities,
    additionals: withEdns ? [{ type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: extended === undefined ? [] : [extendedError(extended)] }] : [],
  })
}

function extendedError ({ code, text }: { code: number, text: string }): PacketOpt {
  const data = Buffer.alloc(2 + Buffer.byteLength(text))
  data.writeUInt16BE(code)
  data.write(text, 2)
  // The types know no option beyond those of the library, which writes `data` for any other code.
  return { code: EXTENDED_ERROR, data } as unknown as PacketOpt
}

const ROOT: ZoneRecord = { name: '', type: 'SOA', serial: 1 }

function soa (zone: string): Answer {
  return toAnswer({ name: zone, type: 'SOA', serial: 1 })
}

function toAnswer (record: ZoneRecord): Answer {
  const common = { name: record.name === '' ? '.' : record.name, ttl: record.type === 'SOA' ? NEGATIVE_TTL : TTL, class: 'IN' } as const
  switch (record.type) {
    case 'SRV': return { ...common, type: 'SRV', data: { priority: record.priority, weight: record.weight, port: record.port, target: record.target } }
    case 'A': case 'AAAA': return { ...common, type: record.type, data: record.address }
    case 'CNAME': return { ...common, type: 'CNAME', data: record.target }
    case 'TLSA': return { ...common, type: 'TLSA', data: { usage: record.usage, selector: record.selector, matchingType: record.matching, certificate: Buffer.from(record.data) } }
    case 'SOA': return { ...common, type: 'SOA', data: { mname: 'ns.example', rname: 'hostmaster.example', serial: record.serial, refresh: 3600, retry: 600, expire: 86_400, minimum: NEGATIVE_TTL } }
    default: return unreachable(record)
  }
}

function parsed (query: Buffer): DecodedPacket | undefined {
  try {
    return decode(query)
  } catch {
    return undefined
  }
}
