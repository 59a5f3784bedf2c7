/**
 * A mistake that only the operator can mend: a wrong option, an unreadable file, a key that does not fit.
 * `code` is stable and greppable; the message is one sentence that names what is wrong and says what to do.
 */
export class OperatorError extends Error {
  override readonly name = 'OperatorError'
  readonly code: string

  constructor (code: string, sentence: string) {
    super(sentence)
    this.code = code
  }
}
