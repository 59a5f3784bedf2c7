// The runbooks as files: beside the code in a checkout and in the container.
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Verdict } from '@dialtone/contracts'
import { OperatorError } from '@dialtone/kernel'

const ROOT = resolve(import.meta.dirname, '../../..')

/** Where the runbook of a cause, or of an alert about Dialtone itself, is, from the root of the checkout. */
export function runbookFile (name: string): string {
  return `docs/operating/runbooks/${name}.md`
}

/** Whether this is an alert that has a page of its own: those about causes are told with the pages of the causes. */
export function hasAlertPage (name: string): boolean {
  return /^Dialtone[A-Za-z]+$/.test(name) && existsSync(join(ROOT, runbookFile(name)))
}

/** With the runbook of its cause, for who reads JSON; what is as it should be needs none. */
export function withRunbook<T extends { verdict: Verdict }> (report: T): T {
  return report.verdict.cause === 'healthy' ? report : { ...report, verdict: { ...report.verdict, runbook: runbookFile(report.verdict.cause) } }
}

/** The page itself. */
export function runbookText (name: string): string {
  try {
    return readFileSync(join(ROOT, runbookFile(name)), 'utf8')
  } catch {
    throw new OperatorError('not-found', `this installation came without ${runbookFile(name)}; a control API has it at /runbooks/${name}`)
  }
}
