/** Where control serves the runbook of a cause or an alert, relative to its address. No token is needed to read it. */
export function runbookOf (name: string): string {
  return `/runbooks/${name}`
}
