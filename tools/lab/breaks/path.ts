// What goes wrong on the way: somebody in between who changes what is said, a way that loses packets, an agent whose own way out is dead.
import { intercept, PORTS, stripStarttls } from './in-path.ts'
import { AT } from '../world/places.ts'
import { defineBreak, type Doing } from './define.ts'

const FAMILIES = [['ip', 'ipv4_addr'], ['ip6', 'ipv6_addr']] as const
/**
 * The first packet that opens a connection is lost, and the first that answers it: a second each, until they are sent again (RFC 6298). A rate that a modem would have.
 * The kernel has no netem.
 */
const lossy: Doing = ({ filter }) => filter('six', {
  input: FAMILIES.map(([ip]) => `tcp dport { 5269, 5270 } tcp flags & (syn | ack) == syn ${ip} saddr . tcp sport != @asked-${ip} add @asked-${ip} { ${ip} saddr . tcp sport } drop`),
  output: FAMILIES.map(([ip]) => `tcp sport { 5269, 5270 } tcp flags & (syn | ack) == syn | ack ${ip} daddr . tcp dport != @answered-${ip} add @answered-${ip} { ${ip} daddr . tcp dport } drop`),
}, FAMILIES.flatMap(([ip, type]) => ['asked', 'answered'].map(set => `set ${set}-${ip} { type ${type} . inet_service; flags dynamic,timeout; timeout 1m; size 65535; }`)))
const narrow: Doing = async ({ at }) => {
  const tc = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await at('six').run('tc', ['qdisc', ...args])
    if (code !== 0) throw new Error(`tc ${args.join(' ')}: ${stderr}`)
  }
  await tc('add', 'dev', 'eth0', 'root', 'tbf', 'rate', '256kbit', 'burst', '3000', 'limit', '200000')
  return async () => { await tc('del', 'dev', 'eth0', 'root') }
}

export const PATH_BREAKS = [
  defineBreak('starttls-stripped', 'somebody between the inside and gtls.test takes the offer of STARTTLS out of what its server says', ({ at }) => stripStarttls(at('firewall'), AT.gtls), ({ leadAside }) => leadAside(AT.gtls, PORTS.strip)),
  defineBreak('tls-intercepted', "somebody between the inside and webex.test ends TLS in the middle and shows a certificate of an authority of their own", ({ at }) => intercept(at('firewall'), AT.webex, 'webex.test'), ({ leadAside }) => leadAside(AT.webex, PORTS.intercept)),
  defineBreak('slow', 'the way to six.test is narrow and loses the first packet of each side', narrow, lossy),
  defineBreak('uplink', "the agent in Amsterdam has lost its way to the Internet; the fleet's own connection is another one", ({ filter }) => {
    const only = (direction: 's' | 'd', name: 'i' | 'o'): string[] => [`${name}ifname "lo" accept`, `ip ${direction}addr ${AT.office} accept`, 'drop']
    return filter('amsterdam', { input: only('s', 'i'), output: only('d', 'o') })
  }),
] as const
