/** What the machine itself says about its way out: addresses of its interfaces and default routes. */
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

/** A family can be used when an interface has an address of it that reaches further than the link. */
export type Standing = {
  readonly addresses: readonly string[]
  readonly usable: readonly (4 | 6)[]
  /** Families with a default route; absent where the system does not tell. */
  readonly routed?: readonly (4 | 6)[]
}

export function readStanding (): Standing {
  const all = Object.values(networkInterfaces()).flatMap(each => each ?? [])
  const outward = all.filter(({ internal, address, family }) => !internal && !(family === 'IPv6' ? /^fe[89ab]/i.test(address) : address.startsWith('169.254.')))
  const usable = ([4, 6] as const).filter(family => outward.some(each => each.family === `IPv${family}`))
  const routed = routes()
  return { addresses: all.map(({ address }) => address), usable, ...(routed === undefined ? {} : { routed }) }
}

/** Compared with how it was at the start: what is certain to be gone, in one sentence; nothing where there was nothing. */
export function lost (atStart: Standing, now: Standing, sourceAddress?: string): string | undefined {
  if (sourceAddress !== undefined && !now.addresses.includes(sourceAddress)) return `the source address ${sourceAddress} is on no interface of this machine`
  if (atStart.usable.length > 0 && now.usable.length === 0) return 'no interface has an address any more'
  if (atStart.routed !== undefined && atStart.routed.length > 0 && now.routed?.length === 0) return 'there is no default route any more'
  return undefined
}

/** Linux: destination and mask of zero in its tables; not those through the loopback, which are how IPv6 says that there is none. */
function routes (): (4 | 6)[] | undefined {
  try {
    const v4 = lines('/proc/net/route').some(fields => fields[1] === '00000000' && fields[7] === '00000000')
    const v6 = lines('/proc/net/ipv6_route').some(fields => /^0+$/.test(fields[0] ?? '') && fields[1] === '00' && fields.at(-1) !== 'lo')
    return [...(v4 ? [4] as const : []), ...(v6 ? [6] as const : [])]
  } catch {
    return undefined
  }
}

function lines (file: string): string[][] {
  return readFileSync(file, 'utf8').split('\n').map(line => line.trim().split(/\s+/))
}
