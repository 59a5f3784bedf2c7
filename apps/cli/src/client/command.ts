// What every command that asks a control API begins with.
import { OperatorError, quoted } from '@dialtone/kernel'
import { domainOf } from '../network-words.ts'
import { openApi, type Api } from './api.ts'
import { CONNECTION, connectionOf, type ConnectionValues } from './connection.ts'
import { COMMON } from '../options.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The options that all of them understand. */
export const ASKING = { ...COMMON, ...CONNECTION } as const

/** The API that the options, the environment or this machine name, once it has said which API it speaks. */
export async function apiOf (values: ConnectionValues, environment: Environment, signal: AbortSignal): Promise<Api> {
  return await openApi(await connectionOf(values, environment, signal), signal)
}

/** DOMAIN, or DOMAIN PEER. */
export function subjectIn (command: string, positionals: readonly string[]): { domain: string, peer?: string } {
  const [domain, peer, ...others] = positionals
  if (domain === undefined || others.length > 0) throw new OperatorError('usage', `${command} takes a domain, or one of ours and a peer. For example: dialtone ${command} ours.example partner.example`)
  return { domain: domainOf(domain), ...(peer === undefined ? {} : { peer: domainOf(peer) }) }
}

/** NAME alone: of a gateway. */
export function nameIn (command: string, positionals: readonly string[]): string {
  const [name, ...others] = positionals
  if (name === undefined || others.length > 0) throw new OperatorError('usage', `${command} takes the name of one gateway. For example: dialtone ${command} edge`)
  return name
}

/** No arguments beside the options. */
export function noneIn (command: string, positionals: readonly string[]): void {
  if (positionals[0] !== undefined) throw new OperatorError('usage', `${command} takes no '${quoted(positionals[0], 60)}'. See: dialtone ${command} --help`)
}

export function asJson (value: unknown): string {
  return JSON.stringify(value, null, 2) + '\n'
}

/** Every page of a list, up to `most` entries; the last answer with all of them in `field`. */
export async function allPages<F extends string, T> (api: Api, path: string, field: F, query: Record<string, string | number | undefined>, most = 100_000): Promise<{ asOf: string } & Record<F, T[]>> {
  const all: T[] = []
  for (let cursor: string | undefined; ;) {
    const page: { asOf: string, next?: string } & Record<F, T[]> = await api.get(path, { limit: 200, ...query, cursor })
    all.push(...page[field])
    if (page.next === undefined || all.length >= most) return { ...page, [field]: all }
    cursor = page.next
  }
}
