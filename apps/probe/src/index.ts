// The probe agent: looks at what its vantage is told to, and says what it saw.

export { start, type Probe, type StartOptions } from './start.ts'
export { ProbeConfig, PROBE_DEFAULTS, readConfig } from './configuration/config.ts'
export { HELP, main } from './main.ts'
