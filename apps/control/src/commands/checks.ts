/**
 * Checks that operators ask for: which vantages are asked, how far each is, and how it ended. A check lives in the instance that was asked; what it saw is
 * an observation like any other.
 */
import type { CheckProgress as Progress, CheckRequest, CheckView, OverviewRow, Target, Unanswered } from '@dialtone/contracts'
import { CheckNow, CheckProgress } from '@dialtone/contracts/schemas'
import { quoted, unreachable } from '@dialtone/kernel'
import type { Static } from 'typebox'
import { checksAsked, progressRefused } from '../http/metrics.ts'
import { refusal } from '../http/problem.ts'
import type { CommandNeeds } from './needs.ts'

/** Cells of one check; more are left out, which is refused. */
const MOST_CELLS = 64
/** Agents of one vantage that are tried by name before the question goes to whoever of it takes it. */
const MOST_TRIED = 3
/** Checks that are kept after their end. */
const MOST_KEPT = 500
const ASK_MS = 5000
const ASK_AT_ONCE = 8
const LIGHT_MS = 90_000
const DEEP_MS = 300_000
/** How often a finished cell is looked up in what was recorded. */
const LOOK_MS = 200

type Cell = CheckView['vantages'][number]
type Answered = { answer: Static<typeof CheckNow.answer> } | Unanswered
type Running = { view: CheckView, cells: Map<string, Cell>, finished: Set<string>, endsAt: number, ended: Promise<void>, end: () => void }

export type Checks = {
  /** Asks all that have it to check; resolves when each has answered whether it does. Throws a Refusal where nobody does. */
  ask: (request: CheckRequest) => Promise<CheckView>
  /** What would be asked. */
  plan: (request: CheckRequest) => { vantage: string, target: Target }[]
  get: (id: string) => CheckView | undefined
  /** Waits no longer for what is open of it; agents are told nothing, and what they see is recorded all the same. `by`: who says so. */
  cancel: (id: string, by: string) => CheckView | undefined
  /** The view when it has ended, or when so much time is over. */
  wait: (id: string, ms: number) => Promise<CheckView | undefined>
  stop: () => Promise<void>
}

