/**
 * Says every period how the gateway is, and at once when something about it has changed; takes its word back when it ends. One name is one process: before it speaks again it looks
 * whether another has spoken under its name meanwhile, and what another says is never taken away.
 */
import type { Bus, Documents, GatewayPresence } from '@dialtone/contracts'
import { GatewayPresenceDocument, PRESENCE_PERIOD_SECONDS } from '@dialtone/contracts/schemas'
import { OperatorError, type Logger, type Stoppable } from '@dialtone/kernel'

const LAST_MS = 1000
/** Looks that find nobody else until that is believed: with two who speak, each look finds the other but for the last one before its word. */
const ALONE_LOOKS = 3

export type Presence = Stoppable & {
  /** Says it now. */
  say: () => void
  /** Another process speaks under this name. */
  readonly doubled: boolean
}

export type PresenceOptions = { bus: Bus, gateway: string, /** Of this process, and in what it says. */ startedAt: string, own: () => GatewayPresence, logger: Logger, periodMs?: number }

export function reportPresence ({ bus, gateway, startedAt, own, logger, periodMs = 1000 * PRESENCE_PERIOD_SECONDS }: PresenceOptions): Presence {
  let documents: Promise<Documents<GatewayPresence>> | undefined
  let writing: Promise<void> | undefined
  /** Of our last word. */
  let revision: number | undefined
  let mayLook = true
  let alone = ALONE_LOOKS

  /** What was there before our first word may be of the process before this one. */
  const look = async (bucket: Documents<GatewayPresence>): Promise<void> => {
    if (revision === undefined || !mayLook) return
    try {
      const other = (await bucket.get(gateway))?.document
      const was = alone
      alone = other === undefined || other.startedAt === startedAt ? Math.min(ALONE_LOOKS, alone + 1) : 0
      if (alone === 0 && was >= ALONE_LOOKS) logger.error({ gateway, startedAt, other: other?.startedAt }, 'another process speaks under the name of this gateway: stop one of them, or give it a name and a resource of its own')
      if (alone >= ALONE_LOOKS && was < ALONE_LOOKS) logger.info({ gateway }, 'no other process speaks under the name of this gateway any more')
    } catch (error) {
      // A server whose users were written by an earlier release.
      if (error instanceof OperatorError && error.code === 'not-allowed') mayLook = false
      logger.debug({ error: String(error) }, 'whether another process speaks under this name could not be seen')
    }
  }
  const write = async () => {
    documents ??= bus.documents(GatewayPresenceDocument, { create: false })
    try {
      const bucket = await documents
      await look(bucket)
      revision = await bucket.put(gateway, own())
    } catch (error) {
      documents = undefined
      logger.debug({ error: String(error) }, 'presence could not be said')
    }
  }
  const say = () => { if (bus.connected) writing ??= write().finally(() => { writing = undefined }) }
  const timer = setInterval(say, periodMs)
  const forget = bus.onConnection(connected => { if (connected) say() })
  say()
  return {
    say,
    get doubled () { return alone < ALONE_LOOKS },
    stop: async () => {
      clearInterval(timer)
      forget()
      if (!bus.connected) return
      const given = new Promise<void>(resolve => { setTimeout(resolve, LAST_MS).unref() })
      await Promise.race([given, (async () => {
        await writing
        if (revision !== undefined) await (await documents)?.remove(gateway, { expect: revision })
      })().catch(() => undefined)])
    },
  }
}
