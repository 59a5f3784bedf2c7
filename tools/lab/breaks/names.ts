// What goes wrong with names: our records, the public servers, the resolver inside.
import { OURS } from '../seams.ts'
import { AT, NOBODY, PUBLIC, WEB } from '../world/places.ts'
import { defineBreak, type Doing } from './define.ts'

const published = (...records: readonly string[]): Doing => ({ names, by }) => names.publish(by, OURS, [...records, `@ A ${WEB}`])
const SRV = '_xmpp-server._tcp SRV 0 0 5269 cup1'

export const NAME_BREAKS = [
  defineBreak('srv', 'our SRV record is gone: whoever looks for us goes to the web site', published(`cup1 A ${PUBLIC.ours}`)),
  defineBreak('srvport', 'our SRV record names port 5369, as the seed misprints it', published('_xmpp-server._tcp SRV 0 0 5369 cup1', `cup1 A ${PUBLIC.ours}`)),
  defineBreak('arecord', 'the address record of our server is one that nobody has', published(SRV, `cup1 A ${NOBODY.outside}`)),
  defineBreak('arecord-live', "the address record of our server is that of a stranger's server", published(SRV, `cup1 A ${AT.webex}`)),
  defineBreak('noarecord', 'the address record of our server is gone', published(SRV)),
  defineBreak('dns', 'the public DNS servers and the resolver inside are not running', ({ names, by }) => names.inside.lay(by, { down: true }), ({ names, by }) => names.outside.lay(by, false)),
  defineBreak('dns-drop', 'nothing that is asked of the public DNS servers or of the resolver inside is answered', ...(['dns', 'resolver'] as const).map((host): Doing => ({ filter }) => filter(host, { input: ['meta l4proto { tcp, udp } th dport 53 drop'] }))),
  defineBreak('dns-inside', 'the resolver inside is not running', ({ names, by }) => names.inside.lay(by, { down: true })),
  defineBreak('split-view', 'the resolver inside knows our domain by its inside address, without our knowledge', ({ names, by }) => names.inside.lay(by, { own: { [OURS]: [`_xmpp-server._tcp.${OURS}. SRV 0 0 5269 cup1.${OURS}.`, `cup1.${OURS}. A ${AT.ours}`] } })),
  defineBreak('dnssec', 'the zone of six.test was signed with a new key, and resolvers still trust the old one alone', ({ names, by }) => names.keys.lay(by, 'new')),
] as const
