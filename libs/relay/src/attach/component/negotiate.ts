/** The beginning of a component's stream, on either side, up to the moment when both have proved themselves (XEP-0114 §3). */
import type { Failure } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import type { Connection } from '@dialtone/net'
import { FOOTER, SERVER, STREAMS, canonicalDomain, readHeader, streamErrorText, toElement, type ElementFrame, type FramerError } from '@dialtone/stream'
import { ComponentReader } from './reader.ts'
import { COMPONENT, HANDSHAKE_DONE, componentHeader, handshakeOf, sameHandshake } from './words.ts'

export type Outcome = 'ready' | 'not-authorized' | 'host-unknown' | 'timeout' | 'unreachable' | 'broke-protocol' | 'refused' | 'stranger' | 'limit' | 'fault'
export type Negotiated = { domain: string, lang: string | undefined, reader: ComponentReader }
/** Told once. After `ready` the bytes that follow are the stream's, at once. */
type Hear = { ready: (negotiated: Negotiated) => Flowing, failed: (outcome: Outcome, failure: Failure) => void }
/** Who takes over the connection. `fault`: what it was told of did not go well, by a mistake of ours. */
export type Flowing = { lost: (failure: Failure | undefined) => void, drained: (() => void) | undefined, settled: () => void, fault: (error: unknown) => void }
/** `fault` counts and logs a mistake of ours, and says it as what ended the stream. */
type Options = { connection: Connection, timeoutMs: number, hear: Hear, fault: (error: unknown) => Failure }

/** The server's side: `secretOf` knows the domains that may come. `id` has at least 128 random bits. */
export function acceptComponent ({ id, secretOf, ...options }: Options & { id: string, secretOf: (domain: string) => Buffer | undefined }): void {
  const talk = begin(options)
  let domain: string | undefined
  let lang: string | undefined
  talk.reader.hearing.header = header => {
    const read = readHeader(header)
    if ('refused' in read) return talk.refuse(read.refused, 'broke-protocol', 'sent no stream header')
    domain = canonicalDomain(read.header.to ?? '')
    lang = read.header.lang
    talk.say(componentHeader({ from: domain ?? 'invalid', id }))
    if (read.header.contentNamespace !== COMPONENT) return talk.refuse('invalid-namespace', 'broke-protocol', `the content namespace is ${quoted(read.header.contentNamespace, 80)}`)
    if (domain === undefined || secretOf(domain) === undefined) return talk.refuse('host-unknown', 'host-unknown', `came for ${quoted(read.header.to ?? 'nothing', 100)}`)
  }
  talk.reader.hearing.element = frame => {
    const secret = domain === undefined ? undefined : secretOf(domain)
    if (domain === undefined || secret === undefined || !isHandshake(frame)) return talk.refuse('not-authorized', 'not-authorized', 'sent something else than a handshake')
    if (!sameHandshake(textOf(frame, talk.reader).trim().toLowerCase(), handshakeOf(id, secret))) return talk.refuse('not-authorized', 'not-authorized', `does not know the secret of ${domain}`)
    talk.say(HANDSHAKE_DONE)
    talk.ready(domain, lang)
  }
}

/** The component's side, as `domain`. */
export function offerComponent ({ domain, secret, ...options }: Options & { domain: string, secret: Buffer }): void {
  const talk = begin(options)
  let lang: string | undefined
  talk.say(componentHeader({ to: domain }))
  talk.reader.hearing.header = header => {
    const read = readHeader(header)
    if ('refused' in read) return talk.refuse(read.refused, 'broke-protocol', 'sent no stream header')
    const { id, contentNamespace } = read.header
    lang = read.header.lang
    if (contentNamespace !== COMPONENT) return talk.refuse('invalid-namespace', 'broke-protocol', `the content namespace is ${quoted(contentNamespace, 80)}: is the port one for components?`)
    // A stream error may follow a header without an id.
    if (id !== undefined) talk.say(`<handshake>${handshakeOf(id, secret)}</handshake>`)
  }
  talk.reader.hearing.element = frame => {
    if (isHandshake(frame)) return talk.ready(domain, lang)
    if (frame.namespace === STREAMS && frame.name === 'error') {
      const condition = conditionOf(frame, talk.reader)
      return talk.fail(condition === 'not-authorized' || condition === 'host-unknown' ? condition : 'refused', { at: 'stream', why: 'stream-error', condition: quoted(condition, 60), detail: `the server refuses us: ${quoted(condition, 60)}` })
    }
    talk.refuse('not-authorized', 'broke-protocol', 'sent something else than the answer to the handshake')
  }
}

