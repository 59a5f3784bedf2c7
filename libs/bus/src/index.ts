// The bus, in its two forms. Engines and apps know it by the interface of the contracts alone.

export { createEmbeddedBus, type EmbeddedBusOptions } from './embedded/embedded-bus.ts'
export { connectNats, type NatsBusOptions } from './nats/connect-nats.ts'
export type { NatsCredentials } from './nats/link.ts'
export { natsAccounts, permissionsFor, type NatsApp, type NatsIdentity, type Permissions } from './nats/permissions.ts'
export { isBeyondLoopback, type NatsNode, type NatsTls } from './nats/server-configuration.ts'
export { outdatedIn, writeNatsUsers, type NatsUsersOptions } from './nats/write-users.ts'
export { servedForEver, watchForEver } from './begun-for-ever.ts'
export { BUS_METRICS } from './metrics.ts'
export { LIMITS, type LimitChanges, type Limits, type StreamLimits } from './limits.ts'
