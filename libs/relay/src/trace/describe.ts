/**
 * What was said on a stream as one line that may be read by anybody who may operate the gateway: names, namespaces, domains, sizes and conditions. Of whatever people or servers said,
 * text, ids, keys, SASL and the local parts of addresses among it, no more than the length is told.
 */
import { quoted } from '@dialtone/kernel'
import { AFTER_AUTHENTICATION, childrenOf, createFramer, domainOf, toElement, type Element, type ElementFrame, type HeaderFrame } from '@dialtone/stream'

const MOST_LINE = 600
const MOST_NAME = 80
/** Of elements below the first level. */
const MOST_CHILDREN = 12
const DEEPEST = 3
/** Attributes whose value is a word of the protocol, if it is one of these. */
const WORDS: Readonly<Record<string, ReadonlySet<string>>> = {
  type: new Set(['chat', 'groupchat', 'headline', 'normal', 'error', 'get', 'set', 'result', 'available', 'unavailable', 'subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe', 'valid', 'invalid', 'cancel', 'modify', 'wait', 'auth', 'continue']),
  mechanism: new Set(['EXTERNAL', 'PLAIN', 'ANONYMOUS', 'SCRAM-SHA-1', 'SCRAM-SHA-256', 'DIGEST-MD5']),
  version: new Set(['1.0', '0.9']),
}

/** One first-level element, with its size in bytes. */
export function describe (frame: ElementFrame, header: HeaderFrame): string {
  return cut(`${elementText(toElement(frame, header), 0)} (${frame.end - frame.start} bytes)`)
}

export function describeHeader (header: Pick<HeaderFrame, 'attributes' | 'name' | 'namespace'>): string {
  return cut(`stream header${header.attributes.map(({ name, value }) => attributeText(name, value)).join('')}`)
}

/** What we say ourselves in one go: a header, elements, a footer, or white space. */
export function describeOwn (text: string, headed: string): string[] {
  const lines: string[] = []
  const whole = text.startsWith('<?xml') || text.startsWith('<stream:stream')
  let header: HeaderFrame | undefined
  const framer = createFramer({ limits: { ...AFTER_AUTHENTICATION, elementBytes: Infinity } }, {
    header: read => {
      header = read
      if (whole) lines.push(describeHeader(read))
    },
    element: frame => { if (header !== undefined) lines.push(describe(frame, header)) },
    end: () => lines.push('footer'),
    error: () => lines.push(`${text.length} characters that are no element`),
  })
  if (!whole) framer.write(ENCODER.encode(headed))
  framer.write(ENCODER.encode(text))
  if (lines.length === 0) lines.push(`white space (${text.length} bytes)`)
  return lines
}

const ENCODER = new TextEncoder()

function elementText (element: Element, depth: number): string {
  const name = `${quoted(element.getName(), MOST_NAME)}{${quoted(element.getNS() ?? '', MOST_NAME)}}`
  const attributes = Object.entries(element.attrs as Record<string, unknown>).filter(([key]) => key !== 'xmlns' && !key.startsWith('xmlns:')).slice(0, MOST_CHILDREN).map(([key, value]) => attributeText(key, String(value)))
  const text = element.children.reduce<number>((sum, child) => sum + (typeof child === 'string' ? child.length : 0), 0)
  const children = childrenOf(element)
  const inner = depth >= DEEPEST ? [] : children.slice(0, MOST_CHILDREN).map(child => elementText(child, depth + 1))
  const left = children.length - inner.length
  const parts = [...(text > 0 ? [`text of ${text}`] : []), ...inner, ...(left > 0 ? [`${left} more`] : [])]
  return `${name}${attributes.join('')}${parts.length === 0 ? '' : ` [${parts.join(', ')}]`}`
}

function attributeText (name: string, value: string): string {
  const key = quoted(name, 40)
  if (name === 'from' || name === 'to') {
    const domain = domainOf(value)
    return ` ${key}=${domain === undefined ? `(${value.length})` : quoted(domain, MOST_NAME)}`
  }
  return ` ${key}=${WORDS[name]?.has(value) === true ? value : `(${value.length})`}`
}

function cut (text: string): string {
  return text.length <= MOST_LINE ? text : `${text.slice(0, MOST_LINE - 1)}…`
}
