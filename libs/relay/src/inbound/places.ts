/** Where the gateway listens: what the zones name is opened, what they name no more is closed, what stays is not touched. One place is opened once, whichever zone has it. */
import type { EndpointKind } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'
import { listen, withinNets, type Accepted, type Listening } from '@dialtone/net'
import type { ConfigurationProblem, World, Zone } from '../seams.ts'

/** What a place is for, at this moment. */
export type Meaning = { zone: string, kind: EndpointKind, proxied: boolean }
export type PlaceView = { zone: string, address: string, port: number, kind: EndpointKind, open: boolean }
export type Places = {
  /** Opens and closes; with a problem nothing has changed. */
  follow: (world: World, open: (zone: Zone) => boolean) => Promise<readonly ConfigurationProblem[]>
  /** Closes those of a zone, or all. */
  close: (zone?: string) => Promise<void>
  views: () => PlaceView[]
}

type Place = { address: string, asked: number, meaning: Meaning, listening: Listening | undefined }
type Wanted = { id: string, address: string, port: number, meaning: Meaning, pointer: string }

export type Takes = {
  admit: (zone: string, address: string) => boolean
  accepted: (meaning: Meaning, accepted: Accepted) => void
  mayProxy: (zone: string, address: string) => boolean
  refusedProxy: (zone: string, address: string, why: string) => void
  signal: AbortSignal
}

export function createPlaces (takes: Takes): Places {
  const places = new Map<string, Place>()

  const opened = async ({ address, port, meaning }: Wanted): Promise<Place> => {
    const place: Place = { address, asked: port, meaning, listening: undefined }
    place.listening = await listen({
      address, port, signal: takes.signal,
      admit: from => takes.admit(place.meaning.zone, from),
      accepted: each => takes.accepted(place.meaning, each),
      proxied: () => {
        const { zone, proxied } = place.meaning
        return proxied ? { mayProxy: from => takes.mayProxy(zone, from), refused: (from, why) => takes.refusedProxy(zone, from, why) } : undefined
      },
    })
    return place
  }
  const closed = async (place: Place) => {
    const { listening } = place
    place.listening = undefined
    await listening?.close()
  }

  return {
    follow: async (world, open) => {
      const wanted = wantedOf(world, open)
      const problems: ConfigurationProblem[] = []
      const fresh = new Map<string, Place>()
      for (const each of wanted) {
        if (places.get(each.id)?.listening !== undefined) continue
        try {
          fresh.set(each.id, await opened(each))
        } catch (error) {
          if (!(error instanceof OperatorError)) throw error
          problems.push({ pointer: each.pointer, says: error.message.replace(', or name another with --listen', ', or name another') })
        }
      }
      if (problems.length > 0) {
        await Promise.all([...fresh.values()].map(closed))
        return problems
      }
      for (const [id, place] of fresh) places.set(id, place)
      for (const { id, meaning } of wanted) (places.get(id) as Place).meaning = meaning
      const ids = new Set(wanted.map(({ id }) => id))
      const over = [...places].filter(([id]) => !ids.has(id))
      for (const [id] of over) places.delete(id)
      // Not waited for: a listener is closed when the last connection that it took is.
      for (const [, place] of over) void closed(place)
      return []
    },
    close: async zone => {
      for (const place of places.values()) if (zone === undefined || place.meaning.zone === zone) void closed(place)
      await Promise.resolve()
    },
    views: () => [...places.values()].map(({ address, asked, meaning: { zone, kind }, listening }) => ({ zone, address, port: listening?.port ?? asked, kind, open: listening !== undefined })),
  }
}

function wantedOf (world: World, open: (zone: Zone) => boolean): Wanted[] {
  const wanted: Wanted[] = []
  for (const [at, spec] of (world.assignment.spec.zones ?? []).entries()) {
    const zone = world.zones.get(spec.name)
    if (zone === undefined || !open(zone)) continue
    for (const [nth, { address, port, kind = 'starttls', proxyProtocol = false }] of spec.listen.entries()) {
      // A port that the system chooses is another one each time.
      const id = port === 0 ? `${spec.name} ${address} ${nth}` : `${address} ${port}`
      wanted.push({ id, address, port, meaning: { zone: spec.name, kind, proxied: proxyProtocol }, pointer: `/spec/zones/${at}/listen/${nth}` })
    }
  }
  return wanted
}

const nets = new WeakMap<readonly string[], (address: string) => boolean>()

/** Whether a zone's configuration lets this address send PROXY headers; nobody where it names none. */
export function isProxy (zone: Zone | undefined, address: string): boolean {
  const proxies = zone?.spec.proxies
  if (proxies === undefined) return false
  let within = nets.get(proxies)
  if (within === undefined) nets.set(proxies, within = withinNets(proxies))
  return within(address)
}
