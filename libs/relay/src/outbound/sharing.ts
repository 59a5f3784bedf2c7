/**
 * Several pairs on one stream to the same server (XEP-0220 §2.6.1, gateways.md 5.4 "Multiplexing"), towards servers of ours alone: of those that are wanted at once the first
 * opens the stream, and the others are authenticated on it, where the peer can refuse one without closing it (dialback errors). What it refuses there gets a stream of its own.
 */
import type { DialRequest } from '../seams.ts'
import type { Lost } from './failures.ts'
import type { Stream } from './out-stream.ts'

export type Opened = { won: Stream } | { lost: Lost, cancelled?: true }
export type Sharing = {
  /** A stream that is shared, or what `open` gives. `joined`: it is that of others, too, and not to be closed by whoever does not want it any more. */
  open: (request: DialRequest, open: () => Promise<Opened>) => Promise<Opened & { joined?: true }>
}

/** Pairs that one stream is given in its life: what breaks it is felt by no more. */
const MOST = 256
/** A stream that another waits for to be opened. */
const WAIT_MS = 5000

type Group = { rules: string, pairs: number, opening: Promise<Stream | undefined> }

export function createSharing (most = MOST): Sharing {
  const groups = new Map<string, Group>()

  return {
    open: async (request, open) => {
      const { zone, pair, lang = '', leg, hops, allowNets, signal } = request
      if (zone.side !== 'internal') return await open()
      const key = `${zone.name} ${pair.to} ${lang}`
      const rules = JSON.stringify([leg, hops, allowNets, zone.secretPrint])
      const known = groups.get(key)
      if (known !== undefined && known.rules === rules && known.pairs < most) {
        known.pairs++
        const stream = await soon(known.opening)
        if (stream !== undefined && await stream.authorise(pair, signal)) return { won: stream, joined: true }
        return await open()
      }
      const opened = open()
      const group: Group = { rules, pairs: 1, opening: opened.then(result => 'won' in result && result.won.carriesMore ? result.won : undefined) }
      groups.set(key, group)
      void untilItEnds(key, group)
      return await opened
    },
  }

  async function untilItEnds (key: string, group: Group): Promise<void> {
    await (await group.opening)?.ended
    if (groups.get(key) === group) groups.delete(key)
  }
}

async function soon (opening: Promise<Stream | undefined>): Promise<Stream | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => late.resolve(undefined), WAIT_MS)
  const stream = await Promise.race([opening, late.promise])
  clearTimeout(timer)
  return stream
}
