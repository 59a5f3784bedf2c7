/** Servers that we connect to, one for each kind of the policy matrix: real sockets and TLS, what they offer is what the kind says, and they check our keys as our own gateway would answer them. */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { TLSSocket, createSecureContext, type SecureContext } from 'node:tls'
import { DIALBACK, PROCEED, SASL_SUCCESS, STARTTLS_FAILURE, dialbackAnswerText, featuresText, headerText, saslFailureText, type Keys } from '@dialtone/stream'
import { QUICK, shown } from './matrix.ts'
import type { Host } from './oracle.ts'

/** What became of one stream. */
export type Served = { by?: 'external' | 'dialback', over: 'tls' | 'clear', stanzas: number }
/** `served`: by who speaks and who is spoken to. */
export type RunningHost = { port: number, served: Map<string, Served[]>, close: () => Promise<void> }

const contexts = new Map<string, Promise<SecureContext>>()

/** `name`: whom its certificates name, unless they name somebody else; `keys`: by domain that is spoken to, what our keys are checked by. */
export async function startHost (kind: Host, name: string, keys: (theirs: string) => Keys): Promise<RunningHost> {
  const which = `${kind.certificate} ${name}`
  const made = contexts.get(which) ?? contextOf(kind, name)
  contexts.set(which, made)
  const secureContext = await made
  const served: RunningHost['served'] = new Map()
  const sockets = new Set<Socket>()
  const listener = createServer({ noDelay: true }, plain => {
    sockets.add(plain)
    plain.on('error', () => undefined).on('close', () => sockets.delete(plain))
    serve(plain, { kind, keys, served, secureContext })
  })
  await new Promise<void>(resolve => { listener.listen({ host: '127.0.0.1', port: 0 }, () => resolve()) })
  return {
    port: (listener.address() as AddressInfo).port, served,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>(resolve => { listener.close(() => resolve()) })
    },
  }
}

async function contextOf ({ certificate }: Host, name: string): Promise<SecureContext> {
  if (certificate === 'none') return createSecureContext({ ecdhCurve: QUICK })
  const { chain, key } = await shown(certificate, name)
  return createSecureContext({ cert: chain, key, ecdhCurve: QUICK })
}

/** What may come, in the spelling in which we write it. */
const WORDS = /<stream:stream [^>]*>|<starttls [^>]*\/>|<auth [^>]*>[^<]*<\/auth>|<db:result [^>]*>[^<]*<\/db:result>|<message [^>]*\/>|<\/stream:stream>/

function serve (plain: Socket, { kind, keys, served, secureContext }: { kind: Host, keys: (theirs: string) => Keys, served: RunningHost['served'], secureContext: SecureContext }): void {
  let socket: Socket | TLSSocket = plain
  let text = ''
  let id = ''
  let [ours, theirs] = ['', '']
  let headers = 0
  const stream: Served = { over: 'clear', stanzas: 0 }
  const say = (what: string) => { socket.write(what) }
  const secure = () => {
    plain.removeAllListeners('data')
    text = ''
    const inside = new TLSSocket(plain, { isServer: true, secureContext, requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['xmpp-server'] })
    inside.on('error', () => undefined).on('data', read)
    socket = inside
    stream.over = 'tls'
  }
  const greet = () => {
    id = `id${++headers}`
    const secured = stream.over === 'tls'
    const bare = headerText({ from: theirs, to: ours, id })
    // Dialback may be offered by the namespace, too.
    say(kind.dialback ? bare : bare.replace(` xmlns:db='${DIALBACK}'`, ''))
    // It judges a certificate of ours by whether there is one: for nobody else is one made here.
    const external = secured && stream.by === undefined && kind.external !== 'absent' && (socket as TLSSocket).getPeerX509Certificate() !== undefined
    const starttls = secured || kind.tls === 'none' ? 'absent' : kind.tls === 'required' ? 'required' : 'optional'
    say(featuresText({ starttls, external, dialback: kind.dialback, bidi: false }))
  }
  const keyed = (word: string) => {
    if (stream.over === 'clear' && kind.tls === 'required') return say(dialbackAnswerText('result', theirs, ours, { type: 'error', condition: 'policy-violation' }))
    const key = />([^<]*)</.exec(word)?.[1] ?? ''
    const valid = keys(theirs).isOurs(key, { receiving: theirs, originating: ours, streamId: id })
    if (valid) stream.by = 'dialback'
    say(dialbackAnswerText('result', theirs, ours, { type: valid ? 'valid' : 'invalid' }))
  }
  const hear = (word: string) => {
    if (word.startsWith('<stream:stream')) {
      ours = /\bfrom='([^']*)'/.exec(word)?.[1] ?? ''
      theirs = /\bto='([^']*)'/.exec(word)?.[1] ?? ''
      if (headers === 0) served.set(`${ours} ${theirs}`, [...served.get(`${ours} ${theirs}`) ?? [], stream])
      greet()
    } else if (word.startsWith('<starttls')) {
      if (kind.tls === 'none') socket.end(STARTTLS_FAILURE + '</stream:stream>')
      else {
        say(PROCEED)
        secure()
      }
    } else if (word.startsWith('<auth')) {
      if (kind.external === 'taken') stream.by = 'external'
      say(kind.external === 'taken' ? SASL_SUCCESS : saslFailureText('not-authorized'))
    } else if (word.startsWith('<db:result')) keyed(word)
    else if (word.startsWith('<message')) stream.stanzas++
    else socket.end('</stream:stream>')
  }
  const read = (bytes: Buffer) => {
    text += bytes.toString('latin1')
    for (let found = WORDS.exec(text); found !== null; found = WORDS.exec(text)) {
      text = text.slice(found.index + found[0].length)
      hear(found[0])
    }
  }
  if (kind.tls === 'direct') secure()
  else plain.on('data', read)
}
