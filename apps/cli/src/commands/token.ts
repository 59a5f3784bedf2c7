// dialtone token: who may ask the control API. A token is printed once, when it is made.
import type { TokenView } from '@dialtone/contracts'
import { OperatorError, quoted } from '@dialtone/kernel'
import { ASKING, apiOf, asJson, type Environment } from '../client/command.ts'
import { ROLES } from '../client/roles.ts'
import { TOKEN_HELP } from '../help.ts'
import { countOf, formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { tokenTable } from '../text/fleet.ts'

const OPTIONS = { ...ASKING, role: { type: 'string' }, days: { type: 'string' } } as const
const DAY_MS = 86_400_000

export async function runToken (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('token', OPTIONS, args)
  if (values.help === true) return out.print(TOKEN_HELP)
  const [verb, name, ...others] = positionals
  const json = formatOf(values) === 'json'
  if (others.length > 0 || !['create', 'list', 'delete'].includes(verb ?? '') || (verb === 'list') !== (name === undefined)) throw new OperatorError('usage', "token takes 'create NAME --role ROLE', 'list' or 'delete NAME'. See: dialtone token --help")
  const role = values.role ?? 'viewer'
  if (!ROLES.some(known => known === role)) throw new OperatorError('usage', `--role '${quoted(role, 40)}' is not known: one of ${ROLES.join(', ')}`)
  const days = values.days === undefined ? undefined : countOf('--days', values.days, 1, 3650)
  const api = await apiOf(values, environment, signal)
  if (verb === 'list') {
    const found = await api.get<{ asOf?: string, tokens: TokenView[] }>('/v1/tokens')
    return out.print(json ? asJson(found) : [...tokenTable(found.tokens, found.asOf ?? new Date().toISOString(), out.terminal), ''].join('\n'))
  }
  if (verb === 'delete') {
    await api.send('DELETE', `/v1/tokens/${encodeURIComponent(name ?? '')}`)
    return out.print(json ? asJson({ deleted: name }) : `token ${quoted(name ?? '', 63)} is deleted: who has it is refused from now on\n`)
  }
  const { body } = await api.send<TokenView & { token: string }>('POST', '/v1/tokens', { name, role, ...(days === undefined ? {} : { expiresAt: new Date(Date.now() + days * DAY_MS).toISOString() }) })
  if (json) return out.print(asJson(body))
  // The token alone on standard output, so that it can be kept in a file.
  out.progress(`token ${quoted(body.name, 63)}, role ${body.role}${body.expiresAt === undefined ? '' : `, until ${body.expiresAt}`}; it is not shown again:\n`)
  return out.print(`${quoted(body.token, 400)}\n`)
}
