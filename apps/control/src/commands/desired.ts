/** What is wanted of agents, schedules and vantages: written into the configuration, so that it outlives every process. */
import { CommandDone, MaintenanceRequest, Name, QuarantineRequest, Reasoned } from '@dialtone/contracts/schemas'
import type { Kind, VantageSpec } from '@dialtone/contracts'
import { Type, type Static } from 'typebox'
import { refusal } from '../http/problem.ts'
import type { App } from '../http/server.ts'
import { closed, given, utc } from '../queries/parameters.ts'
import type { Presence } from '../queries/needs.ts'
import type { CommandNeeds, Edit } from './needs.ts'
import type { FastifyRequest } from 'fastify'

const NoQuery = Type.Object({}, closed)
const Verb = Type.Enum(['pause', 'resume'])
const MOST_MINUTES = 43_200

export function desiredRoutes (app: App, { configuration, presence, edit, clock, id }: CommandNeeds): void {
  const done = async (request: FastifyRequest, change: Edit, { dryRun = false, ...why }: { action: string, reason?: string | undefined, ticket?: string | undefined, dryRun?: boolean | undefined }, says: string): Promise<Static<typeof CommandDone>> => {
    const { revision, changed } = await edit(request, change, { action: why.action, dryRun, ...given({ reason: why.reason, ticket: why.ticket }) })
    return { dryRun, revision, effects: [{ subject: `${change.kind}/${change.name}`, outcome: !changed ? 'unchanged' : dryRun ? 'would-do' : 'done', says: changed ? says : 'it is so already' }] }
  }
  const there = (kind: Kind, name: string) => {
    if (configuration.get(kind, name) === undefined) throw refusal('not-found', `There is no ${kind} '${name}'; create it first.`)
  }
  /** `change` is asked for a vantage that is there; one that was deleted meanwhile is not made again. */
  const vantage = (name: string, change: (spec: VantageSpec) => VantageSpec): Edit => ({
    kind: 'Vantage', name,
    change: spec => {
      if (spec === undefined) throw refusal('not-found', `There is no Vantage '${name}'; create it first.`)
      return change(spec)
    },
  })

  app.post('/v1/agents/:vantage/:verb', { config: { role: 'operator' }, schema: { tags: ['commands'], summary: 'Pause or resume all agents of a vantage', params: Type.Object({ vantage: Name, verb: Verb }, closed), querystring: NoQuery, body: Reasoned, response: { 200: CommandDone } } }, async request => {
    const { params, body } = request
    there('Vantage', params.vantage)
    const desired = params.verb === 'pause' ? 'paused' as const : 'running' as const
    return done(request, vantage(params.vantage, spec => spec.desired === desired || (desired === 'running' && spec.desired === undefined) ? spec : { ...spec, desired }), { action: params.verb, ...body }, `its agents are wanted ${desired}`)
  })

  app.post('/v1/agents/:vantage/:agent/:verb', { config: { role: 'operator' }, schema: { tags: ['commands'], summary: 'Pause or resume one agent; the others of its vantage take over', params: Type.Object({ vantage: Name, agent: Name, verb: Verb }, closed), querystring: NoQuery, body: Reasoned, response: { 200: CommandDone } } }, async request => {
    const { params: { agent, verb, vantage: name }, body } = request
    there('Vantage', name)
    const change = ({ pausedAgents = [], ...spec }: VantageSpec): VantageSpec => {
      if (!pausedAgents.includes(agent) && presence.get(name, agent) === undefined) throw unheardOf(agent, name, presence)
      const others = pausedAgents.filter(other => other !== agent)
      const paused = verb === 'pause' ? [...others, agent].toSorted() : others
      return paused.length === 0 ? spec : { ...spec, pausedAgents: paused }
    }
    return done(request, vantage(name, change), { action: verb, ...body }, `the agent ${agent} is wanted ${verb === 'pause' ? 'paused' : 'running'}`)
  })

  app.post('/v1/schedules/:name/:verb', { config: { role: 'operator' }, schema: { tags: ['commands'], summary: 'Pause or resume all checks of a schedule', params: Type.Object({ name: Name, verb: Verb }, closed), querystring: NoQuery, body: Reasoned, response: { 200: CommandDone } } }, async request => {
    const { params: { name, verb }, body } = request
    there('Schedule', name)
    const desired = verb === 'pause' ? 'paused' as const : 'running' as const
    return done(request, { kind: 'Schedule', name, change: spec => {
      if (spec === undefined) throw refusal('not-found', `There is no Schedule '${name}'; create it first.`)
      return spec.desired === desired || (desired === 'running' && spec.desired === undefined) ? spec : { ...spec, desired }
    } }, { action: verb, ...body }, `its checks are wanted ${desired}`)
  })

  app.post('/v1/vantages/:name/quarantine', { config: { role: 'operator' }, schema: { tags: ['commands'], summary: 'Set aside what a vantage says, until it is released', params: Type.Object({ name: Name }, closed), querystring: NoQuery, body: QuarantineRequest, response: { 200: CommandDone } } }, async request => {
    const { params: { name }, body } = request
    there('Vantage', name)
    return done(request, vantage(name, spec => ({ ...spec, quarantined: body.reason })), { action: 'quarantine', ...body }, 'its testimony is set aside')
  })

  app.post('/v1/vantages/:name/release', { config: { role: 'operator' }, schema: { tags: ['commands'], summary: 'Hear a vantage again', params: Type.Object({ name: Name }, closed), querystring: NoQuery, body: Reasoned, response: { 200: CommandDone } } }, async request => {
    const { params: { name }, body } = request
    there('Vantage', name)
    return done(request, vantage(name, spec => withoutQuarantine(spec)), { action: 'release', ...body }, 'its testimony is heard')
  })

  app.post('/v1/maintenance', { config: { role: 'operator' }, schema: { tags: ['commands'], summary: 'Keep quiet about a domain, a pair or a vantage for a time', querystring: NoQuery, body: MaintenanceRequest, response: { 200: CommandDone, 201: CommandDone } } }, async (request, reply): Promise<never> => {
    const { body } = request
    if (body.domain === undefined && body.peer === undefined && body.vantage === undefined) throw refusal('invalid-request', 'Say what it is about: one of domain, peer and vantage at least.', { pointer: '/domain' })
    const until = endOf(body, clock.now())
    const name = `maintenance-${id().toLowerCase().replaceAll(/[^a-z0-9]/g, '').slice(0, 12)}`
    const made = await done(request, { kind: 'Exception', name, change: () => ({ effect: 'maintenance', until, reason: body.reason, ...given({ domain: body.domain, peer: body.peer, vantage: body.vantage, ticket: body.ticket }) }) }, { action: 'maintenance', ...body }, `quiet until ${until}`)
    return reply.status(made.dryRun ? 200 : 201).headers(made.dryRun ? {} : { location: `/v1/exceptions/${name}` }).send(made) as never
  })
}

