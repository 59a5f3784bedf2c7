/** The probe agent: what its vantage has to do in, what it saw out. */
import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { AgentPresence, Assignment, Bus, Target } from '@dialtone/contracts'
import { PRESENCE_PERIOD_SECONDS } from '@dialtone/contracts/schemas'
import { OperatorError, type Clock, type Logger, type Stoppable } from '@dialtone/kernel'
import { connectionsOf, createBudget, createSchedule, observe as observeByLadder } from '@dialtone/ladder'
import type { Telemetry } from '@dialtone/telemetry'
import { serveCommands } from './agent/commands.ts'
import { createDialbackListener } from './agent/dialback-listener.ts'
import { readState, keepState } from './agent/kept-state.ts'
import { createKeyring } from './agent/keyring.ts'
import { AGENT_METRICS, targetsGauge } from './agent/metrics.ts'
import { createPresence } from './agent/presence.ts'
import { plainRequest, requestOf, wayOutOf } from './agent/request.ts'
import { startRunner, type Observe } from './agent/runner.ts'
import { createSeen } from './agent/seen.ts'
import { ownerOf, plansOf } from './agent/work.ts'
import { watchAssignment } from './configuration/assignment.ts'
import { PROBE_DEFAULTS, readConfig, type ProbeConfig } from './configuration/config.ts'
import { readSecret } from '@dialtone/host'
import { startExporter } from './exporter/exporter.ts'
import { createHealth } from './health/health.ts'
import { createHooks, serveHooks } from './hooks/hooks.ts'
import { startDelivery } from './spool/deliver.ts'
import { SPOOL_METRICS, spoolBytes, spoolDropped, spoolTorn, spoolWaiting } from './spool/metrics.ts'
import { openSpool } from './spool/spool.ts'

export type StartOptions = {
  config: ProbeConfig
  bus: Bus
  telemetry: Telemetry
  logger: Logger
  clock?: Clock
  /** Instead of the ladder, in benchmarks and tests. */
  observe?: Observe
  /** Where `env:` and `credential:` secrets are found. */
  environment?: NodeJS.ProcessEnv
  random?: () => number
}

/** `url`: where it is served over HTTP, with the port that the system chose. */
export type Probe = Stoppable & { readonly url?: string }

const SYSTEM: Clock = { now: () => Date.now(), elapsed: () => performance.now() }
const VERSION = '0.1.0'
const DEFAULT_BUDGET = 1200
/** Told in presence. */
const MOST_WAITS = 50

