import type { StreamCondition } from '@dialtone/contracts'

const DECLARATION = /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|'([^']*)')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([A-Za-z][\w.-]*)"|'([A-Za-z][\w.-]*)'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>$/

/** Why what begins with `<?` at the very start of a stream is no XML declaration that we read on from (RFC 6120 §11.5, §11.6). */
export function declarationProblem (text: string): { condition: StreamCondition, detail: string } | undefined {
  if (!/^<\?xml[ \t\r\n]/.test(text)) return { condition: 'restricted-xml', detail: 'a processing instruction' }
  const [matched, version = '', otherVersion = '', encoding = '', otherEncoding = ''] = DECLARATION.exec(text) ?? []
  if (matched === undefined || (version || otherVersion) !== '1.0') return { condition: 'not-well-formed', detail: 'an XML declaration that is none of XML 1.0' }
  if (!/^(?:utf-8)?$/i.test(encoding || otherEncoding)) return { condition: 'unsupported-encoding', detail: 'an encoding other than UTF-8' }
  return undefined
}
