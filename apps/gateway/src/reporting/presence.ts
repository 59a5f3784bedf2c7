/** Says every period how the gateway is, and at once when something about it has changed; takes its word back when it ends. */
import type { Bus, Documents, GatewayPresence } from '@dialtone/contracts'
import { GatewayPresenceDocument, PRESENCE_PERIOD_SECONDS } from '@dialtone/contracts/schemas'
import type { Logger, Stoppable } from '@dialtone/kernel'

const LAST_MS = 1000

export function reportPresence ({ bus, gateway, own, logger, periodMs = 1000 * PRESENCE_PERIOD_SECONDS }: { bus: Bus, gateway: string, own: () => GatewayPresence, logger: Logger, periodMs?: number }): Stoppable & { say: () => void } {
  let documents: Promise<Documents<GatewayPresence>> | undefined
  let writing: Promise<void> | undefined
  const write = async () => {
    documents ??= bus.documents(GatewayPresenceDocument, { create: false })
    try {
      await (await documents).put(gateway, own())
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
    stop: async () => {
      clearInterval(timer)
      forget()
      if (!bus.connected) return
      const given = new Promise<void>(resolve => { setTimeout(resolve, LAST_MS).unref() })
      await Promise.race([given, (async () => {
        await writing
        await (await documents)?.remove(gateway)
      })().catch(() => undefined)])
    },
  }
}
