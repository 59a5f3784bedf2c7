/**
 * What a peer sent, safe to print: control characters and line breaks escaped, cut to `max` characters.
 * Everything that came from the network passes through here before a person, a log or a terminal sees it.
 */
export function quoted (text: string, max = 200): string {
  const cut = text.length > max ? text.slice(0, max) + '…' : text
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029\\]/gu, c =>
    c === '\n' ? '\\n' : c === '\r' ? '\\r' : c === '\t' ? '\\t' : c === '\\' ? '\\\\' : `\\u{${c.codePointAt(0)?.toString(16)}}`)
}
