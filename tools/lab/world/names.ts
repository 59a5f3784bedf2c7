// All that answers for names: the public servers, the public resolver, and the resolver inside, which asks the public servers through the firewall.
import { startKnot, startUnbound, type Knot, type NetworkHost, type RunningServer } from '@dialtone/testkit'
import { setTimeout as pause } from 'node:timers/promises'
import { layers, type Layers } from './layers.ts'
import { PUBLISHED, RESOLVERS } from './places.ts'
import { LAME, SIGNED, ZONES } from './zones.ts'

/** A resolver keeps nothing longer than a second, and a server nothing longer than a second that it has from a resolver. */
const REMEMBERED_MS = 2200

/** Which server knows a zone. */
export const STUBS = [
  ...['.', ...Object.keys(ZONES)].map(zone => ({ zone, address: PUBLISHED.zones, port: 53 })),
  ...[...Object.keys(SIGNED), LAME].map(zone => ({ zone, address: PUBLISHED.signed, port: 53 })),
]

/** How a resolver differs from what is published; `down`: it is not there. */
export type View = { own?: Readonly<Record<string, readonly string[]>>, down?: true }

export type Names = {
  /** What is published in a zone that is not signed. */
  publish: (zone: string, records: readonly string[]) => Promise<() => Promise<void>>
  /** The public servers and the public resolver; `false`: none of them is there. */
  outside: Layers<boolean>
  /** What the resolver inside answers by itself. */
  inside: Layers<View>
  /** Signs the signed zones with other keys, which no resolver knows; undone, the resolvers are given the keys. */
  resign: () => Promise<() => Promise<void>>
  /** When nobody remembers what was before the last change. */
  forgotten: () => Promise<void>
  stop: () => Promise<void>
}

/** Starts them; ready when each answers. */
export async function startNames (dns: NetworkHost, resolver: NetworkHost): Promise<Names> {
  const running = new Map<string, RunningServer>()
  let changedAt = -REMEMBERED_MS
  const changed = (): void => { changedAt = performance.now() }
  const keep = <S extends RunningServer>(name: string, server: S): S => {
    running.set(name, server)
    changed()
    return server
  }
  const end = async (...names: readonly string[]): Promise<void> => {
    changed()
    await Promise.all(names.map(async name => { await running.get(name)?.stop() }))
  }
  const published = new Map(Object.entries(ZONES).map(([zone, records]) => [zone, layers(records, async current => {
    await knot?.publish(zone, current)
    changed()
  })]))
  let knot: Knot | undefined
  const startPublic = async (): Promise<void> => {
    knot = keep('knot', await startKnot({ zones: [{ name: '.', records: [] }, ...[...published].map(([name, zone]) => ({ name, records: zone.current() }))], address: PUBLISHED.zones, port: 53, namespace: dns.namespace }))
  }
  const startSigned = async (): Promise<readonly string[]> =>
    keep('signed', await startKnot({ zones: Object.entries(SIGNED).map(([name, records]) => ({ name, records, signed: true })), address: PUBLISHED.signed, port: 53, namespace: dns.namespace })).anchors
  let anchors: readonly string[] = []
  const startResolver = async (which: 'inside' | 'outside', { own = {} }: View = {}): Promise<void> => {
    keep(which, await startUnbound({ stubs: STUBS, anchors, own, address: RESOLVERS[which], port: 53, namespace: (which === 'inside' ? resolver : dns).namespace }))
  }
  const outside = layers(true, async there => {
    await end('knot', 'signed', 'outside')
    knot = undefined
    if (!there) return
    ;[anchors] = await Promise.all([startSigned(), startPublic()])
    // The keys are new with the server.
    await end('inside')
    await Promise.all([startResolver('outside'), ...(inside.current().down === true ? [] : [startResolver('inside', inside.current())])])
  })
  const inside = layers<View>({}, async view => {
    await end('inside')
    if (view.down !== true) await startResolver('inside', view)
  })

  const stop = async (): Promise<void> => { await end(...running.keys()) }
  try {
    ;[anchors] = await Promise.all([startSigned(), startPublic()])
    await Promise.all([startResolver('outside'), startResolver('inside')])
  } catch (error) {
    await stop()
    throw error
  }
  return {
    outside, inside, stop,
    forgotten: async () => { await pause(Math.max(0, changedAt + REMEMBERED_MS - performance.now())) },
    publish: async (zone, records) => {
      const found = published.get(zone)
      if (found === undefined) throw new Error(`no zone of the lab that can be changed is called '${zone}'`)
      return await found.lay(records)
    },
    resign: async () => {
      await end('signed')
      const known = await startSigned()
      return async () => {
        anchors = known
        await end('outside', 'inside')
        await Promise.all([...(outside.current() ? [startResolver('outside')] : []), ...(inside.current().down === true ? [] : [startResolver('inside', inside.current())])])
      }
    },
  }
}
