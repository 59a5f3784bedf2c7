// The whole of DNS for a test: Knot with its zones and a root, Unbound in front of it.
import type { Place } from './loopback.ts'
import { startKnot, type Zone } from './knot.ts'
import { startUnbound } from './unbound.ts'

export type TestDns = {
  /** The resolver to ask. */
  resolver: Place
  logs: () => string
  logged: (pattern: RegExp) => Promise<string>
  startedInMs: number
  stop: () => Promise<void>
}

export type DnsOptions = {
  zones: readonly Zone[]
  /** Zones, of the signed ones, that the resolver is given a wrong trust anchor for: it answers SERVFAIL. */
  bogus?: readonly string[]
}

/** A resolver that knows these zones, an empty root, and that nothing else exists. */
export async function startDns ({ zones, bogus = [] }: DnsOptions): Promise<TestDns> {
  const began = performance.now()
  const knot = await startKnot({ zones: [{ name: '.', records: [] }, ...zones] })
  try {
    const anchors = knot.anchors.map(anchor => bogus.some(name => anchor.startsWith(`${name}. `)) ? spoiled(anchor) : anchor)
    const stubs = knot.zones.map(zone => ({ zone, address: knot.address, port: knot.port }))
    const unbound = await startUnbound({ stubs, anchors })
    return {
      resolver: { address: unbound.address, port: unbound.port },
      logs: () => unbound.logs() + knot.logs(),
      logged: pattern => unbound.logged(pattern),
      startedInMs: performance.now() - began,
      stop: async () => {
        await Promise.all([unbound.stop(), knot.stop()])
      },
    }
  } catch (error) {
    await knot.stop()
    throw error
  }
}

/** The same DS record with another digest: it fits no key. */
function spoiled (anchor: string): string {
  return anchor.replace(/[0-9a-f]$/i, digit => digit === '0' ? '1' : '0')
}
