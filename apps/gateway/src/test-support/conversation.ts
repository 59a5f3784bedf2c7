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

/** Writes once a second until one arrives: after something was away. Those before were returned, or wait, or nobody was there. `what` is said once in a test. */
export async function reach (who: TestClient, whom: TestClient, what: string, withinMs = 20_000): Promise<void> {
  const late = performance.now() + withinMs
  const arrived = () => whom.events.some(event => event.on === 'message' && event['sender'] === who.jid && event['body']?.startsWith(`${what}: `) === true)
  for (let number = 1; ; number++) {
    who.do({ do: 'message', to: whom.jid, body: `${what}: ${number}` })
    for (let left = 50; left > 0 && !arrived(); left--) await new Promise(resolve => { setTimeout(resolve, 20) })
    if (arrived()) return
    if (performance.now() > late) throw new Error(`${who.jid} does not reach ${whom.jid}; it heard:\n${who.events.map(event => JSON.stringify(event)).slice(-10).join('\n')}`)
  }
}

/** Writes a numbered message every few milliseconds; what becomes of them is seen at the other side. Returns how to stop it. */
export function chatter (who: TestClient, whom: TestClient): () => void {
  let sent = 0
  const timer = setInterval(() => who.do({ do: 'message', to: whom.jid, body: `${CHATTER}: ${++sent}` }), 25)
  return () => clearInterval(timer)
}

export const CHATTER = 'chatter'

/** What clients of one address heard, one after the other: which messages came more than once, and which after a later one of the same sender and kind. */
export function disorderOf (clients: readonly TestClient[]): { doubled: string[], late: string[] } {
  const last = new Map<string, number>()
  const seen = new Set<string>()
  const [doubled, late]: [string[], string[]] = [[], []]
  for (const { on, sender = '', body = '' } of clients.flatMap(({ events }) => events)) {
    const [, what, number] = /^(.*): (\d+)$/.exec(body) ?? []
    if (on !== 'message' || number === undefined) continue
    const about = `${sender}, ${body}`
    if (seen.has(about)) doubled.push(about)
    else if (Number(number) < (last.get(`${sender} ${what}`) ?? 0)) late.push(about)
    seen.add(about)
    last.set(`${sender} ${what}`, Number(number))
  }
  return { doubled, late }
}

export function bare ({ jid }: Pick<TestClient, 'jid'>): string {
  return jid.split('/')[0] ?? ''
}
