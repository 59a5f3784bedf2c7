/** POST /v1/managed-servers/{name}/{hook}: run a hook of a managed server, by the agent that has it in its own file; on record whatever becomes of it. */
import { HookDone, Name, Reasoned, RunHook } from '@dialtone/contracts/schemas'
import type { AgentPresence, HookName, Unanswered } from '@dialtone/contracts'
import { quoted, unreachable } from '@dialtone/kernel'
import { Type, type Static } from 'typebox'
import type { AuditRecord } from '../audit/audit.ts'
import { actorOf } from '../http/actor.ts'
import { refusal } from '../http/problem.ts'
import type { App } from '../http/server.ts'
import { closed, given } from '../queries/parameters.ts'
import { refusalOf } from '../resources/problem.ts'
import type { CommandNeeds } from './needs.ts'
import { reachable } from './reachable.ts'

const HOOKS = ['status', 'start', 'stop', 'reload'] as const
/** A hook starts or stops a service; the agent itself stops it earlier. */
const HOOK_MS = 90_000
/** Of what a hook printed, in the audit. */
const AUDITED_OUTPUT = 1800
/** Agents that a refusal names. */
const MOST_NAMED = 10

type Deed = Omit<AuditRecord, 'outcome' | 'says'>
type Wanted = { server: string, vantage: string, agent: string | undefined, hook: HookName }

export function hookRoutes (app: App, { bus, configuration, presence, audit }: Pick<CommandNeeds, 'bus' | 'configuration' | 'presence' | 'audit'>): void {
  /** What an agent may be doing now. Who takes one out of it puts it on record. */
  const underWay = new Set<Deed>()
  const conclude = async (deed: Deed, how: Pick<AuditRecord, 'outcome' | 'says'>): Promise<void> => {
    if (underWay.delete(deed)) await audit.record({ ...deed, ...how })
  }
  app.addHook('onClose', async () => {
    await Promise.all([...underWay].map(deed => conclude(deed, { outcome: 'failed', says: 'control was stopped while it waited for the agent; whether it was done is not known' })))
  })

  app.post('/v1/managed-servers/:name/:hook', { config: { role: 'operator' }, schema: { tags: ['commands'], summary: 'Run a hook of a managed server, by name', description: 'What it runs stands in a file of the agent on that host. Nothing of the request reaches a command line.', params: Type.Object({ name: Name, hook: Type.Enum([...HOOKS]) }, closed), querystring: Type.Object({}, closed), body: Reasoned, response: { 200: HookDone } } }, async (request): Promise<Static<typeof HookDone>> => {
    const { params: { name, hook }, body } = request
    const server = configuration.get('ManagedServer', name)
    if (server === undefined) throw refusal('not-found', `There is no ManagedServer '${name}'; create it first, and allow its hooks in the file of the agent on its host.`)
    const { vantage, agent, hooks } = server.spec
    if (!hooks.includes(hook)) throw refusal('hook-not-allowed', `ManagedServer '${name}' allows ${hooks.join(', ')}; an admin may add '${hook}' to its hooks.`)
    const about = { server: name, vantage, hook, dryRun: body.dryRun ?? false }
    if (about.dryRun) return about
    reachable(bus)
    audit.ready()
    const actor = actorOf(request)
    const deed: Deed = { actor: actor.name, role: actor.role, action: `hook.${hook}`, subject: `ManagedServer/${name}`, ...given({ reason: body.reason, ticket: body.ticket }) }
    underWay.add(deed)
    try {
      const { by, exitCode, output, ms, truncated } = await run({ server: name, vantage, agent, hook })
      await conclude(deed, { outcome: exitCode === 0 ? 'done' : 'failed', says: quoted(`by ${by}, exit ${exitCode ?? 'none'}: ${output}`, AUDITED_OUTPUT) })
      return { ...about, exitCode, output, ms, truncated }
    } catch (error) {
      const { code, message } = refusalOf(error)
      await conclude(deed, { outcome: code === 'agent-refused' || code === 'hook-missing' ? 'refused' : 'failed', says: quoted(message, AUDITED_OUTPUT) })
      throw error
    }
  })

  /** Asks the agent that the resource names, else one that says that it has the hook. Throws the Refusal that says what is missing. */
  async function run (wanted: Wanted) {
    const { server, vantage, hook } = wanted
    let last: Error | undefined
    for (const by of wanted.agent === undefined ? agentsWith(wanted) : [wanted.agent]) {
      const answered = await bus.request(RunHook, [vantage, by], { server, hook }, { timeoutMs: HOOK_MS })
      if ('answer' in answered) return { by, ...answered.answer }
      last = unanswered(answered, vantage, by)
      // Presence is some seconds old. Where nobody listened nothing was done, so that the next may be asked.
      if (answered.failed !== 'no-responders') break
    }
    throw last ?? missing(wanted)
  }

  /** Those that run come first. */
  function agentsWith ({ server, vantage, hook }: Wanted): string[] {
    const having = presence.all().filter(each => each.vantage === vantage && hooksOf(each, server)?.includes(hook) === true)
    return having.toSorted((a, b) => Number(b.state === 'running') - Number(a.state === 'running')).map(({ agent }) => agent)
  }

  function missing ({ server, vantage, hook }: Wanted): Error {
    const there = presence.all().filter(each => each.vantage === vantage)
    if (there.length === 0) return refusal('no-agent', `Start an agent of ${vantage} on the host of '${server}': none is there. Nothing was done.`, { retryAfterSeconds: 10 })
    const [lesser] = there.filter(each => hooksOf(each, server) !== undefined)
    const names = there.slice(0, MOST_NAMED).map(({ agent }) => agent).join(', ')
    return refusal('hook-missing', lesser === undefined
      ? `No agent of ${vantage} has '${server}' in its hooks file (there: ${names}${there.length > MOST_NAMED ? ', …' : ''}). Add it with its '${hook}' to the file of the agent on that host, and start that agent again. Nothing was done.`
      : `The agent ${lesser.agent} of ${vantage} has '${server}' in its hooks file, but no '${hook}' of it (${hooksOf(lesser, server)?.join(', ') || 'none'}). Add it there, and start that agent again. Nothing was done.`)
  }
}

function hooksOf ({ hooks = {} }: AgentPresence, server: string): readonly string[] | undefined {
  return Object.hasOwn(hooks, server) ? hooks[server] : undefined
}

/** The honest answer where an agent gave none. */
function unanswered ({ failed, says }: Unanswered, vantage: string, agent: string): Error {
  const who = `the agent ${agent} of ${vantage}`
  switch (failed) {
    case 'no-responders': return refusal('no-agent', `Start ${who}: it is not listening. Nothing was done.`, { retryAfterSeconds: 10 })
    case 'disconnected': return refusal('bus-unreachable', 'The bus went away; whether it was done is not known. Ask for the status when it is back.', { retryAfterSeconds: 5 })
    case 'timeout': return refusal('agent-timeout', `No answer came from ${who}; whether it was done is not known. Ask for the status.`)
    case 'refused': return refusal('agent-refused', `Refused by ${who}: ${quoted(says, 400)}.`)
    case 'malformed': return refusal('malformed-answer', `What ${who} answered cannot be read; let agent and control be of one release.`)
    default: return unreachable(failed)
  }
}
