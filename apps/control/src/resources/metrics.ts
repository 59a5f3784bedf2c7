import type { Metric } from '@dialtone/kernel'
import { accessRefused, accessTokens } from '../access/access.ts'
import { assignmentTargets } from '../assign/assigner.ts'
import { assignmentWrites } from '../assign/told.ts'
import { auditEntries, auditLost, auditWaiting } from '../audit/audit.ts'
import { configurationRaces, configurationResources, configurationRevision, configurationWrites } from '../configuration/store.ts'

/** All that the configuration, its writers and its readers count. */
export const RESOURCE_METRICS: readonly Metric[] = [
  configurationRevision, configurationResources, configurationWrites, configurationRaces, assignmentTargets, assignmentWrites, accessTokens, accessRefused, auditEntries, auditWaiting, auditLost,
]
