// The firewall and address translation of the inside network, in nftables: nothing comes in but what is translated or published, little goes out, and
// counters say what was refused. The parts that breaks change are chains of their own.
import { ip, nft, type NetworkHost } from '@dialtone/testkit'
import { AT, GATEWAY, INSIDE_NETS, PUBLIC, RESOLVERS, TUNNEL } from './places.ts'
import { layer, type Layer } from './layer.ts'

/** The rules of each part while all is well, in nft's words. */
const PARTS = {
  /** Of connections from outside: where they lead. */
  pat: [`ip daddr ${PUBLIC.ours} tcp dport 5269 dnat ip to ${AT.ours}:5269`, `ip daddr ${PUBLIC.agent} tcp dport 5269 dnat ip to ${AT.inside}:5269`],
  /** Of connections from inside to ports 5269 and 5270 outside. */
  federation: ['counter name pass-out-5269 accept'],
  /** What the inside sends to our own public addresses: it does not come back in. */
  hairpin: ['drop'],
  /** Before all that is forwarded. */
  path: [],
} as const satisfies Record<string, readonly string[]>
export type FirewallPart = keyof typeof PARTS

export type Firewall = {
  /** Puts other rules in place of those of a part. */
  parts: Readonly<Record<FirewallPart, Layer<readonly string[]>>>
  /** Packets by counter: `deny-in-5269` and so on. It is the log that is read where the seed says "troubleshoot the firewall log". */
  counters: () => Promise<Readonly<Record<string, number>>>
}

/** Sets it up on its host, and the tunnel to the office. */
export function startFirewall (firewall: NetworkHost, office: NetworkHost): Firewall {
  ip([`link add vpn0 type veth peer name vpn0 netns ${office.namespace}`, 'link set vpn0 up', `address add ${TUNNEL.firewall}/32 dev vpn0`, `route add ${TUNNEL.office} dev vpn0`, `route add ${AT.office} via ${TUNNEL.office} dev vpn0`,
    // An inside address that nobody has is answered so, as by a router that finds no one at home.
    ...INSIDE_NETS.map(net => `route add unreachable ${net}`)], firewall.namespace)
  ip(['link set vpn0 up', `address add ${TUNNEL.office}/32 dev vpn0`, `route add ${TUNNEL.firewall} dev vpn0`,
    ...[...INSIDE_NETS, GATEWAY.outside].map(net => `route add ${net} via ${TUNNEL.firewall} dev vpn0 src ${AT.office}`)], office.namespace)
  nft(firewall.namespace, ruleset())
  const part = (name: FirewallPart): Layer<readonly string[]> => layer<readonly string[]>(PARTS[name], async rules => {
    nft(firewall.namespace, `flush chain inet asa ${name}\n${rules.map(rule => `add rule inet asa ${name} ${rule}\n`).join('')}`)
  })
  return {
    parts: { pat: part('pat'), federation: part('federation'), hairpin: part('hairpin'), path: part('path') },
    counters: async () => {
      const { stdout } = await firewall.run('nft', ['list', 'counters', 'table', 'inet', 'asa'])
      return Object.fromEntries([...stdout.matchAll(/counter ([\w-]+) \{\s+packets (\d+)/g)].map(([, name = '', packets]) => [name, Number(packets)]))
    },
  }
}

function ruleset (): string {
  const chain = (name: FirewallPart): string => `  chain ${name} {\n${PARTS[name].map(rule => `    ${rule}\n`).join('')}  }\n`
  return `table inet asa {
  counter deny-in-5269 {}
  counter deny-in {}
  counter deny-out-5269 {}
  counter deny-out {}
  counter pass-in-5269 {}
  counter pass-out-5269 {}
${(Object.keys(PARTS) as FirewallPart[]).map(chain).join('')}
  chain prerouting {
    type nat hook prerouting priority dstnat
    iifname "eth0" jump pat
  }
  chain postrouting {
    type nat hook postrouting priority srcnat
    ip saddr { ${INSIDE_NETS.join(', ')} } oifname "eth0" masquerade
  }
  chain input {
    type filter hook input priority filter
    ct state established,related accept
    iifname != { "eth0", "vpn0" } ip daddr { ${Object.values(PUBLIC).join(', ')} } tcp dport 5269 jump hairpin
    iifname != "eth0" accept
    meta l4proto { icmp, icmpv6 } accept
    tcp dport 5269 counter name deny-in-5269 drop
    counter name deny-in drop
  }
  chain forward {
    type filter hook forward priority filter; policy drop
    jump path
    ct state established,related accept
    iifname "vpn0" accept
    oifname "vpn0" accept
    iifname "eth0" jump inbound
    oifname "eth0" jump outbound
    ip saddr ${AT.edge} ip daddr != { ${GATEWAY.inside}, ${AT.inside} } counter name deny-out drop
    ip daddr ${AT.edge} ip saddr != { ${GATEWAY.inside}, ${AT.inside} } counter name deny-in drop
    accept
  }
  chain inbound {
    ct status dnat counter name pass-in-5269 accept
    ip daddr ${GATEWAY.outside} tcp dport { 5269, 5270 } counter name pass-in-5269 accept
    ip6 daddr ${GATEWAY.outside6} tcp dport { 5269, 5270 } counter name pass-in-5269 accept
    meta l4proto { icmp, icmpv6 } accept
    tcp dport 5269 counter name deny-in-5269 drop
    counter name deny-in drop
  }
  chain outbound {
    ip saddr ${AT.edge} counter name deny-out drop
    tcp dport { 5269, 5270 } jump federation
    tcp dport { 5269, 5270 } counter name deny-out-5269 drop
    ip saddr { ${RESOLVERS.inside}, ${GATEWAY.outside}, ${GATEWAY.inside} } th dport 53 accept
    meta l4proto { icmp, icmpv6 } accept
    counter name deny-out drop
  }
}
`
}
