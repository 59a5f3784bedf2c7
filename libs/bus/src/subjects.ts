/** Which subject is what said on? One place that makes them, and the only one that reads them again. */
import { OperatorError, quoted } from '@dialtone/kernel'

const PREFIX = 'dialtone.v1'
const TOKEN = /^[A-Za-z0-9_-]{1,63}$/
const DOCUMENT_KEY = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/
const MOST_SUBJECT = 512

/** `dialtone.v1.<noun>.` and the tokens of the key. Throws `bad-key`. */
export function eventSubject (noun: string, key: readonly string[]): string {
  return subjectOf([noun], key)
}

/** `dialtone.v1.command.<verb>.` and the tokens of whom it is for. Throws `bad-key`. */
export function commandSubject (verb: string, to: readonly string[]): string {
  return subjectOf(['command', verb], to)
}

/** Where a bucket says again what was stored in it, for those who watch. */
export function documentSubject (bucket: string, key: string): string {
  return `${PREFIX}.document.${bucket}.${key}`
}

/** The key of what arrived on a subject of this noun; undefined when it is on none. */
export function keyOf (noun: string, subject: string): string[] | undefined {
  const start = `${PREFIX}.${noun}`
  if (subject === start) return []
  return subject.startsWith(`${start}.`) ? subject.slice(start.length + 1).split('.') : undefined
}

export function startsWith (key: readonly string[], start: readonly string[]): boolean {
  return start.every((token, index) => key[index] === token)
}

/** Throws `bad-key` for a key of a document that is not tokens with dots between them. */
export function provedDocumentKey (key: string): string {
  if (key.length > MOST_SUBJECT || !DOCUMENT_KEY.test(key)) throw new OperatorError('bad-key', `the bus has no documents with the key '${quoted(key)}': a key is tokens of A-Z, a-z, 0-9, '_' and '-' with dots between them`)
  return key
}

/** Ids travel in headers. Throws `bad-key`. */
export function provedId (id: string): string {
  if (!/^[\x21-\x7e]{1,200}$/.test(id)) throw new OperatorError('bad-key', `the bus takes no event with the id '${quoted(id)}': an id is 1 to 200 visible ASCII characters`)
  return id
}

function subjectOf (fixed: readonly string[], key: readonly string[]): string {
  const bad = key.find(token => !TOKEN.test(token))
  if (bad !== undefined) throw new OperatorError('bad-key', `the bus has no subject with the token '${quoted(bad)}': a token is 1 to 63 of A-Z, a-z, 0-9, '_' and '-'`)
  const subject = [PREFIX, ...fixed, ...key].join('.')
  if (subject.length > MOST_SUBJECT) throw new OperatorError('bad-key', `the bus has no subjects longer than ${MOST_SUBJECT} characters: '${quoted(subject)}'`)
  return subject
}
