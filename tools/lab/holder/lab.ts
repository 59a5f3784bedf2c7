// The lab as its holder has it: the world, the fleets in it, and what is broken. One thing at a time is broken or healed.
import { OperatorError } from '@dialtone/kernel'
import { BREAKS } from '../breaks/index.ts'
import { EDGE_PEERS } from '../fleet/resources.ts'
import type { Break, Fleets, World } from '../seams.ts'
import { nearest } from '../nearest.ts'
import { startWorld } from '../world/index.ts'
import { SERVER_OF } from '../world/servers.ts'
import { WHAT, type WorldHost } from '../world/places.ts'
import { LeftBroken } from '../world/undo.ts'
import { askPeers, edgeQuestions, OUR_QUESTIONS } from '../world/users.ts'
import type { Asked, BrokenStatus, Changed, LabStatus } from './protocol.ts'

const FLEETS = new URL('../fleet/start-fleets.ts', import.meta.url).href

export type HeldLab = {
  status: () => Promise<LabStatus>
  /** Throws an OperatorError for a name that is none. */
  break: (name: string) => Promise<Changed>
  /** 'all' heals all that is broken. */
  heal: (name: string) => Promise<Changed>
  ask: () => Promise<Asked>
  stop: () => Promise<void>
}

/** Begins at once; `ready` resolves when all is there, or rejects with why not, and then nothing is left. */
export function holdLab ({ withFleets, log }: { withFleets: boolean, log: (line: string) => void }): HeldLab & { ready: Promise<void> } {
  const began = Date.now()
  const broken = new Map<string, BrokenStatus & { heal: () => Promise<void> }>()
  let [world, fleets, state, startedInMs]: [World | undefined, Fleets | undefined, LabStatus['state'], number | undefined] = [undefined, undefined, 'starting', undefined]
  let [breaking, healing]: [BrokenStatus | undefined, string | undefined] = [undefined, undefined]

  const start = async (): Promise<void> => {
    world = await startWorld()
    log(`the network is up after ${Date.now() - began} ms`)
    if (withFleets) fleets = await (await import(FLEETS) as { startFleets: (world: World, options: { log: (line: string) => void }) => Promise<Fleets> }).startFleets(world, { log })
    startedInMs = Date.now() - began
    state = 'up'
    log(`all is up after ${startedInMs} ms`)
  }
  const end = async (): Promise<void> => {
    state = 'stopping'
    try {
      await fleets?.stop()
    } finally {
      await world?.stop()
    }
  }
  let stopping: Promise<void> | undefined
  const ready = start()
  const stop = (): Promise<void> => stopping ??= ready.then(() => undefined, () => undefined).then(end)
  ready.catch(stop)

  let before: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(what: () => Promise<T>): Promise<T> => {
    const mine = before.then(async () => {
      if (state !== 'up') throw new OperatorError('not-up', `the lab is ${state}; wait until it is up`)
      return await what()
    })
    before = mine.catch(() => undefined)
    return mine
  }
  const whatIsBroken = (): BrokenStatus[] => [...broken.values()].map(({ name, says, since }) => ({ name, says, since }))
  return {
    ready, stop,
    status: async () => ({
      state, pid: process.pid, since: new Date(began).toISOString(), ...(startedInMs === undefined ? {} : { startedInMs }),
      fleets: !withFleets ? 'none' : fleets === undefined ? 'starting' : 'up',
      broken: [...whatIsBroken().map(each => each.name === healing ? { ...each, being: 'healed' as const } : each), ...(breaking === undefined ? [] : [breaking])],
      died: state !== 'up' ? [] : [...world?.controls.servers.died().map(host => `the server of ${host}`) ?? [], ...fleets?.died() ?? []],
      hosts: world === undefined ? [] : hostsOf(world),
      servers: world === undefined ? [] : serversOf(world),
      firewall: world === undefined || state !== 'up' ? {} : await world.controls.firewall.counters(),
      urls: fleets?.urls ?? {},
    }),
    break: name => inTurn(async () => {
      const found: Break | undefined = BREAKS.find(each => each.name === name)
      if (found === undefined) throw unknown(name)
      if (broken.has(name)) return { changed: [], broken: whatIsBroken() }
      const hold = (heal: () => Promise<void>): void => { broken.set(name, { name, says: found.says, since: new Date().toISOString(), heal }) }
      breaking = { name, says: found.says, since: new Date().toISOString(), being: 'broken' }
      try {
        hold(await found.breaks({ world: there(world), ...(fleets === undefined ? {} : { fleets }) }))
      } catch (error) {
        if (!(error instanceof LeftBroken)) throw error
        hold(error.undo)
        throw new OperatorError('left-broken', `${error.message}\nIt counts as broken; to try again to undo it: lab heal ${name}`)
      } finally {
        breaking = undefined
      }
      log(`broken: ${name}`)
      return { changed: [name], broken: whatIsBroken() }
    }),
    heal: name => inTurn(async () => {
      if (name !== 'all' && !BREAKS.some(each => each.name === name)) throw unknown(name)
      const chosen = [...broken.values()].filter(each => name === 'all' || each.name === name).toReversed()
      try {
        for (const each of chosen) {
          healing = each.name
          await each.heal()
          broken.delete(each.name)
          log(`healed: ${each.name}`)
        }
      } finally {
        healing = undefined
      }
      return { changed: chosen.map(each => each.name), broken: whatIsBroken() }
    }),
    ask: () => inTurn(async () => ({ noticed: await askPeers(there(world), { ...OUR_QUESTIONS, ...(fleets === undefined ? {} : edgeQuestions(EDGE_PEERS)) }) })),
  }
}

function there (world: World | undefined): World {
  if (world === undefined) throw new Error('the lab has no world')
  return world
}

function unknown (name: string): OperatorError {
  const near = nearest(name, BREAKS.map(each => each.name))
  return new OperatorError('usage', `no break is called '${name}'${near === undefined ? '.' : `; did you mean '${near}'?`} There are: ${BREAKS.map(each => each.name).join(', ')}`)
}

function hostsOf ({ controls }: World): LabStatus['hosts'] {
  return (Object.entries(WHAT) as [WorldHost, string][]).map(([name, what]) => {
    const { addresses, namespace } = controls.at(name)
    return { name, addresses, namespace, what }
  })
}

function serversOf ({ controls }: World): LabStatus['servers'] {
  return [...Map.groupBy(Object.entries(SERVER_OF), ([, host]) => host)].map(([host, all]) => ({
    host, domains: all.map(([domain]) => domain), software: host === 'gmail' || host === 'gtls' ? 'ejabberd' : 'prosody', running: controls.servers.runs(host),
  }))
}
