// All that answers for names: the public servers, the public resolver, and the resolver inside, which asks the public servers through the firewall.
import { makeFolder, startKnot, startUnbound, type Knot, type NetworkHost, type RunningServer } from '@dialtone/testkit'
import { setTimeout as pause } from 'node:timers/promises'
import { layer, type Layer } from './layer.ts'
import { PUBLISHED, RESOLVERS } from './places.ts'
import type { Undo } from './undo.ts'
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
  publish: (by: string, zone: string, records: readonly string[]) => Promise<Undo>
  /** The public servers and the public resolver; `false`: none of them is there. */
  outside: Layer<boolean>
  /** What the resolver inside answers by itself. */
  inside: Layer<View>
  /** What the signed zones are signed with: the keys that both resolvers trust, or others. There is no zone above them. */
  keys: Layer<'trusted' | 'new'>
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
  const published = new Map(Object.entries(ZONES).map(([zone, records]) => [zone, layer(records, async current => {
    await knot?.publish(zone, current)
    changed()
  })]))
  let knot: Knot | undefined
  const startPublic = async (): Promise<void> => {
    knot = keep('knot', await startKnot({ zones: [{ name: '.', records: [] }, ...[...published].map(([name, zone]) => ({ name, records: zone.current() }))], address: PUBLISHED.zones, port: 53, namespace: dns.namespace }))
  }
  const folders = { trusted: makeFolder('keys'), new: makeFolder('keys') }
  const startSigned = async (): Promise<readonly string[]> =>
    keep('signed', await startKnot({ zones: Object.entries(SIGNED).map(([name, records]) => ({ name, records, signed: true })), keys: folders[keys.current()].path, address: PUBLISHED.signed, port: 53, namespace: dns.namespace })).anchors
  let anchors: readonly string[] = []
  const startResolver = async (which: 'inside' | 'outside', { own = {} }: View = {}): Promise<void> => {
    keep(which, await startUnbound({ stubs: STUBS, anchors, own, address: RESOLVERS[which], port: 53, namespace: (which === 'inside' ? resolver : dns).namespace }))
  }
  /** Anew: what could not be validated is remembered for a minute. */
  const startResolvers = async (): Promise<void> => {
    await end('outside', 'inside')
    await Promise.all([startResolver('outside'), ...(inside.current().down === true ? [] : [startResolver('inside', inside.current())])])
  }
  const outside = layer(true, async there => {
    await end('knot', 'signed', 'outside')
    knot = undefined
    if (!there) return
    await Promise.all([startSigned(), startPublic()])
    await startResolvers()
  })
  const inside = layer<View>({}, async view => {
    await end('inside')
    if (view.down !== true) await startResolver('inside', view)
  })
  const keys = layer<'trusted' | 'new'>('trusted', async which => {
    if (!outside.current()) return
    await end('signed')
    await startSigned()
    if (which === 'trusted') await startResolvers()
  })

  const stop = async (): Promise<void> => {
    await end(...running.keys())
    for (const folder of Object.values(folders)) folder.remove()
  }
  try {
    ;[anchors] = await Promise.all([startSigned(), startPublic()])
    await Promise.all([startResolver('outside'), startResolver('inside')])
  } catch (error) {
    await stop()
    throw error
  }
  return {
    outside, inside, keys, stop,
    forgotten: async () => { await pause(Math.max(0, changedAt + REMEMBERED_MS - performance.now())) },
    publish: async (by, zone, records) => {
      const found = published.get(zone)
      if (found === undefined) throw new Error(`no zone of the lab that can be changed is called '${zone}'`)
      return await found.lay(by, records)
    },
  }
}
