// What was sent and received, for people: bounded, quoted, secrets masked.
import type { TranscriptLine } from '@dialtone/contracts'
import { quoted } from '@dialtone/kernel'

const LINES = 60
const LINE_CHARACTERS = 1200

/** Where one connection is written down. Lines beyond the bound are counted, not kept. */
export type Transcript = { note: (text: string) => void, sent: (text: string) => void, received: (text: string) => void, lines: () => TranscriptLine[] }

export function createTranscript (since: () => number): Transcript {
  const lines: TranscriptLine[] = []
  let left = 0
  const add = (direction: TranscriptLine['direction'], text: string) => {
    if (lines.length < LINES) lines.push({ atMs: since(), direction, text: quoted(redacted(text), LINE_CHARACTERS) })
    else left++
  }
  return {
    note: text => add('note', text),
    sent: text => add('sent', text),
    received: text => add('received', text),
    lines: () => left === 0 ? lines : [...lines, { atMs: since(), direction: 'note', text: `${left} more lines left out` }],
  }
}

/** Masks what a reader could replay: dialback keys, SASL payloads, and stanza bodies (XEP-0220 §2, RFC 6120 §6). */
export function redacted (text: string): string {
  return text
    .replace(/(<((?:[\w.-]+:)?(?:result|verify|auth|response|challenge|success))\b(?:[^>"']|"[^"]*"|'[^']*')*(?<!\/)>)(?!<\/\2\s*>)[\s\S]*?(<\/\2\s*>|$)/g, '$1…$3')
    .replace(/(<(?:[\w.-]+:)?(?:message|presence|iq)\b(?:[^>"']|"[^"]*"|'[^']*')*(?<!\/)>)[\s\S]*/g, '$1…')
}
