export const HEADER = "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"

/** A chat message of so many bytes, or the shortest that there is. */
export function stanzaOf (bytes: number): string {
  const room = Math.max(0, bytes - around('').length)
  return around('Art thou not Romeo, and a Montague? Neither, fair saint, if either thee dislike. '.repeat(Math.ceil(room / 80)).slice(0, room))
}

function around (body: string): string {
  return `<message from='romeo@montague.example/orchard' to='juliet@capulet.example/balcony' id='ktx72v49' type='chat' xml:lang='en'><body>${body}</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>`
}
