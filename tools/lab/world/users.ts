// What users notice: whether somebody of ours and a peer reach each other. A question to the peer's server needs a stream there, and its answer one back.
import { startClient, type TestClient } from '@dialtone/testkit'
import { OURS, PEERS, type World } from '../seams.ts'
import { USERS } from './servers.ts'

/** `pong`, or the condition that the user is shown, with its text. */
export type Noticed = { peer: string, says: string, ms: number }

/** A user of ours asks the servers of peers for a sign of life, side by side; each answers, or an error is shown, within twenty seconds and a little. */
export async function askPeers (world: World, peers: readonly string[] = PEERS): Promise<Noticed[]> {
  const host = world.host('ours')
  const client = await startClient(host, `${USERS[OURS]}@${OURS}`, world.server(OURS))
  try {
    return await Promise.all(peers.map(peer => ask(client, peer)))
  } finally {
    await client.stop()
  }
}

async function ask (client: TestClient, peer: string): Promise<Noticed> {
  const began = performance.now()
  client.do({ do: 'ping', to: peer, id: `ask ${peer}` })
  const answer = await Promise.race([client.heard({ on: 'pong', sender: peer }), client.heard({ on: 'error', kind: 'iq', sender: peer })].map(each => each.catch(() => undefined)))
  const says = answer === undefined ? 'no-answer' : answer.on === 'pong' ? 'pong' : [answer['condition'], answer['text']].filter(part => part !== undefined && part !== '').join(': ')
  return { peer, says, ms: Math.round(performance.now() - began) }
}
