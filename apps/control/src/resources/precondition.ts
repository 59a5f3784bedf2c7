/** What a request says of the revision that it goes over (RFC 9110 §13). An ETag is the revision of the resource in quotes. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Resource } from '@dialtone/contracts'
import { problem } from './problem.ts'

/** `any`: there must be one. `none`: there must not be one. `unsaid`: nothing was said. */
export type Precondition = 'any' | 'none' | 'unsaid' | readonly number[]

export function etagOf ({ revision }: { revision: number }): string {
  return `"${revision}"`
}

/** Of If-Match and If-None-Match, or of the revision in the body. */
export function preconditionOf (headers: IncomingHttpHeaders, revision?: number): Precondition {
  const [match, noneMatch] = [headers['if-match'], headers['if-none-match']]
  if (match !== undefined && noneMatch !== undefined) throw problem(400, 'invalid-request', 'If-Match and If-None-Match contradict each other; send one of them.')
  if (noneMatch !== undefined && noneMatch.trim() !== '*') throw problem(400, 'invalid-request', "Of If-None-Match, a write takes '*' alone: create it, and replace nothing.")
  const said: Precondition = noneMatch !== undefined ? 'none' : match === undefined ? 'unsaid' : match.trim() === '*' ? 'any' : tagsOf(match)
  if (revision === undefined) return said
  const written: Precondition = revision === 0 ? 'none' : [revision]
  if (said === 'unsaid') return written
  if (said !== 'any' && JSON.stringify(said) !== JSON.stringify(written)) throw problem(400, 'invalid-request', "The header and the field 'revision' of the body name different revisions; send one of them.", { pointer: '/revision' })
  return written
}

/** Throws 412 when what is there is not what was said. */
export function assertMet (said: Precondition, subject: string, is: Resource | undefined): void {
  if (said === 'unsaid') return
  const there = is === undefined ? `${subject} does not exist (any more)` : `${subject} is at revision ${is.revision} now`
  const met = said === 'none' ? is === undefined : said === 'any' ? is !== undefined : is !== undefined && said.includes(is.revision)
  if (!met) throw problem(412, 'revision-mismatch', `${there}, and ${said === 'none' ? 'none' : said === 'any' ? 'some revision' : `revision ${said.join(' or ')}`} was expected; read it again, and decide again.`, is === undefined ? {} : { headers: { etag: etagOf(is) } })
}

/** Whether a reader has this already: weak comparison. */
export function isFresh (headers: IncomingHttpHeaders, etag: string): boolean {
  const given = headers['if-none-match']
  if (given === undefined) return false
  const bare = (tag: string) => tag.trim().replace(/^W\//, '')
  return given.trim() === '*' || given.split(',', 50).some(tag => bare(tag) === bare(etag))
}

/** Weak tags never match strongly, and proxies that compress make them: told apart from a wrong revision. */
function tagsOf (header: string): number[] {
  const tags = header.split(',', 50).map(tag => tag.trim())
  if (tags.some(tag => tag.startsWith('W/'))) throw problem(412, 'revision-mismatch', 'If-Match compares strongly and a weak ETag (W/"…") never matches; send the ETag as GET answered it.')
  return tags.map(tag => {
    const digits = /^"(\d{1,15})"$/.exec(tag)?.[1]
    if (digits === undefined) throw problem(400, 'invalid-request', 'If-Match must be the ETag that GET answered, such as "12", or * for whatever is there.')
    return Number(digits)
  })
}
