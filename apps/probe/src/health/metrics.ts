// What an agent knows about itself.
import { defineGauge } from '@dialtone/kernel'

/** Several agents may share a process. */
const OF = ['vantage', 'agent'] as const

export const eventLoopLag = defineGauge('dialtone_agent_event_loop_lag_seconds', 'Longest delay of the event loop in the last period of five seconds', OF)
export const clockOffset = defineGauge('dialtone_agent_clock_offset_seconds', "This clock minus control's, corrected by half the time that asking took; absent while control does not answer", OF)
export const trouble = defineGauge('dialtone_agent_trouble', 'Whether the agent is itself the problem: 0 no, 1 a finding, 2 unhealthy: what it sees is set aside', [...OF, 'what'])

export const HEALTH_METRICS = [eventLoopLag, clockOffset, trouble]
