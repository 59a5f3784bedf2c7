/**
 * What was loaded becomes the configuration, all of it or nothing, and what that changes. What the server finds wrong is told with the line where it was
 * written.
 */
import type { ApplyResult } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import type { Api } from '../client/api.ts'
import { Refusal } from '../client/refusal.ts'
import type { Loaded } from './load.ts'

export async function apply (api: Api, loaded: Loaded, { dryRun, prune }: { dryRun: boolean, prune: boolean }): Promise<ApplyResult> {
  try {
    const { body } = await api.send<ApplyResult>('POST', '/v1/apply', { resources: loaded.resources, ...(prune ? { prune: true } : {}) }, { query: { dryRun: dryRun ? true : undefined } })
    return body
  } catch (error) {
    throw placed(error, loaded)
  }
}

function placed (error: unknown, { placeOf }: Loaded): unknown {
  if (!(error instanceof Refusal) || error.code !== 'configuration' || error.problems.length === 0) return error
  const lines = error.problems.map(({ pointer, says, resource }) => {
    const inside = pointer.startsWith('/resources/') ? pointer.split('/').slice(3) : pointer.split('/').slice(1)
    // Some sentences name it themselves.
    const named = resource === undefined || says.startsWith(resource)
    return [placeOf(pointer, resource), named ? undefined : quoted(resource, 120), `${named && resource !== undefined ? '' : `${quoted(inside.join('.'), 200)} `}${quoted(says, 400)}`].filter(part => part !== undefined).join(': ')
  })
  return new OperatorError('configuration', `nothing is applied; ${lines.length === 1 ? 'one thing is' : `${lines.length} things are`} wrong:\n  ${lines.join('\n  ')}`)
}
