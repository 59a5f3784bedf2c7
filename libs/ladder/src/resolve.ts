// DNS for one domain: rounds of questions until discovery has its plan.
import { createHash } from 'node:crypto'
import type { DnsAnswer } from '@dialtone/contracts'
import { discover, type Plan, type Question } from '@dialtone/discovery'
import { createResolver, type Resolver } from '@dialtone/net'
import type { Progress } from './progress.ts'
import type { CheckRequest } from './request.ts'

const ROUNDS = 8

/** `messages` takes the DNS messages, by digest. */
export type Resolving = { signal: AbortSignal, progress: (progress: Progress) => void, since: () => number, messages: Record<string, string> }

export async function resolve (request: Pick<CheckRequest, 'domain' | 'resolver' | 'timeoutsMs' | 'fallbackPort' | 'controlName' | 'overrides'>, { signal, progress, since, messages }: Resolving): Promise<{ dns: DnsAnswer[], plan: Plan }> {
  const resolver = createResolver({ address: request.resolver.address, port: request.resolver.port, timeoutMs: request.timeoutsMs.dns })
  const dns: DnsAnswer[] = []
  let asked = 0
  for (let round = 0; round < ROUNDS; round++) {
    const step = discover({ domain: request.domain, answers: dns, options: request })
    if ('plan' in step) return { dns, plan: step.plan }
    asked += step.ask.length
    let answered = dns.length
    dns.push(...await Promise.all(step.ask.map(async question => {
      const answer = await askOne(resolver, question, signal, since, messages)
      progress({ at: 'dns', asked, answered: ++answered })
      return answer
    })))
  }
  throw new TypeError('discovery did not end')
}

async function askOne (resolver: Resolver, { purpose, ...question }: Question, signal: AbortSignal, since: () => number, messages: Record<string, string>): Promise<DnsAnswer> {
  const atMs = since()
  const { answer, message } = await resolver.ask(question, signal)
  if (message === undefined) return { ...answer, purpose, atMs }
  const digest = createHash('sha256').update(message).digest('hex')
  messages[digest] = Buffer.from(message).toString('base64')
  return { ...answer, purpose, atMs, message: digest }
}
