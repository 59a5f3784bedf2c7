// What goes wrong at providers: they claim our domain, refuse it, lose addresses, or never call back.
import { giveNames, startUnbound } from '@dialtone/testkit'
import { OURS } from '../seams.ts'
import { AT, PUBLIC, RESOLVERS } from '../world/places.ts'
import { STUBS } from '../world/names.ts'
import { LeftBroken, undoAfter } from '../world/undo.ts'
import { defineBreak, type Doing } from './define.ts'

const claimedByGmail = ({ servers, by }: Parameters<Doing>[0]) => servers.differences.gmail.lay(by, { hosts: ['gmail.test', OURS] })

/** The provider's own resolver leads our domain to the provider itself, whose server reads who its resolver is when it starts. */
const claimedWithOwnView: Doing = async controls => {
  const { at } = controls
  const { namespace } = at('gmail')
  const own = { [OURS]: [`_xmpp-server._tcp.${OURS}. SRV 0 5 5269 xmpp-server.gmail.test.`] }
  const resolver = await startUnbound({ stubs: STUBS, own, address: '127.0.0.1', port: 53, namespace })
  const putBack = async (): Promise<void> => {
    giveNames(namespace, RESOLVERS.outside)
    await resolver.stop()
  }
  giveNames(namespace, '127.0.0.1')
  const unclaim = await claimedByGmail(controls).catch((error: unknown) => undoAfter(error, async () => {
    await putBack()
    if (error instanceof LeftBroken) await error.undo()
  }))
  return async () => {
    await putBack()
    await unclaim()
  }
}

const dead = (host: 'gmail' | 'plain' | 'six', ...addresses: readonly string[]): Doing => ({ filter }) =>
  filter(host, { input: [`${addresses[0]?.includes(':') === true ? 'ip6' : 'ip'} daddr { ${addresses.join(', ')} } tcp dport { 5269, 5270 } drop`] })

export const PEER_BREAKS = [
  defineBreak('conflict', 'our domain is registered with gmail.test as well: what its users send us stays there', claimedByGmail),
  defineBreak('conflict-internal', 'our domain is registered with gmail.test, which finds itself where it looks for us and denies our keys', claimedWithOwnView),
  defineBreak('conflict-webex', 'our domain is registered with webex.test as well, which refuses our streams', ({ servers, by }) => servers.differences.webex.lay(by, { hosts: ['webex.test', OURS] })),
  defineBreak('policy', 'gmail.test does not federate with us, by its own rule', ({ servers, by }) => servers.differences.gmail.lay(by, { denies: [OURS] })),
  defineBreak('gmail-primary', 'the first of the five servers of gmail.test does not answer', dead('gmail', AT.gmail[0])),
  defineBreak('gmail-all', 'none of the five servers of gmail.test answers', dead('gmail', ...AT.gmail)),
  defineBreak('address-dead', 'one of the two addresses of plain.test does not answer', dead('plain', AT.plain[1])),
  defineBreak('ipv6', 'six.test does not answer by IPv6, but by IPv4', dead('six', AT.six6)),
  defineBreak('peer-silent', 'plain.test never calls back: its own way out to us drops everything', ({ filter }) => filter('plain', { output: [`ip daddr ${PUBLIC.ours} tcp dport 5269 drop`] })),
] as const
