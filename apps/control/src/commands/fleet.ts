/** POST /v1/reset: agents forget what they were waiting for, and this instance what it had confirmed. */
import { CommandDone, ResetRequest, ResetTarget } from '@dialtone/contracts/schemas'
import { quoted } from '@dialtone/kernel'
import { Type, type Static } from 'typebox'
import { refusal } from '../http/problem.ts'
import type { App } from '../http/server.ts'
import { closed, given } from '../queries/parameters.ts'
import { actorOf } from '../http/actor.ts'
import type { CommandNeeds } from './needs.ts'
import { reachable } from './reachable.ts'

const NoQuery = Type.Object({}, closed)
const RESET_MS = 5000
const MOST_AGENTS = 256

type Effect = Static<typeof CommandDone>['effects'][number]

export function fleetRoutes (app: App, needs: CommandNeeds): void {
  const { bus, presence, audit, targetsOf, reset } = needs

  app.post('/v1/reset', { config: { role: 'operator' }, schema: { tags: ['commands'], summary: 'Forget back-off and confirmations, so that it is checked afresh', description: 'Of a domain, of a pair, or of everything. Where no vantages are named, the confirmations of the verdicts begin anew too.', querystring: NoQuery, body: ResetRequest, response: { 200: CommandDone } } }, async request => {
    const { domain, peer, vantages, dryRun = false, reason, ticket } = request.body
    if (peer !== undefined && domain === undefined) throw refusal('invalid-request', 'Say which domain of ours it is about, beside the peer.', { pointer: '/domain' })
    const targets = domain === undefined ? undefined : targetsOf(domain, peer)
    if (targets?.length === 0) throw refusal('nothing-to-check', `No vantage has ${domain}${peer === undefined ? '' : ` and ${peer}`} to check; there is nothing to forget.`)
    const agents = presence.all().filter(({ vantage }) => (vantages === undefined || vantages.includes(vantage)) && (targets === undefined || targets.some(each => each.vantage === vantage)))
    if (agents.length === 0) throw refusal('no-agent', 'No agent that has it to check is there; GET /v1/agents lists those that are.', { retryAfterSeconds: 10 })
    if (agents.length > MOST_AGENTS) throw refusal('invalid-request', `This is about ${agents.length} agents, and ${MOST_AGENTS} is the limit: name vantages.`, { pointer: '/vantages' })
    const asks = agents.flatMap(({ vantage, agent }) => (targets === undefined ? [undefined] : targets.filter(each => each.vantage === vantage).map(({ target }) => target.id)).map(target => ({ vantage, agent, target })))
    if (dryRun) return { dryRun, effects: asks.map(({ vantage, agent, target }): Effect => ({ subject: `${vantage}/${agent}`, outcome: 'would-do', says: `would forget ${target ?? 'all'}` })) }
    reachable(bus)
    audit.ready()
    const effects: Effect[] = []
    for (let at = 0; at < asks.length; at += 8) effects.push(...await Promise.all(asks.slice(at, at + 8).map(each => resetOne(each))))
    // What was confirmed is of all vantages together; of some it stays.
    if (vantages === undefined) effects.push(ownReset(reset(given({ domain, peer }))))
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
}

/** What this instance forgot. */
function ownReset (subjects: number): Effect {
  return { subject: 'control', outcome: subjects === 0 ? 'unchanged' : 'done', says: `${subjects} verdicts are confirmed afresh` }
}
