// dialtone incidents: what is wrong, one line a cause, however many pairs it stops.
import type { Incident } from '@dialtone/contracts'
import { ASKING, allPages, apiOf, asJson, type Environment } from '../client/command.ts'
import { INCIDENTS_HELP } from '../help.ts'
import { domainOf } from '../network-words.ts'
import { formatOf, parse } from '../options.ts'
import type { Out } from '../out.ts'
import { incidentTable } from '../text/fleet.ts'

const OPTIONS = { ...ASKING, all: { type: 'boolean' }, cause: { type: 'string' } } as const
/** Of those that are over; all that are open are shown. */
const MOST = 1000
/** To find those of a peer. */
const MOST_SEARCHED = 20_000

export async function runIncidents (args: readonly string[], out: Out, signal: AbortSignal, environment: Environment): Promise<number> {
  const { values, positionals } = parse('incidents', OPTIONS, args)
  if (values.help === true) return out.print(INCIDENTS_HELP)
  const [domain] = positionals
  const api = await apiOf(values, environment, signal)
  const query = { ...(values.all === true ? {} : { open: 'true' }), cause: values.cause }
  const asked = (more: Record<string, string>, most: number) => allPages<'incidents', Incident>(api, '/v1/incidents', 'incidents', { ...query, ...more }, most)
  const page = domain === undefined ? await asked({}, MOST) : await ofName(domainOf(domain), asked)
  if (formatOf(values) === 'json') return out.print(asJson(page))
  return out.print([...(page.incidents.length === 0 ? [values.all === true ? 'there was no incident' : 'no incident is open'] : incidentTable(page.incidents, page.asOf, out.terminal)), ''].join('\n'))
}

type Asked = (more: Record<string, string>, most: number) => Promise<{ asOf: string, incidents: Incident[] }>

/** Those of a domain; of a peer those of its pairs, which the server knows by ours. */
async function ofName (name: string, asked: Asked): Promise<{ asOf: string, incidents: Incident[] }> {
  const page = await asked({ domain: name }, MOST)
  const all = await asked({}, MOST_SEARCHED)
  const known = new Set(page.incidents.map(({ id }) => id))
  return { ...page, incidents: [...page.incidents, ...all.incidents.filter(({ id, subjects }) => !known.has(id) && subjects.some(({ peer }) => peer === name))] }
}
