// From a domain to an ordered plan of what to connect to, one round of DNS questions at a time.

export { discover, portProbes, saysNo, srvRecords, type DiscoveryOptions, type DiscoveryOutcome, type Plan, type PlannedEndpoint, type Question, type SrvRecord } from './discover.ts'