/** Rejects with an OperatorError when the configuration, the state directory or the hooks file cannot be used, or it cannot listen. The bus may be away. */
export async function start ({ config: given, bus, telemetry, logger, clock = SYSTEM, observe = observeByLadder, environment = process.env, random = Math.random }: StartOptions): Promise<Probe> {
  const config = readConfig(given)
  const { agent, vantage, stateDirectory: directory } = config
  const limits = { ...PROBE_DEFAULTS, ...config.limits }
  const labels = { vantage, agent }
  const { meter } = telemetry
  const startedAt = new Date(clock.now()).toISOString()
  const stops: (() => Promise<void> | void)[] = []
  /** In the reverse order of starting; one that complains does not keep the others. */
  const stop = async () => {
    for (const each of stops.splice(0).toReversed()) {
      try { await each() } catch (error) { logger.error({ error: String(error) }, 'a part of the agent did not end well') }
    }
  }
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
      throw new OperatorError('state-directory', `the state directory ${directory} cannot be made (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'}): name another, or let the agent write there`)
    })
    telemetry.register([...AGENT_METRICS, ...SPOOL_METRICS])
    const hooks = await createHooks({ ...(config.hooksFile === undefined ? {} : { file: config.hooksFile }), logger, meter })
    const token = config.token === undefined ? undefined : (await readSecret(config.token, environment)).toString('utf8').trim()

    const spool = openSpool({
      directory: join(directory, 'spool'), mostBytes: limits.spoolMegabytes * 2 ** 20, mostCount: limits.spoolObservations,
      told: ({ what, count }) => {
        if (what === 'torn') meter.add(spoolTorn, labels)
        else if (count > 0) meter.add(spoolDropped, labels, count)
        logger.warn({ ...labels, what, count }, what === 'torn' ? 'the last record of the spool was cut by a crash, and is left out' : what === 'full' ? 'the spool cannot be written: is the disk full?' : what === 'damaged' ? 'observations of the spool cannot be read any more: is the disk well?' : 'the spool is full: the oldest observations were dropped')
      },
    })
    stops.push(spool.stop)
    // Read when they are asked for: while the bus is away nothing else tells.
    stops.push(telemetry.family(spoolWaiting, () => [{ labels, value: spool.counts().waiting }]), telemetry.family(spoolBytes, () => [{ labels, value: spool.counts().bytes }]))
    const delivery = startDelivery({ spool, bus, meter, logger, labels })
    stops.push(delivery.stop)

    let assignment: Assignment | undefined
    let targets = new Map<string, Target>()
    let domains = new Set<string>()
    const kept = await readState(directory)
    const budget = createBudget({ clock, limit: DEFAULT_BUDGET, kept: kept.budget })
    const schedule = createSchedule({ clock, random, budget, salt: vantage, kept: kept.schedule })
    const keyring = createKeyring({ clock, environment })
    const seen = createSeen({ vantage, meter })
    for (const { metric, values } of seen.families()) stops.push(telemetry.family(metric, values))
    const health = createHealth({ clock, bus, meter, labels, vantage: () => ({ ...wayOutOf(assignment?.spec), ...(assignment?.spec.sourceAddress === undefined ? {} : { sourceAddress: assignment.spec.sourceAddress }) }) })
    stops.push(health.stop)

    /** Nothing is shared before it is known with whom. */
    let settled = false
    let first = true
    let owner: (id: string) => string | undefined = () => undefined
    /** By agent: what it said last of peers that refused it. Known before the targets are, and before they may be ours. */
    const refusals = new Map<string, NonNullable<AgentPresence['waits']>>()
    const heed = (waits: NonNullable<AgentPresence['waits']>) => { for (const { target, until } of waits) schedule.heed(target, Date.parse(until) - clock.now()) }
    const heard = (other: AgentPresence) => {
      budget.heed(other.agent, other.budget)
      refusals.set(other.agent, other.waits ?? [])
      heed(other.waits ?? [])
    }
    /** What another agent checks is told by that one. */
    let mine: ReadonlySet<string> = new Set()
    const isPaused = (name: string) => assignment?.spec.pausedAgents?.includes(name) === true
    const reassign = () => {
      if (!settled || assignment === undefined) return
      const working = (names: readonly string[]) => names.filter(name => !isPaused(name))
      const all = working(presence.members())
      const listeners = working([...presence.listeners(), ...(callbacks.listener === undefined ? [] : [agent])])
      const alone = first && all.length <= 1
      owner = ownerOf(assignment.targets, { all, listeners })
      const isMine = ({ id }: { id: string }) => owner(id) === agent
      mine = new Set(assignment.targets.filter(isMine).map(({ id }) => id))
      seen.keep(mine)
      schedule.assign(plansOf(assignment, callbacks.listener !== undefined), isMine, { fresh: alone || !first, graceMs: alone ? 0 : 1000 * PRESENCE_PERIOD_SECONDS })
      for (const waits of refusals.values()) heed(waits)
      for (const name of refusals.keys()) if (!presence.members().includes(name)) refusals.delete(name)
      first = false
      runner.wake()
    }
    stops.push(telemetry.family(targetsGauge, () => Object.entries(schedule.counts()).map(([which, value]) => ({ labels: { ...labels, which }, value }))))
    const callbacks = createDialbackListener({ vantage, keyring, meter, logger, changed: () => { reassign(); presence.say() } })
    const runner = startRunner({
      schedule, agent, parallel: limits.parallel, keyring, observe, clock, meter, logger,
      assignment: () => assignment, targetOf: id => targets.get(id), listener: () => callbacks.listener, aside: health.aside,
      record: (recorded, target) => {
        delivery.wake(spool.put(Buffer.from(JSON.stringify(recorded))), recorded)
        health.note(recorded.observation)
        seen.note(target, recorded.observation, mine.has(target.id))
      },
    })

    const findings = (): AgentPresence['findings'] => {
      const { dropped } = spool.counts()
      const found: AgentPresence['findings'] = health.findings()
      const add = (what: AgentPresence['findings'][number]['what'], says: string) => found.push({ what, unhealthy: false, says: says.slice(0, 400) })
      if (dropped > 0) add('spool', `${dropped} observations were lost: the spool was full, or could not be written or read`)
      if (assigned?.problem !== undefined) add('configuration', `an assignment was refused: ${assigned.problem}`)
      if (presence.doubled) add('configuration', `another agent runs under the name ${agent}: give each its own`)
      if (callbacks.problem !== undefined && presence.listeners().length === 0) add('listener', callbacks.problem)
      for (const problem of keyring.problems(assignment).slice(0, 4)) add('secret', problem)
      return found.slice(0, 16)
    }
    const own = (): AgentPresence => {
      const found = findings()
      const counts = schedule.counts()
      const { waiting, bytes, dropped } = spool.counts()
      const offset = health.clockOffsetMs()
      const listener = callbacks.presence()
      return {
        v: 1, agent, vantage, version: VERSION, startedAt, at: new Date(clock.now()).toISOString(),
        state: found.some(({ unhealthy }) => unhealthy) ? 'unhealthy' : assignment?.spec.desired === 'paused' || isPaused(agent) ? 'paused' : 'running',
        findings: found, revision: assignment?.revision ?? 0,
        targets: counts, spool: { waiting, bytes, dropped },
        ...(offset === undefined ? {} : { clockOffsetMs: offset }), eventLoopLagMs: health.eventLoopLagMs(), checks: runner.checks,
        ...(listener === undefined ? {} : { listener }),
        budget: budget.top(20), waits: schedule.waits(MOST_WAITS).map(({ id, ms }) => ({ target: id, until: new Date(clock.now() + ms).toISOString() })), secrets: keyring.prints(), hooks: hooks.allowed,
      }
    }
    /** The listener first, so that the first deep checks have it. */
    const configure = async (spec: Assignment['spec']) => {
      await callbacks.configure(spec)
      reassign()
      presence.say()
    }
    const settle = async () => {
      await presence.settled
      settled = true
      reassign()
    }
    let assigned: Awaited<ReturnType<typeof watchAssignment>> | undefined
    const presence = createPresence({ bus, vantage, agent, startedAt, clock, logger, own, changed: reassign, heard })
    stops.push(presence.stop)
    stops.push(keepState({ directory, schedule, budget, wanted: domain => domains.has(domain), logger }).stop)
    stops.push(callbacks.stop)
    stops.push(runner.stop)

    assigned = await watchAssignment({
      bus, vantage, directory, logger,
      hear: next => {
        assignment = next
        targets = new Map(next.targets.map(target => [target.id, target]))
        domains = new Set(next.targets.map(({ domain }) => domain))
        budget.limit = next.spec.connectionsPerTargetPerHour ?? DEFAULT_BUDGET
        void configure(next.spec)
      },
    })
    stops.push(assigned.stop)
    void settle()
    stops.push(serveCommands({
      bus, vantage, agent, schedule, runner, clock, logger,
      targetOf: id => targets.get(id),
      paused: () => assignment?.spec.desired === 'paused' ? `vantage ${vantage} is paused` : isPaused(agent) ? `agent ${agent} is paused` : undefined,
      ownerOf: id => owner(id),
      elsewhere: () => presence.listeners()[0],
    }).stop)
    stops.push(serveHooks({ bus, vantage, agent, hooks, logger }).stop)

    const check = async (domain: string, signal: AbortSignal) => {
      if (assignment === undefined) throw new OperatorError('no-assignment', 'this agent has not heard yet what it has to do')
      const wait = budget.waitMs(domain, 3)
      if (wait > 0) throw new OperatorError('budget', `the connection budget of ${domain} is used for this hour: ask again in ${Math.ceil(wait / 1000)} s`)
      const target = [...targets.values()].find(each => each.domain === domain)
      const request = target === undefined ? await plainRequest(domain, assignment, keyring) : await requestOf(target, assignment, { deep: false, keyring })
      const observation = await observe(request, { signal, clock })
      budget.add(domain, connectionsOf(observation))
      return observation
    }
    const exporter = config.http === undefined ? undefined : await startExporter({
      listen: { port: config.http.port, ...(config.http.address === undefined ? {} : { address: config.http.address }) },
      telemetry, targets: () => assignment?.targets ?? [], check, logger, ...(token === undefined ? {} : { token }),
      ready: () => assignment === undefined ? 'no assignment has come yet' : settled,
      clock,
    })
    if (exporter !== undefined) stops.push(exporter.stop)
    logger.info({ ...labels, host: hostname(), ...(exporter === undefined ? {} : { url: exporter.url }) }, 'the agent runs')
    return { stop, ...(exporter === undefined ? {} : { url: exporter.url }) }
  } catch (error) {
    await stop()
    throw error
  }
}
