/** What the control API answers about gateways, and what operators ask of them. */
import { Type, type Static } from 'typebox'
import { CommandDone } from './api-commands.ts'
import { GATEWAY_STATES, GatewayPresence, QueueView, RouteExplanation, StreamView } from './gateway.ts'
import { DomainName, Name, Text, Time, closed } from './resources/common.ts'

const Count = Type.Integer({ minimum: 0 })

/** A gateway: what is wanted of it, and how it is. */
export const GatewayView = Type.Object({
  gateway: Name,
  /** Of the Gateway resource; absent: there is none, whoever runs under its name. */
  desired: Type.Optional(Type.Enum(['running', 'draining', 'stopped'])),
  revision: Type.Optional(Type.Integer({ description: 'Of the Gateway resource: it works by it when the revision of its presence is not lower' })),
  state: Type.Enum([...GATEWAY_STATES, 'absent'], { description: 'absent: no process tells of itself under this name' }),
  healthy: Type.Boolean(),
  /** What an operator should know first. */
  says: Type.String(),
  /** Every accepted stanza is in exactly one place: `accepted` = `accounted` = outcomes + queued + on streams. */
  conservation: Type.Optional(Type.Object({ accepted: Count, accounted: Count, holds: Type.Boolean() }, closed)),
  /** Zones whose secret other gateways take from the same reference, and have another behind it. */
  secretsDiffer: Type.Optional(Type.Array(Type.Object({ zone: Name, reference: Type.String(), gateways: Type.Array(Name) }, closed))),
  /** Zones that are wanted otherwise than running, or are otherwise. */
  zones: Type.Optional(Type.Array(Type.Object({ zone: Name, desired: Type.Enum(['running', 'draining', 'stopped']), says: Type.String() }, closed))),
  presence: Type.Optional(GatewayPresence),
}, closed)
export type GatewayView = Static<typeof GatewayView>

export const GatewayStatus = Type.Object({ asOf: Time, ...GatewayView.properties }, closed)
export type GatewayStatus = Static<typeof GatewayStatus>
/** `all`: how many there are; those that are listed were chosen by the gateway. */
export const StreamsOfGateway = Type.Object({ asOf: Time, gateway: Name, streams: Type.Array(StreamView), all: Count }, closed)
export type StreamsOfGateway = Static<typeof StreamsOfGateway>
export const QueuesOfGateway = Type.Object({ asOf: Time, gateway: Name, queues: Type.Array(QueueView), all: Count }, closed)
export type QueuesOfGateway = Static<typeof QueuesOfGateway>
/** One of each gateway that answered. `unanswered`: those that are there, and why they did not. */
export const RouteExplanations = Type.Object({ asOf: Time, explanations: Type.Array(RouteExplanation), unanswered: Type.Array(Type.Object({ gateway: Name, says: Type.String() }, closed)) }, closed)
export type RouteExplanations = Static<typeof RouteExplanations>

/** What an operator wants of a gateway in the long run: kept in its resource, so that it outlives every process. */
export const GATEWAY_WANTS = ['start', 'drain', 'stop', 'hold', 'release', 'block', 'unblock'] as const
export type GatewayWant = (typeof GATEWAY_WANTS)[number]
/** What is done at once and forgotten. */
export const GATEWAY_ACTS = ['retry', 'close', 'flush', 'drop', 'reload', 'trace'] as const
export type GatewayActWord = (typeof GATEWAY_ACTS)[number]

const scope = {
  zone: Type.Optional(Name), peer: Type.Optional(DomainName),
  pair: Type.Optional(Type.Object({ ours: DomainName, peer: DomainName }, { ...closed, description: 'A domain of ours and a peer' })),
}
const why = { reason: Type.Optional(Text(400)), ticket: Type.Optional(Text(100)), dryRun: Type.Optional(Type.Boolean({ description: 'Say what would be done, and do nothing; default false' })) }

/** At most one of `zone`, `peer` and `pair`; none: the whole gateway. */
export const GatewayWantRequest = Type.Object({
  ...scope,
  deadlineSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 86_400, description: 'Of a drain or stop: after that what is left is bounced; kept as drainSeconds of the gateway. Default what is there, else 30' })),
  wait: Type.Optional(Type.Integer({ minimum: 0, maximum: 600, description: 'Seconds to wait until the gateway tells that it is so; default 0. Many HTTP clients give up after 300, so that dialtone gateway --wait takes 240 at most' })),
  ...why,
}, closed)
export type GatewayWantRequest = Static<typeof GatewayWantRequest>
export const GatewayActRequest = Type.Object({ ...scope, stream: Type.Optional(Text(64, 'Of close and trace: the id of one stream')), seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 600, description: 'Of trace: how long to record; default 60' })), ...why }, closed)
export type GatewayActRequest = Static<typeof GatewayActRequest>

/** `watch`: where its progress is seen. `reached`: where it was waited for, whether it was so before the time was over; `gateway`: how it was then. */
export const GatewayDone = Type.Object({ ...CommandDone.properties, watch: Type.Optional(Type.String()), reached: Type.Optional(Type.Boolean()), gateway: Type.Optional(GatewayView), next: Type.Optional(Type.Integer({ description: 'Of trace: where what is recorded from now on begins' })) }, closed)
export type GatewayDone = Static<typeof GatewayDone>

/** What was said on the streams that are traced: names, domains, sizes and conditions. `next`: to be given as `after` the next time. */
export const GatewayTrace = Type.Object({ lines: Type.Array(Text(1000), { maxItems: 500 }), next: Type.Integer({ minimum: 0 }), says: Text(600) }, closed)
export type GatewayTrace = Static<typeof GatewayTrace>
