// What people do with each other across a gateway: become contacts, see each other, write, ping.
import type { TestClient } from '@dialtone/testkit'

/** The first adds the other, who is told, agrees, and asks back; then each sees that the other is there. Who is a contact already does not become one. */
export async function becomeContacts (first: TestClient, other: TestClient): Promise<void> {
  first.do({ do: 'subscribe', to: bare(other) })
  await other.heard({ on: 'asked', sender: bare(first) })
  await first.heard({ on: 'subscribed', sender: bare(other) })
  await first.heard({ on: 'presence', sender: other.jid })
  await other.heard({ on: 'presence', sender: first.jid })
}

/** Messages to the bare and to the full address, with characters that have to be escaped and some beyond ASCII, and pings: both ways. */
export async function talk (first: TestClient, other: TestClient): Promise<void> {
  first.do({ do: 'message', to: bare(other), body: 'wherefore <art> thou & "I"?' })
  await other.heard({ on: 'message', sender: first.jid, body: 'wherefore <art> thou & "I"?' })
  other.do({ do: 'message', to: first.jid, body: 'à cause de toi – 愛 🌹' })
  await first.heard({ on: 'message', sender: other.jid, body: 'à cause de toi – 愛 🌹' })
  await Promise.all([ping(first, other.jid), ping(other, first.jid)])
}

let pings = 0

export async function ping (who: TestClient, to: string): Promise<void> {
  const id = `ping${++pings}`
  who.do({ do: 'ping', to, id })
  await who.heard({ on: 'pong', id })
}

/** Writes again and again until one arrives: after something was away. Others were returned, or nobody was there. */
export async function reach (who: TestClient, whom: TestClient, what: string, withinMs = 20_000): Promise<void> {
  const late = performance.now() + withinMs
  for (let number = 1; ; number++) {
    who.do({ do: 'message', to: whom.jid, body: `${what} ${number}` })
    const heard = await whom.within(1000, { on: 'message', sender: who.jid })
    if (heard?.['body']?.startsWith(what) === true) return
    if (performance.now() > late) throw new Error(`${who.jid} does not reach ${whom.jid}; it heard:\n${who.events.map(event => JSON.stringify(event)).slice(-10).join('\n')}`)
  }
}

/** Bodies of messages that arrived more than once. */
export function doubled ({ events }: TestClient): string[] {
  const bodies = events.filter(({ on }) => on === 'message').map(event => event['body'] ?? '')
  return bodies.filter((body, at) => bodies.indexOf(body) !== at)
}

export function bare ({ jid }: Pick<TestClient, 'jid'>): string {
  return jid.split('/')[0] ?? ''
}

/** Writes a numbered message every few milliseconds; what becomes of them is seen at the other side. Returns how to stop it, and how many it were. */
export function chatter (who: TestClient, whom: TestClient): () => number {
  let sent = 0
  const timer = setInterval(() => who.do({ do: 'message', to: whom.jid, body: `chatter ${who.jid} ${++sent}` }), 25)
  return () => {
    clearInterval(timer)
    return sent
  }
}
