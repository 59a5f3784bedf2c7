// Every scenario, in the order in which they are shown; and what no scenario shows, with the reason.
import type { Cause } from '@dialtone/contracts'
import type { Scenario } from '../scenario.ts'
import { AUTHENTICATION } from './authentication.ts'
import { CERTIFICATE } from './certificate.ts'
import { DEGRADED } from './degraded.ts'
import { DIALBACK } from './dialback.ts'
import { DNS } from './dns.ts'
import { HEALTHY } from './healthy.ts'
import { SERVICE } from './service.ts'
import { TLS } from './tls.ts'

export const SCENARIOS: readonly Scenario[] = [...HEALTHY, ...DEGRADED, ...DNS, ...SERVICE, ...TLS, ...CERTIFICATE, ...AUTHENTICATION, ...DIALBACK]

const VANTAGES = 'several vantages must be compared'

/** Causes that one vantage cannot prove. */
export const NOT_SHOWN: Partial<Record<Cause, string>> = {
  'dns.split-view': VANTAGES,
  'path.inbound-blocked': VANTAGES,
  'path.inbound-refused': VANTAGES,
  'path.outbound-blocked': VANTAGES,
  'path.peer-blocked': VANTAGES,
  'path.interfered': VANTAGES,
  'peer.partition': VANTAGES,
  'tls.required-by-peer': 'a light check uses TLS wherever it is offered',
  'policy.refused-by-us': 'our own policy belongs to the gateway',
  'vantage.unhealthy': 'the vantage is this machine, which must stay well',
}
