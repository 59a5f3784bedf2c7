// What became of an apply: a line for each resource that is touched, its fields below, and what the linter says of the whole.
import type { ApplyResult } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'
import { wrap, type Colour, type Terminal } from '../terminal.ts'

const COLOUR: Record<ApplyResult['results'][number]['result'], Colour> = { created: 'green', changed: 'yellow', unchanged: 'dim', deleted: 'red' }
const MOST_UNCHANGED = 20
const LEVEL_COLOUR: Record<ApplyResult['lint'][number]['level'], Colour> = { error: 'red', warning: 'yellow', notice: 'dim' }

export function appliedText ({ results, counts, revision, lint, lintLeftOut, dryRun, elsewhere }: ApplyResult & { /** Findings about resources that nobody wrote about. */ elsewhere: number }, { paint, columns }: Terminal): string {
  const touched = results.filter(({ result }) => result !== 'unchanged')
  const unchanged = results.filter(({ result }) => result === 'unchanged')
  return [
    ...touched.flatMap(({ kind, name, result, diff = [] }) => [
      `${paint(COLOUR[result], result.padEnd(9))} ${kind} ${quoted(name, 253)}`,
      ...(result === 'changed' ? diff.flatMap(({ pointer, before, after }) => [
        ...(before === undefined ? [] : [paint('red', `          - ${field(pointer)}: ${value(before)}`)]),
        ...(after === undefined ? [] : [paint('green', `          + ${field(pointer)}: ${value(after)}`)]),
      ]) : []),
    ]),
    ...(unchanged.length > MOST_UNCHANGED ? [] : unchanged.map(({ kind, name }) => paint('dim', `unchanged ${kind} ${quoted(name, 253)}`))),
    ...lint.map(({ level, resource, says }) => `${paint(LEVEL_COLOUR[level], level.padEnd(9))} ${wrap(`${resource === undefined || says.includes(resource) ? '' : `${quoted(resource, 120)}: `}${quoted(says, 400)}`, columns - 10, '          ')}`),
    ...(lintLeftOut === undefined || lintLeftOut === 0 ? [] : [`          and ${lintLeftOut} more findings`]),
    ...(elsewhere === 0 ? [] : [paint('dim', `          ${elsewhere} ${elsewhere === 1 ? 'finding' : 'findings'} about other resources: see GET /v1/lint`)]),
    `${dryRun ? 'would be: ' : ''}${counts.created} created, ${counts.changed} changed, ${counts.unchanged} unchanged, ${counts.deleted} deleted; revision ${revision}${dryRun ? '; nothing is applied' : ''}`, '',
  ].join('\n')
}

/** `/spec/internal/0` as `internal.0`. */
function field (pointer: string): string {
  return quoted(pointer.split('/').slice(1).filter((step, at) => at > 0 || step !== 'spec').join('.'), 200)
}

function value (found: unknown): string {
  return quoted(JSON.stringify(found).replaceAll('\\', '/'), 200)
}
