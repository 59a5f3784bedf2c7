// What a scripted server reads of a stream: whole elements as text, in order. Its peer is the gateway under test, which writes no comments and no CDATA.
import type { Socket } from 'node:net'

const PIECE = /<stream:stream[^>]*>|<\/stream:stream>|<stream:features\/>|<stream:features>.*?<\/stream:features>|<stream:error>.*?<\/stream:error>|<db:(?:verify|result)[^>]*?(?:\/>|>.*?<\/db:(?:verify|result)>)|<(?:enable|r|a)\s[^>]*>|<(message|iq|presence)\s.*?<\/\1>/gs

/** Tells each; nothing any more once the socket was destroyed here. */
export function readPieces (socket: Socket, tell: (piece: string) => void): void {
  let rest = ''
  socket.on('data', (bytes: Buffer) => {
    rest += bytes.toString('latin1')
    let end = 0
    for (const match of rest.matchAll(PIECE)) {
      end = match.index + match[0].length
      tell(match[0])
      if (socket.destroyed) return
    }
    rest = rest.slice(end)
  })
}

/** The value of an attribute in the text of one tag; '' without it. */
export function attributeOf (tag: string, name: string): string {
  return new RegExp(`\\s${name}=(?:'([^']*)'|"([^"]*)")`).exec(tag)?.slice(1).find(value => value !== undefined) ?? ''
}
