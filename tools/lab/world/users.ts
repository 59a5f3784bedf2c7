// What users notice: whether somebody and a domain reach each other. A question to its server needs a stream there, and its answer one back.
import { startClient, type TestClient } from '@dialtone/testkit'
import { EDGE, OURS, PEERS, type World } from '../seams.ts'
import { SERVER_OF, USERS } from './servers.ts'

/** Of whom `user` asked: `pong`, or the condition that the user is shown, with its text; or why the user could not ask. */
export type Noticed = { user: string, peer: string, says: string, ms: number }

/** By domain, whom its user asks. */
export type Questions = Readonly<Record<string, readonly string[]>>
/** Ours asks every peer. */
export const OUR_QUESTIONS: Questions = { [OURS]: PEERS }

/** Through the gateway: EDGE asks its peers, and each of them asks EDGE. */
export function edgeQuestions (peers: readonly string[]): Questions {
  return { [EDGE]: peers, ...Object.fromEntries(peers.map(peer => [peer, [EDGE]])) }
}

/** Users ask servers for a sign of life, side by side; each answers, or an error is shown, within twenty seconds and a little. */
export async function askPeers (world: World, questions: Questions = OUR_QUESTIONS): Promise<Noticed[]> {
  return (await Promise.all(Object.entries(questions).map(([domain, peers]) => askAs(world, domain, peers)))).flat()
}

async function askAs (world: World, domain: string, peers: readonly string[]): Promise<Noticed[]> {
  const user = `${USERS[domain]}@${domain}`
  try {
    const client = await startClient(world.controls.at(SERVER_OF[domain] ?? 'ours'), user, world.server(domain))
    try {
      return await Promise.all(peers.map(async peer => ({ user, ...await ask(client, peer) })))
    } finally {
      await client.stop()
    }
  } catch (error) {
    return peers.map(peer => ({ user, peer, says: `could not ask: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`, ms: 0 }))
  }
}

async function ask (client: TestClient, peer: string): Promise<Omit<Noticed, 'user'>> {
  const began = performance.now()
  client.do({ do: 'ping', to: peer, id: `ask ${peer}` })
  const answer = await Promise.race([client.heard({ on: 'pong', sender: peer }), client.heard({ on: 'error', kind: 'iq', sender: peer })].map(each => each.catch(() => undefined)))
  const says = answer === undefined ? 'no-answer' : answer.on === 'pong' ? 'pong' : [answer['condition'], answer['text']].filter(part => part !== undefined && part !== '').join(': ')
  return { peer, says, ms: Math.round(performance.now() - began) }
}