/** A slip of the hand would be kept as an agent that never comes. */
function unheardOf (agent: string, vantage: string, presence: Presence): Error {
  const known = presence.all().filter(one => one.vantage === vantage).map(one => one.agent)
  return refusal('not-found', `Nobody has heard of an agent '${agent}' of ${vantage}; ${known.length === 0 ? 'none of its agents is known' : `known are ${known.slice(0, 40).join(', ')}`}.`)
}

/** When it ends, from one of the two ways to say it. */
function endOf ({ until, minutes }: Static<typeof MaintenanceRequest>, now: number): string {
  if ((until === undefined) === (minutes === undefined)) throw refusal('invalid-request', "Say when it ends: either 'until' or 'minutes'.", { pointer: '/until' })
  const at = until === undefined ? now + (minutes ?? 0) * 60_000 : Date.parse(until)
  if (at <= now) throw refusal('invalid-request', "Let 'until' be in the future.", { pointer: '/until' })
  if (at > now + MOST_MINUTES * 60_000) throw refusal('invalid-request', 'Let it end within 30 days; for longer, use an Exception that accepts a cause.', { pointer: '/until' })
  return utc(new Date(at).toISOString())
}

function withoutQuarantine (spec: VantageSpec): VantageSpec {
  const released = { ...spec }
  delete released.quarantined
  return released
}
