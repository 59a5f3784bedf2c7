// The gateway: carries federation between zones by policy, and says what it saw.

export { start, type Gateway, type StartOptions } from './start.ts'
export { GatewayConfig, readConfig } from './configuration/config.ts'
export { HELP, main, type Signals } from './main.ts'
