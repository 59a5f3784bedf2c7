// Carries a script out on one connection. Ends when the script does, when the other side is gone, or when the peer is stopped.
import { randomUUID } from 'node:crypto'
import { unreachable } from '@dialtone/kernel'
import type { Conversation } from './conversation.ts'
import { dialback } from './dialback.ts'
import type { HeaderOptions, Script, Step } from './steps.ts'
import { secureAsServer } from './tls.ts'
import { FOOTER, PROCEED, errorText, featuresText, headerText } from './write.ts'

/** Whether to go on with the next step. */
type Next = 'on' | 'over'
/** `domain`: what the peer serves unless the script says otherwise. `asked`: the last header that came. */
export type Scene = Cast & { conversation: Conversation, asked: { to: string | undefined, from: string | undefined }, /** Of the header that was sent last. */ streamId: string, signal: AbortSignal }

/** What a peer is, on all of its connections. */
export type Cast = {
  domain: string
  /** Where our listener is, for those who call back; by the domain that is called back where there are several. */
  callTo?: Place | ((domain: string) => Place | undefined)
  /** Keys that it has made for streams of its own. */
  keys: Set<string>
}

export type Place = { address: string, port: number }

/** What the text of one flood write holds at least. */
const FLOOD_CHUNK = 65_536

export async function perform (script: Script, conversation: Conversation, cast: Cast, signal: AbortSignal): Promise<void> {
  const scene: Scene = { ...cast, conversation, asked: { to: undefined, from: undefined }, streamId: '', signal }
  for (const step of script) {
    if (await carryOut(step, scene) === 'over') break
  }
  conversation.end()
}

async function carryOut (step: Step, scene: Scene): Promise<Next> {
  const { conversation, signal } = scene
  switch (step.do) {
    case 'await': {
      const heard = await conversation.next(step.what)
      if (heard.it === 'header') scene.asked = { to: heard.to, from: heard.from }
      return heard.it === 'gone' ? 'over' : 'on'
    }
    case 'header': return await answerHeader(step, scene)
    case 'features': return await say(featuresText(step), scene)
    case 'send': return step.everyMs === undefined ? await say(step.text, scene) : await drip(step.text, step.everyMs, scene)
    case 'send-hex': return await sent(conversation.send(Buffer.from(step.hex, 'hex')))
    case 'flood': return await flood(step.text, step.bytes, scene)
    case 'error': return await refuse(step.condition, step.text, scene, step.application)
    case 'tls': {
      if (step.proceed !== undefined) {
        conversation.pause()
        if (await say(PROCEED + (step.proceed.stray ?? ''), scene) === 'over') return 'over'
      }
      return await sent(conversation.upgrade(plain => secureAsServer(plain, step)))
    }
    case 'pause': return await paused(step.ms, signal)
    case 'silence': {
      await conversation.next('gone')
      return 'over'
    }
    case 'goodbye': {
      const heard = await conversation.next('footer')
      if (heard.it === 'footer') await say(FOOTER, scene)
      return 'over'
    }
    case 'dialback': return await dialback(step, scene)
    case 'close': return 'over'
    case 'reset': {
      conversation.reset()
      return 'over'
    }
    default: return unreachable(step)
  }
}

async function answerHeader (options: HeaderOptions, scene: Scene): Promise<Next> {
  const { asked, domain } = scene
  const { serves = [domain], refuses } = options
  const served = serves === 'everyone' || (serves !== 'nobody' && asked.to !== undefined && serves.includes(asked.to))
  scene.streamId = randomUUID()
  if (await say(headerText(options, { id: scene.streamId, from: asked.to, to: asked.from }), scene) === 'over') return 'over'
  if (!served) return await refuse('host-unknown', options.unknownText, scene)
  if (refuses !== undefined && asked.from === refuses.from) return await refuse(refuses.condition, refuses.text, scene)
  return 'on'
}

async function refuse (condition: string, text: string | undefined, scene: Scene, application?: string): Promise<'over'> {
  await say(errorText(condition, text, application) + FOOTER, scene)
  return 'over'
}

async function drip (text: string, everyMs: number, scene: Scene): Promise<Next> {
  for (const byte of Buffer.from(text)) {
    if (await sent(scene.conversation.send(Uint8Array.of(byte))) === 'over' || await paused(everyMs, scene.signal) === 'over') return 'over'
  }
  return 'on'
}

async function flood (text: string, bytes: number, scene: Scene): Promise<Next> {
  const chunk = text.repeat(Math.ceil(FLOOD_CHUNK / text.length))
  for (let left = bytes; left > 0; left -= chunk.length) {
    if (await say(chunk.slice(0, left), scene) === 'over') return 'over'
  }
  return 'on'
}

function say (text: string, { conversation }: Scene): Promise<Next> {
  return sent(conversation.send(text))
}

async function sent (done: Promise<boolean>): Promise<Next> {
  return await done ? 'on' : 'over'
}

function paused (ms: number, signal: AbortSignal): Promise<Next> {
  return new Promise(resolve => {
    if (signal.aborted) {
      resolve('over')
      return
    }
    const stop = () => {
      clearTimeout(timer)
      resolve('over')
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve('on')
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })
}
