/** Writes one resource on behalf of a command, and puts it on record. */
import type { Wanted } from '../configuration/wanted.ts'
import { writeResources, type Writing } from '../resources/write.ts'
import type { CommandNeeds } from './needs.ts'

export function editor (writing: Writing): CommandNeeds['edit'] {
  return async (request, { kind, name, change }, { action, dryRun, ...why }) => {
    // Kind and spec belong together by the type of Edit, which a generic call cannot follow.
    const { revision, results: [result] } = await writeResources(writing, request, { action, subject: `${kind}/${name}`, why }, now => [{ put: { kind, name, spec: change(now.get(kind, name)?.spec as never) } as Wanted }], { dryRun })
    return { revision, changed: result?.result !== 'unchanged' }
  }
}
