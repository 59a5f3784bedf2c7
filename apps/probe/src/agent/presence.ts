/**
 * Who is there: this agent says every period how it is, and hears the others of its vantage. One that has said nothing for two periods is gone, and its
 * work is shared. While the bus is away nobody is known to be gone: the last that were seen stay, until all have had time to speak again.
 */
import type { AgentPresence, Bus, Documents } from '@dialtone/contracts'
import { PRESENCE_PERIOD_SECONDS, PresenceDocument } from '@dialtone/contracts/schemas'
import type { Clock, Logger, Stoppable } from '@dialtone/kernel'
import { watchForEver } from '@dialtone/bus'

export type Presence = Stoppable & {
  /** Agents of this vantage, this one among them, sorted. */
  members: () => string[]
  /** Those of the others that hold the listener of the probe domain. */
  listeners: () => string[]
  /** Another process speaks under the name of this one. */
  readonly doubled: boolean
  /** Resolves when the others have been seen, or cannot be seen now. */
  readonly settled: Promise<void>
  /** Says it now. */
  say: () => void
}

export type PresenceOptions = { bus: Bus, vantage: string, agent: string, startedAt: string, clock: Clock, logger: Logger, own: () => AgentPresence, /** Who is there, or who listens, has changed. */ changed: () => void, /** What another of this vantage says of itself. */ heard?: (other: AgentPresence) => void, periodMs?: number }

const SETTLE_MS = 3000

export function createPresence ({ bus, vantage, agent, startedAt, clock, logger, own, changed, heard = () => undefined, periodMs = 1000 * PRESENCE_PERIOD_SECONDS }: PresenceOptions): Presence {
  const prefix = `agent.${vantage}.`
  const others = new Map<string, { listens: boolean }>()
  const leaving = new Set<string>()
  let connectedAt = bus.connected ? -Infinity : Infinity
  let documents: Promise<Documents<AgentPresence>> | undefined
  let doubled = false
  let settle: () => void = () => undefined
  const settled = new Promise<void>(resolve => { settle = resolve })
  if (!bus.connected) settle()
  const impatient = setTimeout(settle, SETTLE_MS)

  const forgetConnection = bus.onConnection(connected => {
    connectedAt = connected ? clock.elapsed() : Infinity
    if (connected) say()
  })
  /** All have had time to say that they are there. */
  const hears = () => bus.connected && clock.elapsed() - connectedAt >= 2 * periodMs
  const leave = (name: string) => {
    leaving.delete(name)
    if (!others.delete(name)) return
    logger.info({ vantage, agent: name }, 'an agent of this vantage is gone; its work is shared')
    changed()
  }
  const watching = watchForEver(bus, PresenceDocument, change => {
    if (change.on === 'ready') { settle(); return }
    if (!change.key.startsWith(prefix)) return
    const name = change.key.slice(prefix.length)
    if (name === agent) {
      if (change.on === 'put' && change.document.startedAt > startedAt) doubled = true
      return
    }
    if (change.on === 'removed') {
      if (hears()) leave(name)
      else leaving.add(name)
      return
    }
    leaving.delete(name)
    heard(change.document)
    const listens = change.document.listener !== undefined
    const known = others.get(name)
    if (known?.listens === listens) return
    others.set(name, { listens })
    if (known === undefined) logger.info({ vantage, agent: name }, 'an agent of this vantage is there; work is shared with it')
    changed()
  }, logger)

  const write = async () => {
    documents ??= bus.documents(PresenceDocument, { create: false })
    try {
      await (await documents).put(`${prefix}${agent}`, own())
    } catch (error) {
      documents = undefined
      logger.debug({ error: String(error) }, 'presence could not be said')
    }
  }
  let writing: Promise<void> | undefined
  const say = () => { if (bus.connected) writing ??= write().finally(() => { writing = undefined }) }
  const timer = setInterval(() => {
    say()
    if (hears()) for (const name of leaving) leave(name)
  }, periodMs)
  say()

  return {
    members: () => [...others.keys(), agent].sort(),
    listeners: () => [...others].filter(([, { listens }]) => listens).map(([name]) => name),
    get doubled () { return doubled },
    settled,
    say,
    stop: async () => {
      clearInterval(timer)
      clearTimeout(impatient)
      settle()
      forgetConnection()
      await watching.stop()
      // So that the others take over at once.
      if (bus.connected) {
        const given = new Promise<void>(resolve => { setTimeout(resolve, 1000).unref() })
        await Promise.race([given, (async () => {
          await writing
          await (await documents)?.remove(`${prefix}${agent}`)
        })().catch(() => undefined)])
      }
    },
  }
}
