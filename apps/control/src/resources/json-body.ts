/** JSON as it comes: read as UTF-8 and nothing else, and with a word for what is JSON and still not taken. */
import type { FastifyBodyParser, FastifyInstance } from 'fastify'
import { problem } from './problem.ts'

/** For `app.addContentTypeParser(type, { parseAs: 'string' }, …)`. */
export function jsonBody (app: Pick<FastifyInstance, 'getDefaultJsonParser'>): FastifyBodyParser<string> {
  const parse = app.getDefaultJsonParser('error', 'error')
  return (request, text, done) => {
    const [, charset] = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(request.headers['content-type'] ?? '') ?? []
    if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset)) return done(problem(415, 'unsupported-media-type', 'The body must be JSON in UTF-8; send it so, and without another charset in Content-Type.'))
    if (openings(text) > MOST_OPENINGS) return done(problem(413, 'too-large', `The body has more than ${MOST_OPENINGS} lists and objects; send less at once.`))
    void parse(request, text, (error, value: unknown) => {
      if (error === null) done(null, value)
      else done(isJson(text) ? poisoned(text) : error)
    })
  }
}

/** Reading holds up everybody else, and lists and objects are what takes long. 40,000 resources have 25 each. */
const MOST_OPENINGS = 1_000_000

/** At least as many as there are lists and objects in it. Stops when there are too many. */
function openings (text: string): number {
  let count = 0
  if (text.length <= MOST_OPENINGS) return count
  for (const opening of '[{') {
    for (let at = text.indexOf(opening); at !== -1 && count <= MOST_OPENINGS; at = text.indexOf(opening, at + 1)) count++
  }
  return count
}

/** It is valid, and was refused for a key by which objects of a program are changed. */
function poisoned (text: string): Error {
  const key = /"(_|\\u005f){2}/i.test(text) ? '__proto__' : 'constructor'
  return problem(400, 'invalid-json', `The body has the key '${key}', which is a field of nothing; leave it out.`)
}

function isJson (text: string): boolean {
  try {
    JSON.parse(text)
    return text !== ''
  } catch {
    return false
  }
}
