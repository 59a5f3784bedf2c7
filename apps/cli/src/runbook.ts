// The runbooks as files: beside the code in a checkout and in the container.
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Cause, Verdict } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'

const ROOT = resolve(import.meta.dirname, '../../..')

/** Where the runbook of a cause is, from the root of the checkout. */
export function runbookFile (cause: Cause): string {
  return `docs/operating/runbooks/${cause}.md`
}

/** With the runbook of its cause, for who reads JSON; what is as it should be needs none. */
export function withRunbook<T extends { verdict: Verdict }> (report: T): T {
  return report.verdict.cause === 'healthy' ? report : { ...report, verdict: { ...report.verdict, runbook: runbookFile(report.verdict.cause) } }
}

/** The page itself. */
export function runbookText (cause: Cause): string {
  try {
    return readFileSync(join(ROOT, runbookFile(cause)), 'utf8')
  } catch {
    throw new OperatorError('not-found', `this installation came without ${runbookFile(cause)}; a control API has it at /runbooks/${cause}`)
  }
}
