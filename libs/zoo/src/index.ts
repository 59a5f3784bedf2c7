// Failures on purpose: an embedded resolver, scripted peers, and one scenario per failure, on loopback.

export { DOMAIN, HOST, OURS, type Counterpart, type Host, type HostAddress, type PortName, type Scenario, type ScenarioRecord } from './scenario.ts'
export { NOT_SHOWN, SCENARIOS } from './scenarios/catalogue.ts'
export { startScenario, type RunningScenario } from './start-scenario.ts'
export { PATIENT, type ScenarioRequest, type ScenarioTimeouts } from './request.ts'
export { startDnsServer, type DnsServer } from './dns/server.ts'
export type { Misbehaviour, Rule, Zone, ZoneRecord } from './dns/zone.ts'
export { certificateFor, trustedRoot, type CertificateSpec, type Issued } from './certificates/certificates.ts'
export type { Names } from './certificates/subject-alternative-name.ts'
export { startPeer, type Peer } from './peer/server.ts'
export { openBlackhole, type Blackhole } from './peer/blackhole.ts'
export type { FeatureOptions, HeaderOptions, Script, Step, TlsOptions } from './peer/steps.ts'
export { GOOD, afterHeader, afterTls, clearServer, directServer, starttlsServer, untilStarttls, type Server } from './peer/scripts.ts'
