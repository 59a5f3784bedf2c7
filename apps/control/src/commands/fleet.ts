/** What agents are asked to do at once: forget what they were waiting for, and run a hook of a managed server. */
import { CommandDone, HookDone, Name, Reasoned, ResetRequest, ResetTarget, RunHook } from '@dialtone/contracts/schemas'
import type { Unanswered } from '@dialtone/contracts'
import { quoted, unreachable } from '@dialtone/kernel'
import { Type, type Static } from 'typebox'
import { refusal } from '../http/problem.ts'
import type { App } from '../http/server.ts'
import { closed, given } from '../queries/parameters.ts'
import { actorOf } from '../http/actor.ts'
import type { CommandNeeds } from './needs.ts'

const NoQuery = Type.Object({}, closed)
const HOOKS = ['status', 'start', 'stop', 'reload'] as const
const RESET_MS = 5000
/** A hook starts or stops a service; the agent itself stops it earlier. */
const HOOK_MS = 90_000
const MOST_AGENTS = 256
/** Of what a hook printed, in the audit. */
const AUDITED_OUTPUT = 1800

type Effect = Static<typeof CommandDone>['effects'][number]

export function fleetRoutes (app: App, needs: CommandNeeds): void {
  const { bus, configuration, presence, audit, targetsOf } = needs
  const reachable = () => {
    if (!bus.connected) throw refusal('bus-unreachable', 'Agents cannot be asked while the bus is away; try again when /readyz says that it is back.', { retryAfterSeconds: 5 })
  }

  app.post('/v1/reset', { config: { role: 'operator' }, schema: { tags: ['commands'], summary: 'Forget back-off and confirmations, so that it is checked afresh', description: 'Of a domain, of a pair, or of everything.', querystring: NoQuery, body: ResetRequest, response: { 200: CommandDone } } }, async request => {
    const { domain, peer, vantages, dryRun = false, reason, ticket } = request.body
    if (peer !== undefined && domain === undefined) throw refusal('invalid-request', 'Say which domain of ours it is about, beside the peer.', { pointer: '/domain' })
    const targets = domain === undefined ? undefined : targetsOf(domain, peer)
    if (targets?.length === 0) throw refusal('nothing-to-check', `No vantage has ${domain}${peer === undefined ? '' : ` and ${peer}`} to check; there is nothing to forget.`)
    const agents = presence.all().filter(({ vantage }) => (vantages === undefined || vantages.includes(vantage)) && (targets === undefined || targets.some(each => each.vantage === vantage)))
    if (agents.length === 0) throw refusal('no-agent', 'No agent that has it to check is there; GET /v1/agents lists those that are.', { retryAfterSeconds: 10 })
    if (agents.length > MOST_AGENTS) throw refusal('invalid-request', `This is about ${agents.length} agents, and ${MOST_AGENTS} is the limit: name vantages.`, { pointer: '/vantages' })
    const asks = agents.flatMap(({ vantage, agent }) => (targets === undefined ? [undefined] : targets.filter(each => each.vantage === vantage).map(({ target }) => target.id)).map(target => ({ vantage, agent, target })))
    if (dryRun) return { dryRun, effects: asks.map(({ vantage, agent, target }): Effect => ({ subject: `${vantage}/${agent}`, outcome: 'would-do', says: `would forget ${target ?? 'all'}` })) }
    reachable()
    audit.ready()
    const effects: Effect[] = []
    for (let at = 0; at < asks.length; at += 8) effects.push(...await Promise.all(asks.slice(at, at + 8).map(each => resetOne(each))))
    const actor = actorOf(request)
    const well = effects.every(({ outcome }) => outcome === 'done' || outcome === 'unchanged')
    await audit.record({ actor: actor.name, role: actor.role, action: 'reset', subject: [domain ?? 'everything', peer].filter(part => part !== undefined).join(' '), outcome: well ? 'done' : 'failed', ...given({ reason, ticket }) })
    return { dryRun, effects }
  })

  async function resetOne ({ vantage, agent, target }: { vantage: string, agent: string, target: string | undefined }): Promise<Effect> {
    const answered = await bus.request(ResetTarget, [vantage, agent], target === undefined ? {} : { target }, { timeoutMs: RESET_MS })
    const subject = `${vantage}/${agent}`
    if ('answer' in answered) return { subject, outcome: answered.answer.targets === 0 ? 'unchanged' : 'done', says: `${answered.answer.targets} targets start afresh` }
    const outcome = answered.failed === 'timeout' ? 'timed-out' : answered.failed === 'no-responders' || answered.failed === 'disconnected' ? 'no-agent' : 'refused'
    return { subject, outcome, says: quoted(answered.says, 400) }
  }

  app.post('/v1/managed-servers/:name/:hook', { config: { role: 'operator' }, schema: { tags: ['commands'], summary: 'Run a hook of a managed server, by name', description: 'What it runs stands in a file of the agent on that host. Nothing of the request reaches a command line.', params: Type.Object({ name: Name, hook: Type.Enum([...HOOKS]) }, closed), querystring: NoQuery, body: Reasoned, response: { 200: HookDone } } }, async (request): Promise<Static<typeof HookDone>> => {
    const { params: { name, hook }, body } = request
    const server = configuration.get('ManagedServer', name)
    if (server === undefined) throw refusal('not-found', `There is no ManagedServer '${name}'; create it first, and allow its hooks in the file of the agent on its host.`)
    const { vantage, agent, hooks } = server.spec
    if (!hooks.includes(hook)) throw refusal('hook-not-allowed', `ManagedServer '${name}' allows ${hooks.join(', ')}; an admin may add '${hook}' to its hooks.`)
    const about = { server: name, vantage, hook, dryRun: body.dryRun ?? false }
    if (about.dryRun) return about
    reachable()
    audit.ready()
    const actor = actorOf(request)
    const deed = { actor: actor.name, role: actor.role, action: `hook.${hook}`, subject: `ManagedServer/${name}`, ...given({ reason: body.reason, ticket: body.ticket }) }
    const answered = await bus.request(RunHook, [vantage, agent ?? 'any'], { server: name, hook }, { timeoutMs: HOOK_MS })
    if (!('answer' in answered)) {
      await audit.record({ ...deed, outcome: answered.failed === 'refused' ? 'refused' : 'failed', says: quoted(answered.says, AUDITED_OUTPUT) })
      throw refusalOf(answered, vantage, agent)
    }
    const { exitCode, output, ms, truncated } = answered.answer
    await audit.record({ ...deed, outcome: exitCode === 0 ? 'done' : 'failed', says: quoted(`exit ${exitCode ?? 'none'}: ${output}`, AUDITED_OUTPUT) })
    return { ...about, exitCode, output, ms, truncated }
  })
}

/** The honest answer where an agent gave none. */
function refusalOf ({ failed, says }: Unanswered, vantage: string, agent: string | undefined): Error {
  const who = agent === undefined ? `an agent of ${vantage}` : `the agent ${agent} of ${vantage}`
  switch (failed) {
    case 'no-responders': return refusal('no-agent', `Start ${who}: none is listening. Nothing was done.`, { retryAfterSeconds: 10 })
    case 'disconnected': return refusal('bus-unreachable', 'The bus went away; whether it was done is not known. Ask for the status when it is back.', { retryAfterSeconds: 5 })
    case 'timeout': return refusal('agent-timeout', `No answer came from ${who}; whether it was done is not known. Ask for the status.`)
    case 'refused': return refusal('agent-refused', `Refused by ${who}: ${quoted(says, 400)}.`)
    case 'malformed': return refusal('malformed-answer', `What ${who} answered cannot be read; let agent and control be of one release.`)
    default: return unreachable(failed)
  }
}
