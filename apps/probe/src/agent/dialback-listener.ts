/**
 * The listener of the probe domain, which peers call back. It has one owner for each address: an agent on whose machine none of the configured
 * addresses is, has none; where another process holds the place, it is tried again, so that it is taken over when that one goes.
 */
import { networkInterfaces } from 'node:os'
import type { AgentPresence, ListenerEvent, VantageSpec } from '@dialtone/contracts'
import type { Logger, Meter, Stoppable } from '@dialtone/kernel'
import { startListener, type Listener } from '@dialtone/ladder'
import type { Keyring } from './keyring.ts'
import { listenerAsked, listenerConnections } from './metrics.ts'

export type DialbackListener = Stoppable & {
  readonly listener: Listener | undefined
  /** The vantage as it is now. Settles when what can be done at once is done. */
  configure: (spec: VantageSpec | undefined) => Promise<void>
  presence: () => AgentPresence['listener']
  /** Why there is none although there should be. */
  readonly problem: string | undefined
}

const AGAIN_MS = 5000

export function createDialbackListener ({ vantage, keyring, meter, logger, changed }: { vantage: string, keyring: Keyring, meter: Meter, logger: Logger, /** There is one, or there is none any more. */ changed: () => void }): DialbackListener {
  let wanted: VantageSpec['probeDomain']
  let anchors: VantageSpec['anchors']
  let listener: Listener | undefined
  let problem: string | undefined
  let timer: NodeJS.Timeout | undefined
  let work = Promise.resolve()
  let stopped = false
  let made = ''
  let connections = 0
  let asked = 0

  const tell = (event: ListenerEvent) => {
    if (event.on === 'connected') {
      connections++
      meter.add(listenerConnections, { vantage })
    }
    if (event.on === 'asked') {
      asked++
      meter.add(listenerAsked, { vantage, answer: event.answered })
    }
  }
  const close = async () => {
    const closing = listener
    listener = undefined
    if (closing === undefined) return
    changed()
    await closing.stop()
  }
  const open = async () => {
    clearTimeout(timer)
    problem = undefined
    if (wanted === undefined || stopped) return
    const places = wanted.listen.filter(({ address }) => isHere(address)).map(({ address, port, kind = 'starttls' }) => ({ address, port, kind }))
    if (places.length === 0) return
    try {
      const certificate = await keyring.certificateOf(wanted)
      listener = await startListener({
        domain: wanted.domain, places, keys: await keyring.keysOf(wanted.secret, wanted.domain), anchors: await keyring.anchorsOf(anchors), ...(certificate === undefined ? {} : { certificate }), tell,
      })
      logger.info({ domain: wanted.domain, places: listener.places }, 'listens for the probe domain')
      changed()
    } catch (error) {
      const says = error instanceof Error ? error.message : String(error)
      if (problem !== says) logger.warn({ domain: wanted.domain }, `does not listen for the probe domain: ${says}`)
      problem = says
      timer = setTimeout(() => { work = work.then(() => listener === undefined ? open() : undefined) }, AGAIN_MS)
      timer.unref()
    }
  }
  const reopen = async (before: Promise<void>, spec: VantageSpec | undefined) => {
    await before
    wanted = spec?.probeDomain
    anchors = spec?.anchors
    await close()
    await open()
  }
  return {
    get listener () { return listener },
    get problem () { return problem },
    configure: spec => {
      const name = JSON.stringify([spec?.probeDomain, spec?.anchors])
      if (name === made) return work
      made = name
      work = reopen(work, spec)
      return work
    },
    presence: () => listener === undefined ? undefined : { domain: listener.domain, places: listener.places.map(({ address, port, kind }) => ({ address, port, kind })), connections, asked },
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await work
      await close()
    },
  }
}

/** Whether this machine has the address; one that means all of them, it has. */
function isHere (address: string): boolean {
  if (address === '0.0.0.0' || address === '::' || address.startsWith('127.')) return true
  return Object.values(networkInterfaces()).some(list => list?.some(entry => entry.address === address) === true)
}
