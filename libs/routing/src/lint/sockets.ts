/** Who listens where: two things on one socket, and ways that lead back to ourselves (gateways.md 5.12 L11). */
import type { GatewaySpec } from '@dialtone/contracts'
import { zonesOf } from './subject.ts'

export type Socket = { address: string, port: number, what: 'servers' | 'components' | 'dns', pointer: string, named: string }

/** Every socket that a gateway is told to listen on. */
export function socketsOf (spec: GatewaySpec): Socket[] {
  return zonesOf(spec).flatMap(({ name, listen, responder, components }, at) => {
    const place = (what: Socket['what'], path: string, of: string) => ({ address, port }: { address: string, port: number }, i: number): Socket =>
      ({ address, port, what, pointer: `/spec/zones/${at}/${path}/${i}`, named: `${of} of zone '${name}'` })
    return [
      ...listen.map(place('servers', 'listen', 'a listener')),
      ...(components?.accept?.listen ?? []).map(place('components', 'components/accept/listen', 'the listener for components')),
      ...(responder?.listen ?? []).map(place('dns', 'responder/listen', 'the responder')),
    ]
  })
}

/** Whether one process cannot have both. An unspecified address is every address of its family, and `::` of both. */
export function overlap (a: { address: string, port: number }, b: { address: string, port: number }): boolean {
  if (a.port !== b.port) return false
  const [left, right] = [addressKey(a.address), addressKey(b.address)]
  return left === right || everything(left, right) || everything(right, left)
}

/** Whether a connection to `host` and `port` ends at this socket, as far as addresses tell; a socket of every address is met on loopback. */
export function leadsTo (host: string, port: number, socket: { address: string, port: number }): boolean {
  if (port !== socket.port) return false
  const [to, own] = [addressKey(host), addressKey(socket.address)]
  return to === own || (everything(own, to) && (to.startsWith('127.') || to === LOOPBACK_6))
}

const LOOPBACK_6 = '0:0:0:0:0:0:0:1'
const ANY_6 = '0:0:0:0:0:0:0:0'

function everything (wide: string, other: string): boolean {
  return wide === ANY_6 || (wide === '0.0.0.0' && !other.includes(':'))
}

/** One spelling of an address; what is none stays as it is. An IPv4 address inside an IPv6 one is itself. */
export function addressKey (address: string): string {
  if (!address.includes(':')) return address.toLowerCase()
  const dotted = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (dotted?.[1] !== undefined) return dotted[1]
  const [left = '', right] = address.toLowerCase().split('::')
  const groups = (text: string) => text === '' ? [] : text.split(':')
  const [head, tail] = [groups(left), groups(right ?? '')]
  const zeros = right === undefined ? [] : Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0')
  return [...head, ...zeros, ...tail].map(group => group.replace(/^0+(?=.)/, '')).join(':')
}
