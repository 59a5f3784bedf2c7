/**
 * A stanza that cannot go as it is: read, put into our own spelling and that of its pair, and what is answered when it is not delivered. The slow path; what
 * is canonical already never comes here.
 */
import type { Refusal } from '@dialtone/contracts'
import { BOUNCES, bounceSays, type StanzaClass } from '@dialtone/routing'
import { AFTER_AUTHENTICATION, bounceText, childrenOf, createFramer, DIALBACK, OWN_DECLARATIONS, SERVER, serialise, STREAMS, toElement, type Element, type ElementFrame, type HeaderFrame, type Pair } from '@dialtone/stream'

/** Content namespaces whose stanzas become those of jabber:server (gateways.md 5.1). */
const CONTENT = new Set([SERVER, 'jabber:component:accept', 'jabber:client'])
const ENCODER = new TextEncoder()

export type StanzaKind = 'message' | 'presence' | 'iq'

/** Which stanza it is, in any of the content namespaces; undefined for what is none. */
export function kindOf (frame: ElementFrame): StanzaKind | undefined {
  if (frame.kind !== undefined) return frame.kind
  if (!CONTENT.has(frame.namespace)) return undefined
  return frame.name === 'message' || frame.name === 'presence' || frame.name === 'iq' ? frame.name : undefined
}

/** How long it may wait, and whether it may be answered with an error (RFC 6120 §8.3.1): errors and results never. */
export function classOf (frame: ElementFrame, kind: StanzaKind): StanzaClass {
  return frame.typeIs('error') || (kind === 'iq' && !frame.typeIs('get') && !frame.typeIs('set')) ? 'error' : kind
}

/** In our spelling: domains as in the pair, jabber:server, and `xml:lang` where what it inherited differs from what it would inherit (RFC 6120 §4.7.4). */
export function rewritten (frame: ElementFrame, header: HeaderFrame, pair: Pair, inherited: string | undefined, outgoing: string | undefined): Uint8Array {
  const element = stanzaOf(frame, header)
  const { attrs } = element
  attrs['from'] = respelled(String(attrs['from'] ?? ''), pair.from)
  attrs['to'] = respelled(String(attrs['to'] ?? ''), pair.to)
  if (attrs['xml:lang'] === undefined && (inherited ?? '') !== (outgoing ?? '')) attrs['xml:lang'] = inherited ?? ''
  return ENCODER.encode(serialise(element, OWN_DECLARATIONS))
}

/** The tree, as of a stream whose content namespace is jabber:server. */
export function stanzaOf (frame: ElementFrame, header: HeaderFrame): Element {
  const content = header.namespaces.get('')
  const as = content !== undefined && content !== SERVER && CONTENT.has(content) ? { ...header, namespaces: new Map([...header.namespaces, ['', SERVER]]) } : header
  const element = toElement(frame, as)
  if (CONTENT.has(String(element.attrs['xmlns'] ?? ''))) element.attrs['xmlns'] = SERVER
  return element
}

/**
 * The error for its sender, or undefined where the stanza is none that may be answered with one. Neither body nor topology is in it. `as`: who says so instead of the
 * addressee, in whose name nothing can be said.
 */
export function bounceOf (frame: ElementFrame, header: HeaderFrame, reason: Refusal, trace: string, by: string | undefined, as?: string): Uint8Array | undefined {
  const kind = kindOf(frame)
  if (kind === undefined || classOf(frame, kind) === 'error') return undefined
  const element = stanzaOf(frame, header)
  const bounce = BOUNCES[reason]
  const { from = '', to = '', id } = element.attrs as Record<string, string | undefined>
  const [child] = kind === 'iq' ? childrenOf(element) : []
  return ENCODER.encode(bounceText({
    kind, from: as ?? to, to: from, condition: bounce.condition, type: bounce.type, text: bounceSays(reason, trace),
    ...(id === undefined ? {} : { id }), ...(child === undefined ? {} : { child }), ...(bounce.by && by !== undefined ? { by } : {}),
  }))
}

/** Reads a stanza that was written by us before, from a queue. Returns what `use` returns. */
export function reframed<T> (data: Uint8Array, start: number, end: number, use: (frame: ElementFrame, header: HeaderFrame) => T): T {
  let got: { value: T } | undefined
  let header: HeaderFrame | undefined
  let failed: unknown
  const framer = createFramer({ limits: UNBOUNDED }, {
    header: read => { header = read },
    element: frame => {
      try { got = { value: use(frame, header as HeaderFrame) } } catch (error) { failed = error }
    },
    end: () => undefined,
    error: ({ detail }) => { failed = new TypeError(`a stanza of ours that is none: ${detail}`) },
  })
  framer.write(HEADER)
  framer.write(data.subarray(start, end))
  if (failed !== undefined) throw failed
  if (got === undefined) throw new TypeError('a stanza of ours that has no end')
  return got.value
}

/** What was proved once and grew by our own spelling. */
const UNBOUNDED = { ...AFTER_AUTHENTICATION, elementBytes: Infinity, attributeBytes: Infinity, attributes: 1000, langBytes: Infinity, declarations: Infinity, namespaceBytes: Infinity, elements: Infinity }
const HEADER = ENCODER.encode(`<stream:stream xmlns='${SERVER}' xmlns:stream='${STREAMS}' xmlns:db='${DIALBACK}' version='1.0'>`)

/** The address with the domain in its canonical form. */
function respelled (jid: string, domain: string): string {
  const slash = jid.indexOf('/')
  const bare = slash === -1 ? jid : jid.slice(0, slash)
  return bare.slice(0, bare.indexOf('@') + 1) + domain + (slash === -1 ? '' : jid.slice(slash))
}
