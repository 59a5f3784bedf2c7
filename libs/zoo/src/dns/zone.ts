/**
 * What the embedded resolver knows: records as data, and how it answers some names wrongly on purpose. A name that is not there but has
 * names below it answers NODATA, any other NXDOMAIN (RFC 8020); aliases are followed (RFC 1034 §3.6.2). No delegation, no signatures: the AD
 * bit is set where the data says so.
 */

/** One record. Names are lower case without the last dot. */
export type ZoneRecord =
  | { name: string, type: 'SRV', priority: number, weight: number, port: number, target: string }
  | { name: string, type: 'A' | 'AAAA', address: string }
  | { name: string, type: 'CNAME', target: string }
  | { name: string, type: 'TLSA', usage: number, selector: number, matching: number, data: Uint8Array }
  | { name: string, type: 'SOA', serial: number }

/** How a resolver misbehaves. Everything but `late` and `truncate` replaces the answer; those two only delay it or move it to TCP. */
export type Misbehaviour =
  | { how: 'nxdomain' | 'nodata' | 'refused' }
  /** `extended`: RFC 8914. `validationOnly`: with checking disabled (CD, RFC 4035 §3.2.2) the real answer comes. */
  | { how: 'servfail', extended?: { code: number, text: string }, validationOnly?: true }
  /** No answer at all. */
  | { how: 'drop' }
  /** Over UDP an empty answer with TC; over TCP the real one. */
  | { how: 'truncate' }
  /** An answer whose question is another name. */
  | { how: 'lie-about-question' }
  /** An answer whose id is not the question's. */
  | { how: 'wrong-id' }
  /** Bytes that are no DNS message. */
  | { how: 'garbage' }
  | { how: 'late', ms: number }

/** A misbehaviour and the questions it is for: `*` is every name, no `type` is every type. The first that fits is taken. */
export type Rule = Misbehaviour & { name: string, type?: string }

export type Zone = {
  records: readonly ZoneRecord[]
  rules?: readonly Rule[]
  /** Sets the AD bit on every answer that is not refused or failed. */
  authenticated?: boolean
}

export type Lookup = { outcome: 'answer' | 'nodata' | 'nxdomain', answers: readonly ZoneRecord[], /** The zone whose SOA goes with a negative answer. */ soa: string }

const LONGEST_ALIAS_CHAIN = 8

/** The honest answer to one question. The root always exists. */
export function lookUp (records: readonly ZoneRecord[], name: string, type: string): Lookup {
  let current = name.toLowerCase()
  const answers: ZoneRecord[] = []
  for (let hops = 0; hops <= LONGEST_ALIAS_CHAIN; hops++) {
    const here = records.filter(record => record.name === current)
    const found = here.filter(record => record.type === type)
    if (found.length > 0) return { outcome: 'answer', answers: [...answers, ...found], soa: current }
    const alias = here.find(record => record.type === 'CNAME')
    if (alias === undefined) break
    answers.push(alias)
    current = alias.target
  }
  const exists = current === '' || records.some(record => record.name === current || record.name.endsWith(`.${current}`))
  return { outcome: exists ? 'nodata' : 'nxdomain', answers, soa: enclosingZone(records, current) }
}

/** The rule for one question, if any. */
export function ruleFor (rules: readonly Rule[], name: string, type: string): Rule | undefined {
  const asked = name.toLowerCase()
  return rules.find(rule => (rule.name === '*' || rule.name === asked) && (rule.type === undefined || rule.type === type))
}

function enclosingZone (records: readonly ZoneRecord[], name: string): string {
  const labels = name.split('.')
  for (let at = 0; at < labels.length; at++) {
    const zone = labels.slice(at).join('.')
    if (records.some(record => record.type === 'SOA' && record.name === zone)) return zone
  }
  return ''
}
