/** Asks a gateway something over the bus. */
import type { Bus, CommandType, GatewayView, Unanswered } from '@dialtone/contracts'
import { quoted, unreachable } from '@dialtone/kernel'
import type { Static, TSchema } from 'typebox'
import { refusal } from '../http/problem.ts'
import type { Gateways } from '../live/gateways.ts'

const ASK_MS = 5000

/** Throws the Refusal that says what to do where no answer came: 404 of a name that nobody knows, 503 where nobody listens. */
export async function askGateway<Q extends TSchema, A extends TSchema> ({ bus, gateways }: { bus: Pick<Bus, 'connected' | 'request'>, gateways: Gateways }, type: CommandType<Q, A>, name: string, body: Static<Q>): Promise<Static<A>> {
  const view = knownGateway(gateways, name)
  if (!bus.connected) throw refusal('bus-unreachable', 'Gateways cannot be asked while the bus is away; they carry on from what they know. Try again when /readyz says that it is back.', { retryAfterSeconds: 5 })
  const answered = await bus.request(type, [name], body, { timeoutMs: ASK_MS })
  if ('answer' in answered) return answered.answer
  throw unanswered(answered, view)
}

/** Throws 404 where there is none of that name, neither wanted nor running. */
export function knownGateway (gateways: Gateways, name: string): GatewayView {
  const view = gateways.get(name)
  if (view === undefined) throw refusal('not-found', `There is no gateway '${name}': no Gateway resource has that name, and nobody tells of itself under it; GET /v1/gateways lists those that there are, and PUT /v1/gateways/${name} makes one.`)
  return view
}

function unanswered ({ failed, says }: Unanswered, { gateway, state }: GatewayView): Error {
  const it = `the gateway '${gateway}'`
  switch (failed) {
    case 'no-responders': return refusal('no-gateway', state === 'absent' ? `Start ${it}: nobody tells of itself under that name, so nobody can be asked.` : `Try again in a moment: ${it} told of itself a few seconds ago and does not listen now; if it stays so, see its log.`, { retryAfterSeconds: 10 })
    case 'disconnected': return refusal('bus-unreachable', `The bus went away; whether ${it} did it is not known. Ask for its status when the bus is back.`, { retryAfterSeconds: 5 })
    case 'timeout': return refusal('gateway-timeout', `No answer came from ${it} in ${ASK_MS / 1000} s; whether it was done is not known. See GET /v1/gateways/${gateway}/status, and its log.`, { retryAfterSeconds: 10 })
    case 'refused': return refusal('gateway-refused', `Refused by ${it}: ${quoted(says, 400).replace(/\.$/, '')}.`)
    case 'malformed': return refusal('malformed-answer', `What ${it} answered cannot be read; let gateway and control be of one release.`)
    default: return unreachable(failed)
  }
}