type Talk = {
  reader: ComponentReader
  say: (text: string) => void
  ready: (domain: string, lang: string | undefined) => void
  /** Says why, and ends. */
  refuse: (condition: FramerError['condition'], outcome: Outcome, detail: string) => void
  fail: (outcome: Outcome, failure: Failure) => void
}

function begin ({ connection, timeoutMs, hear, fault }: Options): Talk {
  let taken: Flowing | undefined
  let over = false
  const say = (text: string) => connection.write(text)
  const fail = (outcome: Outcome, failure: Failure) => {
    if (over || taken !== undefined) return
    over = true
    clearTimeout(timer)
    reader.stop()
    void connection.end(1000)
    hear.failed(outcome, failure)
  }
  const refuse: Talk['refuse'] = (condition, outcome, detail) => {
    if (over) return
    say(streamErrorText(condition) + FOOTER)
    fail(outcome, { at: 'stream', why: 'broke-protocol', condition, detail })
  }
  /** A mistake of ours ends this stream and not the process. */
  const safely = (act: () => void) => {
    try {
      act()
    } catch (error) {
      if (taken !== undefined) return taken.fault(error)
      const failure = fault(error)
      // Who was told already that it has failed is not told again.
      if (over) return connection.destroy()
      say(streamErrorText('internal-server-error') + FOOTER)
      fail('fault', failure)
    }
  }
  const timer = setTimeout(() => safely(() => refuse('connection-timeout', 'timeout', 'did not finish the handshake in time')), timeoutMs)
  const reader = new ComponentReader({
    header: () => undefined,
    element: () => undefined,
    end: () => fail('refused', { at: 'stream', why: 'closed', received: connection.received }),
    error: ({ condition, detail }) => {
      // An error needs a header before it (RFC 6120 §4.9.1.2); XEP-0114 has no other way either.
      if (reader.header === undefined) say(componentHeader({ from: 'invalid', id: 'none' }))
      refuse(condition, 'broke-protocol', quoted(detail, 200))
    },
  })
  connection.flow({
    bytes: chunk => safely(() => {
      reader.write(chunk)
      taken?.settled()
    }),
    ended: failure => safely(() => {
      if (taken !== undefined) taken.lost(failure)
      else fail('refused', failure ?? { at: 'stream', why: 'closed', received: connection.received })
    }),
    drained: () => safely(() => taken?.drained?.()),
  })
  return {
    reader, say, refuse, fail,
    ready: (domain, lang) => {
      clearTimeout(timer)
      taken = hear.ready({ domain, lang, reader })
    },
  }
}

function isHandshake (frame: ElementFrame): boolean {
  return frame.name === 'handshake' && frame.namespace === SERVER
}

function textOf (frame: ElementFrame, { header }: ComponentReader): string {
  return header === undefined ? '' : toElement(frame, header).children.filter(child => typeof child === 'string').join('')
}

function conditionOf (frame: ElementFrame, { header }: ComponentReader): string {
  if (header === undefined) return 'undefined-condition'
  return toElement(frame, header).children.flatMap(child => typeof child === 'object' ? [child.getName()] : [])[0] ?? 'undefined-condition'
}