export async function createChecks ({ bus, readings, configuration, presence, clock, meter, tell, targetsOf, limits, id, logger }: CommandNeeds, askMs = ASK_MS): Promise<Checks> {
  const kept = new Map<string, Running>()
  const running = () => [...kept.values()].filter(({ view }) => view.state === 'running')
  const progress = await bus.subscribe(CheckProgress, [], ({ key, body }) => {
    // The key is what the bus lets its sender write; the body is what he says.
    if (key.length === 2 && key[0] === body.vantage && key[1] === body.check) hear(body)
    else meter.add(progressRefused)
  })
  const timer = setInterval(look, LOOK_MS).unref()
  let stopping: Promise<void> | undefined
  let turn = 0

  function plan ({ domain, peer, vantages }: CheckRequest): { vantage: string, target: Target }[] {
    const all = targetsOf(domain, peer).filter(({ vantage }) => vantages === undefined || vantages.includes(vantage))
    if (all.length === 0) {
      throw refusal('nothing-to-check', `No vantage${vantages === undefined ? '' : ` of ${vantages.join(', ')}`} has ${peer === undefined ? domain : `${peer} for ${domain}`} to check. Configure it as a Domain or Peer, and at least one Vantage, first.`)
    }
    if (all.length > MOST_CELLS) throw refusal('invalid-request', `This is ${all.length} checks at once, and ${MOST_CELLS} is the limit: name fewer vantages, or a peer.`, { pointer: '/vantages' })
    return all
  }

  async function ask (request: CheckRequest): Promise<CheckView> {
    const targets = plan(request)
    if (running().length >= limits.checks) throw refusal('too-many-checks', `${limits.checks} checks run already; wait for one to end.`, { retryAfterSeconds: 10 })
    const check = begin(request, targets)
    for (let at = 0; at < targets.length && check.view.state === 'running'; at += ASK_AT_ONCE) {
      await Promise.all(targets.slice(at, at + ASK_AT_ONCE).map(({ vantage, target }) => askOne(check, vantage, target, request.deep ?? false)))
    }
    publish(check)
    settle(check)
    return check.view
  }

  function begin ({ domain, peer }: CheckRequest, targets: readonly { vantage: string, target: Target }[]): Running {
    const cells = new Map<string, Cell>(targets.map(({ vantage, target }) => [keyOf(vantage, target.id), { vantage, target: target.id, state: 'asked' }]))
    let end = () => undefined as void
    const ended = new Promise<void>(resolve => { end = resolve })
    const before = rowsOf(domain, peer)
    const view: CheckView = { id: id(), domain: peer ?? domain, ...(peer === undefined ? {} : { ours: domain }), state: 'running', startedAt: new Date(clock.now()).toISOString(), vantages: [...cells.values()], before }
    const check: Running = { view, cells, finished: new Set(), endsAt: clock.elapsed() + LIGHT_MS, ended, end }
    for (const [old, { view: { state } }] of kept) {
      if (kept.size < MOST_KEPT) break
      if (state !== 'running') kept.delete(old)
    }
    kept.set(view.id, check)
    return check
  }

  async function askOne (check: Running, vantage: string, target: Target, deep: boolean): Promise<void> {
    if (deep) check.endsAt = Math.max(check.endsAt, clock.elapsed() + DEEP_MS)
    const cell = check.cells.get(keyOf(vantage, target.id))
    if (cell === undefined) return
    const answered = await askOwner(vantage, { check: check.view.id, target: target.id, deep })
    if (cell.state === 'cancelled') return
    if (!('answer' in answered)) {
      Object.assign(cell, unanswered(answered))
      return
    }
    const { agent, accepted, says, retryAfterSeconds } = answered.answer
    cell.agent = agent
    if (says !== undefined) cell.says = says
    if (retryAfterSeconds !== undefined) cell.retryAfterSeconds = retryAfterSeconds
    // Its progress may have come before its answer.
    if (cell.state === 'asked') cell.state = accepted ? 'running' : 'refused'
  }

  /** Where the one that was asked names another whose target it is, that one. */
  async function askOwner (vantage: string, request: { check: string, target: string, deep: boolean }): Promise<Answered> {
    const answered = await askSome(vantage, request)
    const owner = 'answer' in answered && !answered.answer.accepted ? answered.answer.owner : undefined
    return owner === undefined ? answered : bus.request(CheckNow, [vantage, owner], request, { timeoutMs: askMs })
  }

  /** Agents that run, in turn, since one that is paused would refuse; whoever takes it where nobody is known to run. Presence is some seconds old: who is gone is passed over. */
  async function askSome (vantage: string, request: { check: string, target: string, deep: boolean }): Promise<Answered> {
    const paused = configuration.get('Vantage', vantage)?.spec.pausedAgents ?? []
    const running = presence.all().filter(each => each.vantage === vantage && each.state === 'running' && !paused.includes(each.agent)).map(({ agent }) => agent)
    const first = turn++ % Math.max(1, running.length)
    for (const agent of [...running.slice(first), ...running.slice(0, first)].slice(0, MOST_TRIED)) {
      const answered = await bus.request(CheckNow, [vantage, agent], request, { timeoutMs: askMs })
      if ('answer' in answered || answered.failed !== 'no-responders') return answered
    }
    return bus.request(CheckNow, [vantage, 'any'], request, { timeoutMs: askMs })
  }

  function hear (body: Progress): void {
    const check = kept.get(body.check)
    const cell = check?.cells.get(keyOf(body.vantage, body.target))
    if (check === undefined || cell === undefined || check.view.state !== 'running' || cell.state === 'done') return
    cell.agent = body.agent
    if (body.at === 'failed') Object.assign(cell, { state: 'refused', says: body.says ?? 'the agent could not carry it out' })
    else if (body.at === 'done') check.finished.add(keyOf(body.vantage, body.target))
    else Object.assign(cell, { state: 'running', ...sayingOf(body) })
    publish(check)
    settle(check)
  }

  /** Which of the running cells have an observation by now; who takes too long is not waited for. */
  function look (): void {
    for (const check of running()) {
      try {
        const before = check.view.vantages.map(({ state }) => state).join()
        for (const { id: observation, vantage, domain, ours, job } of readings.observations({ check: check.view.id }, { limit: MOST_CELLS }).observations) {
          const cell = check.cells.get(keyOf(vantage, ours === undefined ? `${job}:${domain}` : `${job}:${domain}:${ours}`))
          if (cell !== undefined && cell.state !== 'done') Object.assign(cell, { state: 'done', observation })
        }
        if (clock.elapsed() > check.endsAt) for (const cell of check.cells.values()) if (isOpen(cell)) Object.assign(cell, { state: 'timed-out', says: check.finished.has(keyOf(cell.vantage, cell.target)) ? 'the agent was done, but what it saw has not arrived' : 'the agent took it and was not heard of again' })
        if (before !== check.view.vantages.map(({ state }) => state).join()) publish(check)
        settle(check)
      } catch (error) {
        logger.warn({ check: check.view.id, error }, 'what a check saw could not be looked up')
      }
    }
  }

  function settle (check: Running): void {
    const { view, cells } = check
    if (view.state !== 'running' || [...cells.values()].some(isOpen)) return
    const peer = view.ours === undefined ? undefined : view.domain
    const has = (wanted: Cell['state']) => [...cells.values()].some(({ state }) => state === wanted)
    view.state = has('cancelled') ? 'cancelled' : has('timed-out') ? 'timed-out' : 'done'
    view.endedAt = new Date(clock.now()).toISOString()
    view.after = rowsOf(view.ours ?? view.domain, peer)
    for (const { state } of cells.values()) meter.add(checksAsked, { outcome: state })
    check.end()
    publish(check)
  }

  function publish ({ view }: Running): void {
    tell({ on: 'check', check: structuredClone(view) })
  }

  function rowsOf (domain: string, peer?: string): OverviewRow[] {
    return readings.overview(peer === undefined ? { domain, only: 'domains' } : { domain, peer }, { limit: 100 }).domains
  }

  return {
    ask,
    plan,
    get: check => kept.get(check)?.view,
    cancel: (id, by) => {
      const check = kept.get(id)
      if (check === undefined || check.view.state !== 'running') return check?.view
      for (const cell of check.cells.values()) if (isOpen(cell)) Object.assign(cell, { state: 'cancelled', says: `cancelled by ${quoted(by, 90)}; an agent that took it may still be at it, and what it sees is recorded` })
      settle(check)
      return check.view
    },
    wait: async (check, ms) => {
      const found = kept.get(check)
      if (found === undefined) return undefined
      let timeout: NodeJS.Timeout | undefined
      await Promise.race([found.ended, new Promise<void>(resolve => { timeout = setTimeout(resolve, ms) })])
      clearTimeout(timeout)
      return found.view
    },
    stop: () => stopping ??= (async () => {
      clearInterval(timer)
      for (const { end } of kept.values()) end()
      await progress.stop()
    })(),
  }
}

function keyOf (vantage: string, target: string): string {
  return `${vantage} ${target}`
}

function isOpen ({ state }: Cell): boolean {
  return state === 'asked' || state === 'running'
}

function sayingOf ({ at, endpoint, stage, outcome, says }: Progress): { says?: string } {
  const text = says ?? (at === 'step' ? [endpoint, stage, outcome].filter(part => part !== undefined).join(' ') : at === 'endpoint' ? endpoint : undefined)
  return text === undefined ? {} : { says: quoted(text, 400) }
}

/** How a cell ended that no agent answered for. */
function unanswered ({ failed, says }: Unanswered): Pick<Cell, 'state' | 'says'> {
  switch (failed) {
    case 'no-responders': return { state: 'no-agent', says: 'no agent of this vantage is listening' }
    case 'timeout': return { state: 'timed-out', says: 'no agent answered in time' }
    case 'disconnected': return { state: 'no-agent', says: 'the bus is away' }
    case 'refused': case 'malformed': return { state: 'refused', says: quoted(says, 400) }
    default: return unreachable(failed)
  }
}
