/**
 * What does the header of a message say? Whoever may publish writes it, byte by byte: also a status line as servers send it, names that the client throws at, and
 * the names under which a server tells where a message is stored. Of those the server adds its own at the end, so that the last one counts.
 */
import type { Msg } from 'nats'

/** `code`, `description`: of the status line, 0 and '' without one. `last`: '' where the name is missing. */
export type Head = { code: number, description: string, last: (name: string) => string }

/** Never throws. */
export function headOf (message: Msg): Head {
  try {
    const { headers } = message
    return headers === undefined ? NONE : { code: headers.code, description: headers.description, last: name => headers.last(name) }
  } catch {
    return unreadable(message)
  }
}

/** The place in its bucket of a message that was got directly; undefined for an answer of the server itself, whatever status either of them has. */
export function placeIn (head: Head): { subject: string, seq: number } | undefined {
  const seq = Number(head.last('Nats-Sequence'))
  return Number.isSafeInteger(seq) && seq > 0 ? { subject: head.last('Nats-Subject'), seq } : undefined
}

const NONE: Head = { code: 0, description: '', last: () => '' }

/** The client takes none of a header with one bad name. It keeps the bytes of the message, header first, under this name. */
function unreadable (message: Msg): Head {
  const bytes = (message as { _rdata?: Uint8Array })._rdata ?? new Uint8Array()
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length - message.data.length).toString('latin1').split('\r\n')
  return { ...NONE, last: name => lines.findLast(line => line.startsWith(`${name}:`))?.slice(name.length + 1).trim() ?? '' }
}
