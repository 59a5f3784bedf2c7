/** What a live event is about: which topics tell it, and whether a later one makes it void. */
import type { LiveEvent } from '@dialtone/contracts'
import { unreachable } from '@dialtone/kernel'
import { refusal } from '../http/problem.ts'

/** The topics of whole kinds. Beside them: `domain:NAME`, `pair:OURS/PEER`, `check:ID`, `gateway:NAME`, each with all that is told of it. */
export const TOPICS = ['verdict', 'incident', 'change', 'agent', 'resource', 'check', 'summary', 'gateway', 'gateway-event'] as const
/** What only who asks for it is told. */
const ASKED_FOR: ReadonlySet<string> = new Set(['check', 'gateway-event'])

const MOST_TOPICS = 32
const NAME = /^[a-z0-9_][a-z0-9_.-]{0,252}$/

/** Of a subject only the last event counts. Causes that changed twice between two flushes are in the history, not here. */
export function subjectOf (event: LiveEvent): string {
  switch (event.on) {
    case 'verdict.changed': return `verdict ${event.row.domain} ${event.row.peer ?? ''}`
    case 'change': return `change ${event.change.id}`
    case 'agent': return `agent ${event.agent.vantage} ${event.agent.agent}`
    case 'agent.gone': return `agent ${event.vantage} ${event.agent}`
    case 'resource.changed': return `resource ${event.kind} ${event.name}`
    case 'check': return `check ${event.check.id}`
    case 'summary': return 'summary'
    case 'gateway': return `gateway ${event.gateway.gateway}`
    // What happened is told each time.
    case 'gateway.event': return `gateway.event ${event.n}`
    // Every step in the life of an incident is told: opened and confirmed are two things to a reader.
    case 'incident.opened': case 'incident.confirmed': case 'incident.cause-changed': case 'incident.reminded': case 'incident.recovered': case 'incident.resolved': case 'incident.withdrawn':
      return `${event.on} ${event.incident.id}`
    default: return unreachable(event)
  }
}

export function topicsOf (event: LiveEvent): string[] {
  switch (event.on) {
    case 'verdict.changed': return ['verdict', ...about(event.row.domain, event.row.peer)]
    case 'change': return ['change', ...about(event.change.domain)]
    case 'agent': case 'agent.gone': return ['agent']
    case 'resource.changed': return ['resource']
    case 'check': return ['check', `check:${event.check.id}`, ...about(event.check.ours ?? event.check.domain, event.check.ours === undefined ? undefined : event.check.domain)]
    case 'summary': return ['summary']
    case 'gateway': return ['gateway', `gateway:${event.gateway.gateway}`]
    case 'gateway.event': return ['gateway-event', `gateway:${event.event.gateway}`]
    case 'incident.opened': case 'incident.confirmed': case 'incident.cause-changed': case 'incident.reminded': case 'incident.recovered': case 'incident.resolved': case 'incident.withdrawn':
      return ['incident', ...event.incident.subjects.slice(0, 100).flatMap(({ domain, peer }) => about(domain, peer)), `domain:${event.incident.domain}`]
    default: return unreachable(event)
  }
}

function about (domain: string, peer?: string): string[] {
  return peer === undefined ? [`domain:${domain}`] : [`domain:${domain}`, `domain:${peer}`, `pair:${domain}/${peer}`]
}

/** The topics of a query; without one, all but single checks and what happens at gateways. Refuses what is none. */
export function parseTopics (text: string | undefined): string[] {
  if (text === undefined || text === '') return TOPICS.filter(topic => !ASKED_FOR.has(topic))
  const topics = text.split(',')
  if (topics.length > MOST_TOPICS) throw refusal('invalid-request', `Ask for at most ${MOST_TOPICS} topics on one stream.`, { pointer: '/topics' })
  for (const topic of topics) {
    if (!isTopic(topic)) throw refusal('invalid-request', `Each of topics is one of ${TOPICS.join(', ')}, domain:NAME, pair:OURS/PEER, check:ID or gateway:NAME.`, { pointer: '/topics' })
  }
  return topics
}

function isTopic (topic: string): boolean {
  if ((TOPICS as readonly string[]).includes(topic)) return true
  const [kind, name = '', ...rest] = topic.split(':')
  if (rest.length > 0) return false
  if (kind === 'pair') return name.split('/').length === 2 && name.split('/').every(part => NAME.test(part))
  if (kind === 'gateway') return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)
  return kind === 'domain' ? NAME.test(name) : kind === 'check' && /^[A-Za-z0-9_-]{1,64}$/.test(name)
}
