// What the process around the engine counts.
import { defineCounter, defineGauge } from '@dialtone/kernel'

export const configurations = defineCounter('dialtone_gateway_configurations_total', 'Configurations that came: taken, or refused, and then the last good one is worked by', ['outcome'])
export const configurationGood = defineGauge('dialtone_gateway_configuration_good', '1 while the last configuration that came is the one that is worked by')
export const ready = defineGauge('dialtone_gateway_ready', '1 while peers are well served here: it runs, by a configuration, and nothing of it is unhealthy', ['gateway'])
export const eventsWithheld = defineCounter('dialtone_gateway_events_withheld_total', 'Events for people who watch that this gateway did not tell, because there were too many')
export const factsPublished = defineCounter('dialtone_gateway_facts_total', 'Facts about pairs: published, or replaced by newer ones before the bus took them, or dropped because too many pairs waited', ['outcome'])

export const GATEWAY_METRICS = [configurations, configurationGood, ready, eventsWithheld, factsPublished]
