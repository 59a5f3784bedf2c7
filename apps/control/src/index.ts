// Control: the configuration, the verdicts, and the API of a fleet.

export { start, type Control, type ControlNeeds } from './start.ts'
export { ControlConfig, isLoopback, parseControlConfig, readControlConfig } from './http/config.ts'
export { HELP, main } from './main.ts'
export { backupStore } from '@dialtone/store'
