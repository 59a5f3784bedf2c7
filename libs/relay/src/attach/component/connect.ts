/**
 * We come to an inside server as the component of a foreign domain (XEP-0114), and come again whenever the stream has ended, after a pause that grows from one second to a
 * minute. A stream that lived longer than that pause begins at one second again.
 */
import { isIP, isIPv6 } from 'node:net'
import type { Failure } from '@dialtone/contracts'
import { connect } from '@dialtone/net'
import { reportFault } from '../../faults.ts'
import type { Intake, Surroundings, Zone } from '../../seams.ts'
import { componentAttempts } from './metrics.ts'
import { offerComponent, type Outcome } from './negotiate.ts'
import { ComponentStream, type StreamLimits } from './stream.ts'

export type ConnectLimits = StreamLimits & { tcpMs: number, dnsMs: number, handshakeMs: number, firstMs: number, mostMs: number }
export const CONNECT_LIMITS = { tcpMs: 10_000, dnsMs: 10_000, handshakeMs: 15_000, firstMs: 1000, mostMs: 60_000 }
export type ConnectSpec = { zone: Zone, domain: string, to: { host: string, port: number }, secret: Buffer, stanzaBytes: number }
/** Of a name, so many addresses are tried. */
const MOST_ADDRESSES = 8

export type Connector = {
  readonly spec: ConnectSpec
  readonly state: 'connecting' | 'ready' | 'waiting' | 'stopped'
  /** Why the last attempt did not come through; undefined while there is a stream. */
  readonly failure: string | undefined
  /** Not before the pause is over, but now. */
  retry: () => void
  /** No new stream; the one that there is is closed. Resolves when it has ended. */
  stop: () => Promise<void>
}

export function startConnector (spec: ConnectSpec, surroundings: Surroundings & { intake: Intake }, limits: ConnectLimits, hear: (stream: ComponentStream) => void, nextId: () => string): Connector {
  const { clock, random, meter, logger, intake } = surroundings
  const { zone, domain, to } = spec
  const ending = new AbortController()
  let state: Connector['state'] = 'connecting'
  let failure: string | undefined
  let stream: ComponentStream | undefined
  let wake: () => void = () => undefined

  const run = async (): Promise<void> => {
    let pauseMs = limits.firstMs
    while (!ending.signal.aborted) {
      state = 'connecting'
      const began = clock.elapsed()
      const came = await attempt()
      if (came instanceof ComponentStream) {
        stream = came
        state = 'ready'
        failure = undefined
        logger.info({ zone: zone.name, domain, stream: came.id }, 'we are the component of a foreign domain')
        const { because } = await came.ended
        stream = undefined
        failure = because === undefined ? 'the server has ended the stream' : saysOf(because)
        if (clock.elapsed() - began > pauseMs) pauseMs = limits.firstMs
      } else if (failure !== came) {
        failure = came
        logger.warn({ zone: zone.name, domain, to: `${to.host}:${to.port}`, failure }, 'we cannot be the component of a foreign domain')
      }
      if (ending.signal.aborted) break
      state = 'waiting'
      await pause(pauseMs * (0.5 + (random.bytes(1)[0] as number) / 512))
      pauseMs = Math.min(limits.mostMs, 2 * pauseMs)
    }
    state = 'stopped'
  }
  const pause = (ms: number): Promise<void> => new Promise(resolve => {
    if (ending.signal.aborted) return resolve()
    const timer = setTimeout(() => wake(), ms)
    wake = () => {
      clearTimeout(timer)
      wake = () => undefined
      resolve()
    }
  })
  const count = (outcome: Outcome) => meter.add(componentAttempts, { zone: zone.name, mode: 'connect', outcome })

  /** The stream, or in words why there is none. */
  const attempt = async (): Promise<ComponentStream | string> => {
    const addresses = await addressesOf(zone, to.host, AbortSignal.any([ending.signal, AbortSignal.timeout(limits.dnsMs)]))
    let last = `the name ${to.host} has no address`
    for (const address of addresses) {
      if (ending.signal.aborted) break
      const connected = await connect({ address, port: to.port, allowNets: zone.allowNets, timeoutMs: limits.tcpMs, signal: closing.signal, ...(zone.spec.sourceAddress === undefined ? {} : { sourceAddress: zone.spec.sourceAddress }) })
        .catch(() => ({ failure: { at: 'probe', why: 'cancelled' } as Failure }))
      if ('failure' in connected) {
        last = `${shown(address, to.port)}: ${saysOf(connected.failure)}`
        continue
      }
      const { connection } = connected
      const got = await new Promise<ComponentStream | string>(resolve => {
        offerComponent({
          connection, domain, secret: spec.secret, timeoutMs: limits.handshakeMs, fault: error => reportFault(surroundings, 'component', error),
          hear: {
            failed: (outcome, why) => {
              count(outcome)
              resolve(`${shown(address, to.port)}: ${saysOf(why)}`)
            },
            ready: ({ lang, reader }) => {
              count('ready')
              const made = new ComponentStream({ id: nextId(), zone: zone.name, mode: 'connect', domain, remote: shown(address, to.port), lang, connection, reader, surroundings, intake, limits, stanzaBytes: spec.stanzaBytes })
              stream = made
              hear(made)
              resolve(made)
              return { lost: lost => made.lost(lost), drained: () => made.taken(), settled: () => intake.settled(), fault: error => made.fault(error) }
            },
          },
        })
      })
      if (typeof got !== 'string') return got
      last = got
    }
    if (!ending.signal.aborted) count('unreachable')
    return last
  }
  /** Ends connections; later than `ending`, which only begins to end. */
  const closing = new AbortController()
  const running = run()

  return {
    spec,
    get state () { return state },
    get failure () { return failure },
    retry: () => wake(),
    stop: async () => {
      ending.abort()
      wake()
      if (stream === undefined) closing.abort()
      else stream.close()
      await stream?.ended
      closing.abort()
      await running
    },
  }
}

async function addressesOf (zone: Zone, host: string, signal: AbortSignal): Promise<string[]> {
  if (isIP(host) !== 0) return [host]
  try {
    const replies = await Promise.all((['A', 'AAAA'] as const).map(type => zone.resolver.ask({ name: host, type }, signal)))
    return replies.flatMap(({ answer }) => answer.records).flatMap(record => 'address' in record ? [record.address] : []).slice(0, MOST_ADDRESSES)
  } catch {
    return []
  }
}

function saysOf (failure: Failure): string {
  return ('detail' in failure && failure.detail !== undefined ? failure.detail : `${failure.at}: ${failure.why}`).slice(0, 300)
}

function shown (address: string, port: number): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`
}
