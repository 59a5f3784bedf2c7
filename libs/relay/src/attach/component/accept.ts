/**
 * Components that come to us (XEP-0114): each is the server of one domain of ours. One stream for a domain: who knows the secret and comes again replaces the stream before it,
 * which is closed with `conflict`, so that a component whose machine went down is not locked out by what is left of its connection.
 */
import { BlockList, isIPv6 } from 'node:net'
import type { ZoneSpec } from '@dialtone/contracts'
import { listen, parseCidr, type Accepted, type Listening } from '@dialtone/net'
import { reportFault } from '../../faults.ts'
import type { Intake, Surroundings } from '../../seams.ts'
import { componentAttempts } from './metrics.ts'
import { acceptComponent, type Outcome } from './negotiate.ts'
import { ComponentStream, type StreamLimits } from './stream.ts'

export type AcceptLimits = StreamLimits & { negotiating: number, negotiatingPerAddress: number, handshakeMs: number }
export const ACCEPT_LIMITS = { negotiating: 100, negotiatingPerAddress: 20, handshakeMs: 10_000 }
export type AcceptSpec = { zone: string, listen: readonly { address: string, port: number }[], from: ZoneSpec['from'], secrets: ReadonlyMap<string, Buffer>, stanzaBytes: number }
export type Acceptor = {
  readonly listening: readonly { address: string, port: number }[]
  /** Live: places that stay stay open, streams of domains with the same secret go on. Rejects with an OperatorError, and then nothing has changed, where a place cannot be bound. */
  configure: (spec: AcceptSpec) => Promise<void>
  stop: () => Promise<void>
}
type Open = { key: string, listening: Listening }

export function createAcceptor (surroundings: Surroundings & { intake: Intake }, limits: AcceptLimits, hear: (stream: ComponentStream) => void, nextId: () => string): Acceptor {
  const { meter, random, logger, tell, intake } = surroundings
  const stopping = new AbortController()
  let spec: AcceptSpec | undefined
  let allowed: BlockList | undefined
  let open: readonly Open[] = []
  const negotiating = new Map<string, number>()
  let all = 0
  const streams = new Map<string, ComponentStream>()

  const count = (outcome: Outcome) => meter.add(componentAttempts, { zone: spec?.zone ?? '', mode: 'accept', outcome })
  const admit = (address: string): boolean => {
    if (allowed !== undefined && !allowed.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')) {
      count('stranger')
      return false
    }
    if (all < limits.negotiating && (negotiating.get(address) ?? 0) < limits.negotiatingPerAddress) return true
    count('limit')
    return false
  }
  const accepted = ({ connection, source, address }: Accepted) => {
    all++
    negotiating.set(address, (negotiating.get(address) ?? 0) + 1)
    let settling = true
    const settled = () => {
      if (!settling) return
      settling = false
      all--
      const left = (negotiating.get(address) ?? 1) - 1
      if (left === 0) negotiating.delete(address)
      else negotiating.set(address, left)
    }
    const id = Buffer.from(random.bytes(20)).toString('hex')
    acceptComponent({
      connection, id, timeoutMs: limits.handshakeMs, fault: error => reportFault(surroundings, 'component', error), secretOf: domain => spec?.secrets.get(domain),
      hear: {
        failed: (outcome, failure) => {
          settled()
          count(outcome)
          const says = 'detail' in failure && failure.detail !== undefined ? failure.detail : 'it left'
          tell({ on: 'stream-refused', zone: spec?.zone ?? '', remote: source, says: `a component was refused: ${says}`.slice(0, 400) })
        },
        ready: ({ domain, lang, reader }) => {
          settled()
          count('ready')
          const before = streams.get(domain)
          const stream = new ComponentStream({ id: nextId(), zone: spec?.zone ?? '', mode: 'accept', domain, remote: source, lang, connection, reader, surroundings, intake, limits, stanzaBytes: spec?.stanzaBytes ?? 0 })
          streams.set(domain, stream)
          before?.close('conflict', 'the component has come again')
          void stream.ended.finally(() => { if (streams.get(domain) === stream) streams.delete(domain) })
          logger.info({ zone: stream.zone, domain, remote: source, stream: stream.id }, before === undefined ? 'a component has come' : 'a component has come again and replaces its former stream')
          hear(stream)
          return { lost: failure => stream.lost(failure), drained: () => stream.taken(), settled: () => intake.settled(), fault: error => stream.fault(error) }
        },
      },
    })
  }

  return {
    get listening () { return open.map(({ listening: { address, port } }) => ({ address, port })) },
    configure: async next => {
      const fresh: Open[] = []
      try {
        for (const place of next.listen) {
          if (!open.some(({ key }) => key === keyOf(place))) fresh.push({ key: keyOf(place), listening: await listen({ ...place, admit, accepted, signal: stopping.signal }) })
        }
      } catch (error) {
        await Promise.all(fresh.map(({ listening }) => listening.close()))
        throw error
      }
      const known = [...open, ...fresh]
      const gone = open.filter(({ key }) => !next.listen.some(place => keyOf(place) === key))
      open = next.listen.flatMap(place => known.find(({ key }) => key === keyOf(place)) ?? [])
      allowed = next.from === undefined ? undefined : blocksOf(next.from)
      for (const [domain, stream] of streams) {
        const secret = next.secrets.get(domain)
        const before = spec?.secrets.get(domain)
        if (secret === undefined) stream.close('host-gone', 'this component is not configured any more')
        else if (before?.equals(secret) !== true) stream.close('not-authorized', 'the secret has changed')
      }
      spec = next
      // A server counts as closed only when its connections have ended: nobody waits for that.
      for (const { listening } of gone) void listening.close()
    },
    stop: async () => {
      const closed = open.map(({ listening }) => listening.close())
      open = []
      stopping.abort()
      await Promise.all(closed)
    },
  }
}

function keyOf ({ address, port }: { address: string, port: number }): string {
  return `${address} ${port}`
}

function blocksOf (blocks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const block of blocks) {
    const { address, prefix, family } = parseCidr(block)
    list.addSubnet(address, prefix, family)
  }
  return list
}
