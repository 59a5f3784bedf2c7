import { runbookOf, type Cause } from '@dialtone/contracts'

/** With where it is told what to do: a verdict, an incident, a cause. What is as it should be needs none. */
export function withRunbook<T extends { cause: Cause }> (about: T): T & { runbook?: string } {
  return about.cause === 'healthy' ? about : { ...about, runbook: runbookOf(about.cause) }
}
