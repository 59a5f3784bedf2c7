// A user's client of a real server, or a component (both slixmpp), as a process in the namespace of a host: what it is told to do, and what it hears.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Place } from './loopback.ts'
import type { NetworkHost } from './network.ts'

const SCRIPT = fileURLToPath(new URL('./client.py', import.meta.url))
/** Debian's, which has Debian's packages. */
const PYTHON = '/usr/bin/python3'
const HEARD_MS = 20_000

/** What a client tells; `sender` is the other side's JID. */
export type ClientEvent = { on: 'ready' | 'failed' | 'asked' | 'subscribed' | 'presence' | 'gone' | 'message' | 'pong' | 'error' } & Record<string, string>
export type ClientOrder = { do: 'subscribe' | 'message' | 'presence' | 'ping' | 'leave', to?: string, body?: string, id?: string, type?: string }

export type TestClient = {
  jid: string
  do: (order: ClientOrder) => void
  /** All that it has heard so far. */
  events: readonly ClientEvent[]
  /** The first event with these fields that was not taken before, waiting for it up to 20 s; the error holds what was heard instead. */
  heard: (wanted: Partial<ClientEvent>) => Promise<ClientEvent>
  stop: () => Promise<void>
}

/** Logs in over a clear connection to the server at `address`; resolves when the session is there. Its password is the user's name. */
export async function startClient (host: NetworkHost, jid: string, { address, clientPort }: { address: string, clientPort?: number }): Promise<TestClient> {
  if (clientPort === undefined) throw new Error('the server takes in no clients: give it `users`')
  return await startTalker(host, 'client', jid, jid.split('@')[0] ?? '', { address, port: clientPort })
}

/** Attaches as the component of the JID's domain (XEP-0114) and speaks as that JID; resolves when the component was accepted. */
export async function startComponent (host: NetworkHost, jid: string, { address, port, secret }: Place & { secret: string }): Promise<TestClient> {
  return await startTalker(host, 'component', jid, secret, { address, port })
}

async function startTalker (host: NetworkHost, kind: 'client' | 'component', jid: string, secret: string, { address, port }: Place): Promise<TestClient> {
  const child = host.spawn(PYTHON, [SCRIPT, kind, jid, secret, address, String(port)], { stdio: ['pipe', 'pipe', 'pipe'], env: { HOME: '/nonexistent', LC_ALL: 'C.UTF-8' } })
  const events: ClientEvent[] = []
  const taken = new Set<ClientEvent>()
  let said = ''
  let changed: () => void = () => undefined
  child.stderr?.setEncoding('utf8').on('data', (text: string) => { said = (said + text).slice(-4000) })
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', line => {
      events.push(JSON.parse(line) as ClientEvent)
      changed()
    })
  }
  // It may have gone before it was told something.
  child.stdin?.on('error', () => undefined)
  const ended = once(child, 'exit').catch(() => undefined)
  const heard = async (wanted: Partial<ClientEvent>): Promise<ClientEvent> => {
    const until = performance.now() + HEARD_MS
    for (;;) {
      const found = events.find(event => !taken.has(event) && Object.entries(wanted).every(([name, value]) => event[name] === value))
      if (found !== undefined) {
        taken.add(found)
        return found
      }
      const left = until - performance.now()
      if (left <= 0) throw new Error(`${jid} did not hear ${JSON.stringify(wanted)} within ${HEARD_MS} ms, but, at last:\n${events.slice(-15).map(event => JSON.stringify(event)).join('\n')}\n${said}`)
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, Math.min(left, 200))
        changed = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
  const client: TestClient = {
    jid, events, heard,
    do: order => { child.stdin?.write(`${JSON.stringify(order)}\n`) },
    stop: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
  await heard({ on: 'ready' }).catch(async (error: unknown) => {
    await client.stop()
    throw error
  })
  return client
}
