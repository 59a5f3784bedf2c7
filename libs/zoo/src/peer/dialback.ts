/**
 * How a scripted peer does dialback (XEP-0220): as the receiving server it calls back to where our listener is, as the authoritative one it answers
 * for the keys that it has made, as the initiating one it says who it is before it answers a ping on a stream of its own.
 */
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { DIALBACK, SERVER, STREAMS, TLS } from '@dialtone/stream'
import { converse, type Conversation } from './conversation.ts'
import type { Scene } from './perform.ts'
import type { Dialback } from './steps.ts'
import { FOOTER, dialbackError, dialbackText, featuresText, headerText, saslFailure, saslSuccess, starttlsFailure } from './write.ts'

/** Until the other side says goodbye or is gone. */
export async function dialback (manner: Dialback, scene: Scene): Promise<'over'> {
  const { conversation } = scene
  for (;;) {
    const heard = await conversation.next('starttls', 'sasl', 'key', 'question', 'ping', 'footer')
    switch (heard.it) {
      case 'starttls': await conversation.send(starttlsFailure() + FOOTER); return 'over'
      case 'sasl': await external(manner, scene); break
      case 'key': await receive(heard, manner, scene); break
      case 'question': await conversation.send(answerQuestion(heard, manner, scene)); break
      // On a stream of its own, and meanwhile we may say goodbye on this one.
      case 'ping': if (manner.pings !== 'never') void pong(heard, manner, scene); break
      case 'footer': await conversation.send(FOOTER); return 'over'
      default: return 'over'
    }
  }
}

/** Accepted, and the stream begins once more; or refused, and dialback may follow (XEP-0178 §3). */
async function external ({ refusesExternal }: Dialback, scene: Scene): Promise<void> {
  const { conversation, asked } = scene
  if (refusesExternal !== undefined) {
    await conversation.send(saslFailure(refusesExternal))
    return
  }
  conversation.restart()
  await conversation.send(saslSuccess())
  const heard = await conversation.next('header')
  if (heard.it === 'gone') return
  scene.streamId = randomUUID()
  await conversation.send(headerText({}, { id: scene.streamId, from: asked.to, to: asked.from }) + featuresText({ dialback: 'errors' }))
}

type Key = { from: string, to: string, key: string }

async function receive ({ from, to, key }: Key, manner: Dialback, scene: Scene): Promise<void> {
  const { conversation, streamId, signal } = scene
  const { callback = 'ask', answer = 'as-told', odd, afterMs = 0 } = manner
  const say = (attributes: Record<string, string | undefined>, content?: string, prefix?: string) => conversation.send(dialbackText('result', { from: to, to: from, ...attributes }, content, prefix))
  if (odd === 'unsolicited') await conversation.send(dialbackText('verify', { from: to, to: from, id: streamId, type: 'valid' }))
  const told = callback === 'none' ? 'valid' : await askBack({ from, to, key }, manner, scene)
  if (afterMs > 0) await new Promise<void>(resolve => { const timer = setTimeout(resolve, afterMs); signal.addEventListener('abort', () => { clearTimeout(timer); resolve() }, { once: true }) })
  if (answer === 'none' || odd === 'other-stream') return
  if (typeof answer === 'object') {
    await say({ type: 'error' }, odd === 'no-condition' ? '' : dialbackError(answer.error, answer.text, answer.type))
    return
  }
  const type = answer === 'as-told' ? told : answer
  if (odd === 'other-pair') await say({ type, to: 'somebody.example' })
  else await say({ type, ...(odd === 'echo' ? { id: streamId } : {}) }, odd === 'echo' ? key : '', odd === 'prefix' ? 'x' : undefined)
  if (odd === 'twice') await say({ type: 'invalid' })
}

/** db:verify on a connection of its own; what the authoritative server says, `invalid` where it says nothing. */
async function askBack ({ from, to, key }: Key, { callback, callbackTls, odd }: Dialback, scene: Scene): Promise<'valid' | 'invalid' | 'error'> {
  const conversation = await openStream({ from: to, to: from }, callbackTls === true, scene)
  if (conversation === undefined) return 'error'
  try {
    if (callback === 'leave') return 'error'
    await conversation.send(dialbackText('verify', { from: to, to: from, id: callback === 'wrong-id' ? randomUUID() : scene.streamId }, key))
    const heard = await conversation.next('verified')
    if (odd === 'other-stream') await conversation.send(dialbackText('result', { from: to, to: from, type: 'valid' }))
    if (heard.it === 'gone') return 'error'
    await conversation.send(FOOTER)
    return heard.type
  } finally {
    conversation.end()
  }
}

function answerQuestion ({ from, to, id, key }: Key & { id: string }, { question = 'right' }: Dialback, { keys }: Scene): string {
  const attributes = { from: to, to: from, id }
  if (question === 'item-not-found') return dialbackText('verify', { ...attributes, type: 'error' }, dialbackError('item-not-found', undefined))
  return dialbackText('verify', { ...attributes, type: question === 'right' ? keys.has(key) ? 'valid' : 'invalid' : question })
}

/** The answer goes over the peer's own stream to us, on which it has to say who it is first. */
async function pong ({ id, from, to }: { id: string, from: string, to: string }, { callbackTls }: Dialback, scene: Scene): Promise<void> {
  const conversation = await openStream({ from: to, to: from }, callbackTls === true, scene)
  if (conversation === undefined) return
  const key = `key-${randomUUID()}`
  scene.keys.add(key)
  await conversation.send(dialbackText('result', { from: to, to: from }, key))
  const heard = await conversation.next('result')
  if (heard.it === 'result' && heard.type === 'valid') await conversation.send(`<iq type='result' id='${id}' from='${to}' to='${from}'/>`)
  await conversation.send(FOOTER)
  await conversation.next('footer')
  conversation.end()
}

/** A stream to our listener up to its features, in TLS if wanted and offered. Undefined when nobody is there. */
async function openStream ({ from, to }: { from: string, to: string }, tls: boolean, { callTo, signal }: Scene): Promise<Conversation | undefined> {
  const place = typeof callTo === 'function' ? callTo(to) : callTo
  if (place === undefined || signal.aborted) return undefined
  const socket = connect({ host: place.address, port: place.port, noDelay: true })
  signal.addEventListener('abort', () => socket.destroy(), { once: true })
  const conversation = converse(socket)
  const header = `<?xml version='1.0'?><stream:stream xmlns='${SERVER}' xmlns:stream='${STREAMS}' xmlns:db='${DIALBACK}' from='${from}' to='${to}' version='1.0'>`
  await conversation.send(header)
  if ((await conversation.next('features')).it === 'gone') return undefined
  if (!tls) return conversation
  await conversation.send(`<starttls xmlns='${TLS}'/>`)
  if ((await conversation.next('proceed')).it === 'gone') return undefined
  const secured = await conversation.upgrade(plain => new Promise(resolve => {
    const secure = connectTls({ socket: plain, servername: to, rejectUnauthorized: false }, () => resolve(secure))
    secure.once('error', () => resolve(undefined))
  }))
  if (!secured) return undefined
  await conversation.send(header)
  return (await conversation.next('features')).it === 'gone' ? undefined : conversation
}
