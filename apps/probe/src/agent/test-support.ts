// A vantage of the zoo: scenarios that run, an embedded bus, and agents that check them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmbeddedBus } from '@dialtone/bus'
import type { AgentPresence, Assignment, Bus, ObservationRecorded, Target } from '@dialtone/contracts'
import { ObservationEvent, PresenceDocument, assignmentDocument } from '@dialtone/contracts/schemas'
import { NO_LOGGER } from '@dialtone/kernel'
import { createTelemetry } from '@dialtone/telemetry'
import { SCENARIOS, startScenario, type RunningScenario } from '@dialtone/zoo'
import { start, type Probe, type StartOptions } from '../start.ts'

export const VANTAGE = 'zoo'

/** Directories, buses, scenarios and agents of one test: closed together. */
export function createStage () {
  const closers: (() => Promise<unknown> | void)[] = []
  const agents = new Set<Probe>()
  const directory = mkdtempSync(join(tmpdir(), 'probe-'))
  closers.push(() => rmSync(directory, { recursive: true, force: true }))
  const stage = {
    directory,
    bus: (file = ':memory:'): Bus => {
      const bus = createEmbeddedBus({ file, meter: createTelemetry().meter, logger: NO_LOGGER })
      closers.push(bus.stop)
      return bus
    },
    scenario: async (name: string): Promise<RunningScenario> => {
      const scenario = SCENARIOS.find(each => each.name === name)
      if (scenario === undefined) throw new Error(`there is no scenario ${name}`)
      const running = await startScenario(scenario, AbortSignal.timeout(60_000))
      closers.push(running.stop)
      return running
    },
    agent: async (name: string, options: Partial<StartOptions> & Pick<StartOptions, 'bus'>): Promise<Probe & { telemetry: ReturnType<typeof createTelemetry> }> => {
      const telemetry = options.telemetry ?? createTelemetry({ strict: true })
      const probe = await start({ config: { agent: name, vantage: VANTAGE, stateDirectory: join(directory, name) }, logger: NO_LOGGER, environment: {}, ...options, telemetry })
      agents.add(probe)
      return { ...probe, telemetry }
    },
    stopAgents: async () => {
      for (const agent of agents) await agent.stop()
      agents.clear()
    },
    close: async () => {
      await stage.stopAgents()
      for (const each of closers.toReversed()) await each()
    },
  }
  return stage
}

export function targetOf ({ domain, request }: { domain: string, request: RunningScenario['request'] }, more: Partial<Target> = {}): Target {
  return {
    id: `peer:${domain}`, job: request.as === undefined ? 'control' : 'peer', domain, ...(request.as === undefined ? {} : { ours: request.as }), schedule: 'default', profile: 'standard', expectedAddresses: [],
    allowNets: [...request.allowNets], ...(request.overrides.length === 0 ? {} : { endpoints: request.overrides.map(override => ({ ...override })) }), ...more,
  }
}

/** An assignment that asks the resolver of a scenario. `anchor`: a file with its root. */
export function assignmentOf ({ request }: RunningScenario, targets: Target[], more: Partial<Omit<Assignment, 'spec'>> & { spec?: Partial<Assignment['spec']> } = {}): Assignment {
  return {
    v: 1, revision: 1, vantage: VANTAGE, schedules: { default: { lightEverySeconds: 1, failingEverySeconds: 1 } }, targets, managed: {}, ...more,
    spec: { side: 'outside', resolver: { address: request.resolver.address, port: request.resolver.port }, families: [4], fallbackPort: request.fallbackPort, timeoutsMs: { ...request.timeoutsMs }, ...more.spec },
  }
}

export async function assign (bus: Bus, assignment: Assignment): Promise<void> {
  await (await bus.documents(assignmentDocument(VANTAGE), { create: true })).put('assignment', assignment)
}

/** Everything that was published, as it comes. */
export async function collect (bus: Bus): Promise<ObservationRecorded[]> {
  const all: ObservationRecorded[] = []
  await bus.consume(ObservationEvent, { afterSeq: 0 }, async batch => { for (const { body } of batch) all.push(body) })
  return all
}

export async function presenceOf (bus: Bus, agent: string): Promise<AgentPresence | undefined> {
  return (await (await bus.documents(PresenceDocument, { create: false })).get(`agent.${VANTAGE}.${agent}`))?.document
}
