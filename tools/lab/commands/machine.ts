// What the machine must have before a lab is brought up on it.
import { OperatorError } from '@dialtone/kernel'
import { existsSync } from 'node:fs'

/** What is run inside, with the package that has it. */
const PROGRAMS = {
  '/usr/sbin/nft': 'nftables', '/usr/sbin/tc': 'iproute2', '/usr/bin/ss': 'iproute2', '/usr/bin/setpriv': 'util-linux', '/usr/bin/prosody': 'prosody', '/usr/bin/erl': 'ejabberd', '/usr/sbin/knotd': 'knot', '/usr/sbin/unbound': 'unbound',
  '/usr/lib/python3/dist-packages/slixmpp': 'python3-slixmpp',
} as const
/** And with Dialtone in it. */
const WATCHING = { '/usr/sbin/nats-server': 'nats-server', '/usr/bin/prometheus': 'prometheus', '/usr/bin/prometheus-alertmanager': 'prometheus-alertmanager' } as const

export type Machine = { platform: string, uid: number | undefined, has: (file: string) => boolean }

/** Throws an OperatorError that says what is missing and how to get it. */
export function checkMachine ({ withFleets }: { withFleets: boolean }, { platform, uid, has }: Machine = { platform: process.platform, uid: process.getuid?.(), has: existsSync }): void {
  if (platform !== 'linux') throw new OperatorError('machine', 'the lab needs Linux: it is made of network namespaces')
  if (uid !== 0) throw new OperatorError('machine', 'the lab needs root: it makes network namespaces. Run the same with sudo')
  const missing = Object.entries({ ...PROGRAMS, ...(withFleets ? WATCHING : {}) }).filter(([file]) => !has(file))
  if (missing.length > 0) throw new OperatorError('machine', `missing: ${missing.map(([file]) => file).join(', ')}. Run: apt-get install --no-install-recommends ${[...new Set(missing.map(([, name]) => name))].join(' ')}`)
}
