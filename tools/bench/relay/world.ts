// Where a relay bench takes place: one network namespace with a loopback of its own, in which the outside domains, the program under test
// and the inside each have an address, and a DNS that leads to the outside.
import { join } from 'node:path'
import { createNetwork, startKnot, startUnbound, type NetworkHost, type RunningServer } from '@dialtone/testkit'
import { ADDRESSES, OUTSIDE, domainOf } from './names.ts'
import type { OutsideErrands } from './outside.ts'
import type { PipeErrands } from './pipe.ts'
import { startHelper, type Helper } from './remote.ts'
import type { SinkErrands } from './sink.ts'

export type World = {
  host: NetworkHost
  startOutside: () => Helper<OutsideErrands>
  startPipe: () => Helper<PipeErrands>
  startSink: () => Helper<SinkErrands>
  stop: () => Promise<void>
}

/** Needs root, and the packages of the tests. Publishes so many outside domains. */
export async function startWorld ({ pairs }: { pairs: number }): Promise<World> {
  const network = await createNetwork({ hosts: [{ name: 'machine', addresses: [ADDRESSES.program, ADDRESSES.gate, ADDRESSES.outside, ADDRESSES.inside, ADDRESSES.resolver], resolver: ADDRESSES.resolver }] })
  const running: RunningServer[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(running.map(server => server.stop()))
    await network.remove()
  }
  try {
    const host = network.host('machine')
    const { namespace } = host
    const records = Array.from({ length: pairs }, (_, pair) => `_xmpp-server._tcp.${domainOf(pair)}. SRV 0 5 5269 xmpp`)
    const knot = await startKnot({ zones: [{ name: '.', records: [] }, { name: OUTSIDE, records: [...records, `xmpp A ${ADDRESSES.outside}`] }], address: '127.0.0.1', port: 5300, namespace })
    running.push(knot)
    running.push(await startUnbound({ stubs: knot.zones.map(zone => ({ zone, address: '127.0.0.1', port: 5300 })), address: ADDRESSES.resolver, port: 53, namespace }))
    return {
      host, stop,
      startOutside: () => startHelper<OutsideErrands>(host, join(import.meta.dirname, 'outside.ts')),
      startPipe: () => startHelper<PipeErrands>(host, join(import.meta.dirname, 'pipe.ts')),
      startSink: () => startHelper<SinkErrands>(host, join(import.meta.dirname, 'sink.ts')),
    }
  } catch (error) {
    await stop()
    throw error
  }
}
